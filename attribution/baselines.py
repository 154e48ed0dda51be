"""Pictures without evidence: where an integral starts, and what takes the place of removed pixels."""

from __future__ import annotations

from math import ceil
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

BaselineKind = Literal["black", "mean_colour", "blurred"]


def baseline_picture(image: Tensor, kind: BaselineKind) -> Tensor:
    """Make a baseline of a picture.

    Args:
        image: shape ``(C, H, W)``, not normalised: 0 is black.
        kind: ``"black"``, ``"mean_colour"`` (of this picture) or ``"blurred"`` (see :func:`blurred`).

    Returns:
        Shape and dtype of ``image``.

    Raises:
        ValueError: an unknown kind.
    """
    if kind == "black":
        return torch.zeros_like(image)
    if kind == "mean_colour":
        return image.mean((-2, -1), keepdim=True).expand_as(image).contiguous()
    if kind == "blurred":
        return blurred(image, max(image.shape[-2:]) / 16)
    raise ValueError(f"baseline must be one of {get_args(BaselineKind)} or a tensor, got {kind!r}")


def as_baseline(image: Tensor, baseline: BaselineKind | Tensor) -> Tensor:
    """Make the named baseline, or take the one given.

    Args:
        image: shape ``(C, H, W)``.
        baseline: a name, or a picture of the same shape.

    Raises:
        ValueError: an unknown name, another shape, or values that are not finite.
    """
    if not isinstance(baseline, Tensor):
        return baseline_picture(image, baseline)
    if baseline.shape != image.shape or not bool(torch.isfinite(baseline).all()):
        raise ValueError(
            f"the baseline must be finite and of the image's shape {tuple(image.shape)}, "
            f"got {tuple(baseline.shape)}"
        )
    return baseline.detach().clone().to(image)


def blurred(image: Tensor, sigma: float) -> Tensor:
    """Blur with a Gaussian cut at three sigma; border pixels are repeated outwards.

    Args:
        image: shape ``(C, H, W)``.
        sigma: standard deviation in pixels, positive.

    Returns:
        Shape and dtype of ``image``.
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, in pixels, got {sigma}")
    radius = ceil(3 * sigma)
    offsets = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(image[:, None], [radius] * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel[None, None, :, None]), kernel[None, None, None])[:, 0]


def require_picture(image: Tensor) -> None:
    """Refuse what is no single picture.

    Args:
        image: must be floating point, finite and of shape ``(C, H, W)``.

    Raises:
        ValueError: something else.
    """
    if image.ndim != 3 or not image.is_floating_point() or 0 in image.shape:
        raise ValueError(
            f"image must be floating point of shape (C, H, W), got {image.dtype} of {tuple(image.shape)}"
        )
    if not bool(torch.isfinite(image).all()):
        raise ValueError("image must be finite")
