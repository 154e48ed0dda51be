"""The pictures of a defect sheet: the numbered overview and the crop of each row."""

from __future__ import annotations

import base64
import io
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..render import rgb
from .components import crop
from .types import Component, Defect, DefectSheet

CROP_SIDE: Final = 320
OVERVIEW_SIDE: Final = 1600
LEAST_MARGIN: Final = 24

Picture = NDArray[np.uint8]


def crop_picture(image: Picture, defect: Defect) -> Picture:
    """The defect with a margin around it, its outline drawn in the colour of its severity.

    Args:
        image: the upright picture, ``(H, W, 3)`` uint8 RGB.
        defect: of a sheet of this picture.

    Returns:
        ``(h, w, 3)`` uint8 RGB, no side above :data:`CROP_SIDE`.
    """
    box = wide_box(defect.component, image.shape[:2])
    part = Image.fromarray(crop(image, box))
    part.thumbnail((CROP_SIDE, CROP_SIDE), Image.Resampling.LANCZOS)
    scale = part.width / box[2]
    drawn = np.array(part)
    _draw_outline(drawn, defect, scale, (box[0], box[1]))
    return drawn


def overview_picture(image: Picture, sheet: DefectSheet) -> Picture:
    """The whole picture with every outline.

    Args:
        image: the upright picture, ``(H, W, 3)`` uint8 RGB.
        sheet: of this picture.

    Returns:
        ``(h, w, 3)`` uint8 RGB, no side above :data:`OVERVIEW_SIDE`.
    """
    small = Image.fromarray(image)
    small.thumbnail((OVERVIEW_SIDE, OVERVIEW_SIDE), Image.Resampling.LANCZOS)
    drawn = np.array(small)
    for defect in sheet.defects:
        _draw_outline(drawn, defect, small.width / image.shape[1], (0, 0))
    return drawn


def wide_box(component: Component, image_size: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The component's box with a margin, inside the picture: x, y, width and height."""
    x, y, width, height = component.box
    margin = max(LEAST_MARGIN, round(0.35 * max(width, height)))
    left, top = max(0, x - margin), max(0, y - margin)
    right, bottom = min(image_size[1], x + width + margin), min(image_size[0], y + height + margin)
    return left, top, right - left, bottom - top


def jpeg_bytes(picture: Picture) -> bytes:
    """A picture, ``(h, w, 3)`` uint8 RGB, as JPEG."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=88)
    return file.getvalue()


def data_url(picture: Picture) -> str:
    """A picture as a JPEG inside a ``data:`` URL."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg_bytes(picture)).decode("ascii")


def _draw_outline(drawn: Picture, defect: Defect, scale: float, origin: tuple[int, int]) -> None:
    """Draw a defect's outline on a part of the picture that begins at ``origin``, scaled by ``scale``."""
    component = defect.component
    mask = np.pad(component.mask.astype(np.uint8), 1)
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    shift = np.array([component.box[0] - origin[0] - 0.5, component.box[1] - origin[1] - 0.5])
    lines = [np.round((contour + shift) * scale).astype(np.int32) for contour in contours]
    cv2.polylines(drawn, lines, True, (255, 255, 255), 4, cv2.LINE_AA)
    cv2.polylines(drawn, lines, True, rgb(defect.severity.colour), 2, cv2.LINE_AA)
