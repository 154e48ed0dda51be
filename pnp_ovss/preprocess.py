"""From a picture to the model's pixels, and patches taken out of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from pnp_ovss.config import JoinWords

Image = NDArray[np.uint8]
_CUT: dict[JoinWords, str] = {"keep": "", "spaces": " ", "spaces and hyphens": " -"}


def check_image(image: object) -> None:
    """Refuse what is no RGB picture.

    Raises:
        TypeError: it is no uint8 array.
        ValueError: its shape is not ``(H, W, 3)``, or it has no pixel.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        seen = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"image must be a uint8 array, got {seen}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image must have shape (H, W, 3) with at least one pixel, got {image.shape}")


def prepare_image(
    image: Image, side: int, mean: Sequence[float], std: Sequence[float], *, normalise: bool = True
) -> Tensor:
    """Squeeze a picture to a square, whatever its shape, and normalise it.

    Args:
        image: RGB, uint8, shape ``(H, W, 3)``.
        side: of the square, in pixels.
        mean: taken off RGB in ``[0, 1]``.
        std: what RGB is divided by afterwards.
        normalise: False keeps ``[0, 1]`` and resizes bilinearly, as published for ade20k.

    Returns:
        float32, shape ``(1, 3, side, side)``.
    """
    check_image(image)
    how = Pillow.Resampling.BICUBIC if normalise else Pillow.Resampling.BILINEAR
    square = np.asarray(Pillow.fromarray(np.ascontiguousarray(image)).resize((side, side), how))
    pixels = torch.from_numpy(square.copy()).permute(2, 0, 1).float() / 255
    if normalise:
        pixels = (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    return pixels[None]


def drop_patches(pixels: Tensor, dropped: NDArray[np.bool_]) -> Tensor:
    """Set the pixels of dropped patches to 0, the mean colour of a normalised picture.

    Args:
        pixels: shape ``(1, 3, S, S)``; left as it is.
        dropped: shape ``(P, P)``, P patches a side.
    """
    patch = pixels.shape[-1] // len(dropped)
    squares = torch.from_numpy(dropped.repeat(patch, 0).repeat(patch, 1))
    return pixels.masked_fill(squares.to(pixels.device), 0)


def join_words(text: str, how: JoinWords) -> str:
    """Take spaces, or spaces and hyphens, out of a class name, as published for some data sets.

    Args:
        text: a class name.
        how: what is taken out.
    """
    return text.translate(dict.fromkeys(map(ord, _CUT[how])))
