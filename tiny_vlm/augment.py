"""Cutting and changing training pictures: geometry, colours, blur, noise, compression."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tiny_vlm.facades import IGNORE

Pixels = NDArray[np.uint8]
MASK_STRIDE = 2  # masks are cut at half of the picture's resolution: shares in a patch need no more


@dataclass(frozen=True, slots=True)
class Crop:
    """Where a training crop lies in its picture.

    Attributes:
        centre: x and y in pixels of the picture.
        sides: width and height in pixels of the picture.
        degrees: rotation.
        mirrored: left and right exchanged.
    """

    centre: tuple[float, float]
    sides: tuple[float, float]
    degrees: float = 0.0
    mirrored: bool = False


def cut(image: Pixels, mask: Pixels, crop: Crop, size: int) -> tuple[Pixels, Pixels]:
    """Cut ``crop`` out of a picture and its mask.

    Args:
        image: RGB, ``(H, W, 3)``, or the same picture at another scale.
        mask: labels, ``(H, W)``; ``crop`` is in its pixels.
        crop: what to cut; it may reach beyond the border, where the mask becomes ``IGNORE``.
        size: side of the result in pixels.

    Returns:
        Picture ``(size, size, 3)`` and mask ``(size // 2, size // 2)``.
    """
    picture = cv2.warpAffine(
        image,
        _matrix(crop, size, image.shape[0] / mask.shape[0]),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    side = size // MASK_STRIDE
    labels = cv2.warpAffine(
        mask,
        _matrix(crop, side),
        (side, side),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        borderValue=IGNORE,
    )
    return np.asarray(picture, np.uint8), np.asarray(labels, np.uint8)


def recolour(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Change colours, brightness, contrast and gamma at random; keeps shape and dtype."""
    mixing = np.eye(3) + rng.normal(0, 0.06, (3, 3))
    grey = rng.uniform(0, 0.5) if rng.random() < 0.5 else 0.0
    mixing = (1 - grey) * mixing / mixing.sum(1, keepdims=True) + grey / 3
    mixed = cv2.transform(image, mixing * rng.uniform(0.9, 1.1, (3, 1)))
    ramp = np.linspace(0, 1, 256) ** rng.uniform(0.65, 1.6)
    ramp = (ramp - 0.5) * rng.uniform(0.7, 1.3) + 0.5 + rng.uniform(-0.12, 0.12)
    ramp *= rng.uniform(0.25, 0.8) if rng.random() < 0.12 else 1.0  # dusk and night
    table = (ramp.clip(0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.LUT(mixed, table), np.uint8)


def degrade(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Blur, add noise or compress at random; keeps shape and dtype."""
    if rng.random() < 0.25:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.4)), np.uint8)
    if rng.random() < 0.2:
        noise = rng.normal(0, rng.uniform(2, 12), image.shape).astype(np.int16)
        image = (image + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 80))]
        image = np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR), np.uint8)
    return image


def draw_crop(
    point: tuple[float, float],
    sides: tuple[float, float],
    shape: tuple[int, ...],
    rng: np.random.Generator,
) -> Crop:
    """Draw the geometry of a training crop around ``point``.

    Args:
        point: what the crop contains, x and y in pixels.
        sides: smallest and largest side in pixels; log-uniform between the two.
        shape: height and width of the picture in pixels; crops stay inside it where they fit.
        rng: source of chance.
    """
    smallest, largest = sides
    height, width = shape
    side = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    stretch = float(np.exp(rng.normal(0, 0.1)))
    shift = rng.uniform(-0.4, 0.4, 2) * side
    degrees = float(rng.normal(0, 4) if rng.random() < 0.7 else rng.uniform(-12, 12))
    centre = (
        _inside(point[0] + shift[0], side * stretch, width),
        _inside(point[1] + shift[1], side / stretch, height),
    )
    return Crop(centre, (side * stretch, side / stretch), degrees, bool(rng.random() < 0.5))


def _inside(centre: float, side: float, length: int) -> float:
    """Move ``centre`` so that ``side`` stays within ``length``; the middle where it does not fit."""
    return length / 2 if side >= length else float(np.clip(centre, side / 2, length - side / 2))


def _matrix(crop: Crop, size: int, zoom: float = 1.0) -> NDArray[np.float64]:
    """Affine map from pixels of the crop to pixels of the picture, enlarged by ``zoom``."""
    angle = np.deg2rad(crop.degrees)
    scale = np.array(crop.sides) / size * ((-1 if crop.mirrored else 1), 1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    offset = np.array(crop.centre) - turn @ np.full(2, (size - 1) / 2)
    return zoom * np.hstack([turn, offset[:, None]])
