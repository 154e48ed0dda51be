"""Colours of classes, the label-map file, and the overlay with its legend."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .types import NO_CLASS, ClassResult

# The first thirteen suit a street (wall, window, door, ... in the order of the built-in sets), and the
# first dozen stay apart under protanopia and deuteranopia as well. The others were added one by one, each
# the farthest in OKLab from all before it. Colours too dark, too light or too gray for a photograph are
# out.
COLOURS: Final = (
    "#f2a65a", "#2856c6", "#d91b7a", "#914fee", "#ffe66d", "#fc4400", "#00b3a4", "#6f3b12",
    "#646f83", "#a9deff", "#0f9233", "#e07be0", "#b7f100", "#780078", "#2d96ff", "#a5780f",
    "#005a00", "#96b400", "#004b69", "#e100ff", "#00f0b4", "#ffb4d2", "#b4000f", "#c37887",
    "#0000ff", "#4b00b4", "#a5a5d2", "#b400b4", "#00e100", "#a5c396", "#2dc3ff", "#964b87",
    "#ff2dc3", "#6900ff", "#9678c3", "#ff5a87", "#696900", "#87003c", "#965a4b", "#5a4b87",
    "#b4f0c3", "#782db4", "#4b69ff", "#00b400", "#1e695a", "#789669", "#2dffff", "#e1c300",
    "#0087b4", "#e17800", "#ffd2b4", "#00d278", "#c35ab4", "#e1a5ff", "#e196a5", "#001ec3",
    "#a587ff", "#a50078", "#e1002d", "#3cd2c3", "#2d8778", "#00ff78", "#c34b00", "#ff5aff",
)  # fmt: skip

LEGEND_ROW: Final = 26
LEGEND_MARGIN: Final = 10
LEGEND_FONT: Final = "DejaVuSans.ttf"


def palette(count: int) -> tuple[str, ...]:
    """Colours for classes, well apart from each other.

    Args:
        count: 0 to 64.

    Returns:
        ``#rrggbb``; the colours of a shorter palette begin a longer one.

    Raises:
        ValueError: more colours than there are.
    """
    if not 0 <= count <= len(COLOURS):
        raise ValueError(f"palette has 0 to {len(COLOURS)} colours, got {count}")
    return COLOURS[:count]


def write_label_png(path: str | os.PathLike[str], label_map: NDArray[np.uint8]) -> None:
    """Write a label map as an 8-bit gray PNG whose pixel values are class indices.

    The file appears under its name only when it is complete.

    Args:
        path: where to; an existing file is replaced.
        label_map: ``(H, W)`` uint8.
    """
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".png")
    try:
        with os.fdopen(handle, "wb") as file:
            Image.fromarray(label_map, mode="L").save(file, format="PNG", compress_level=1)
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def overlay(
    image: NDArray[np.uint8], label_map: NDArray[np.uint8], colours: Sequence[str], opacity: float = 0.5
) -> NDArray[np.uint8]:
    """Lay the classes' colours over the picture.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        label_map: ``(H, W)`` uint8; pixels of ``NO_CLASS`` keep the picture.
        colours: ``#rrggbb`` of each class.
        opacity: of the colours, in ``[0, 1]``.

    Returns:
        ``(H, W, 3)`` uint8 RGB.

    Raises:
        ValueError: sizes differ, ``opacity`` is out of range or a label has no colour.
    """
    if image.shape[:2] != label_map.shape:
        raise ValueError(f"image {image.shape[:2]} and label map {label_map.shape} must have the same size")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie in [0, 1], got {opacity}")
    labelled = label_map != NO_CLASS
    if labelled.any() and int(label_map[labelled].max()) >= len(colours):
        raise ValueError(f"label {label_map[labelled].max()} has no colour; {len(colours)} were given")
    part = round(opacity * 256)
    levels = np.arange(256, dtype=np.uint16)
    dimmed = ((levels * (256 - part)) >> 8).astype(np.uint8)
    tints = np.zeros((256, 3), np.uint8)
    tints[: len(colours)] = [[value * part >> 8 for value in rgb(colour)] for colour in colours]
    blended = dimmed[image] + tints[label_map]
    blended[~labelled] = image[~labelled]
    return blended


def rgb(colour: str) -> tuple[int, int, int]:
    """The three bytes of ``#rrggbb``."""
    value = int(colour.removeprefix("#"), 16)
    return value >> 16, value >> 8 & 255, value & 255


def legend(classes: Sequence[ClassResult], width: int) -> NDArray[np.uint8]:
    """Draw a strip with the colour, name and share of each class.

    Args:
        classes: in the order to show them.
        width: of the strip in pixels.

    Returns:
        ``(height, width, 3)`` uint8 RGB; as many rows as the names need.
    """
    font = _legend_font()
    texts = [f"{_printable(item, font)}  {item.share:.1%}" for item in classes]
    column = min(
        width, max((int(font.getlength(text)) for text in texts), default=0) + 24 + 2 * LEGEND_MARGIN
    )
    columns = max(1, width // column)
    rows = -(-len(texts) // columns)
    strip = Image.new("RGB", (width, rows * LEGEND_ROW + 2 * LEGEND_MARGIN), "white")
    draw = ImageDraw.Draw(strip)
    for number, (item, text) in enumerate(zip(classes, texts, strict=True)):
        left = LEGEND_MARGIN + number % columns * column
        top = LEGEND_MARGIN + number // columns * LEGEND_ROW
        draw.rectangle((left, top + 4, left + 16, top + 20), fill=item.colour, outline="#303030")
        draw.text((left + 24, top + LEGEND_ROW // 2), text, fill="#202020", font=font, anchor="lm")
    return np.asarray(strip)


def with_legend(picture: NDArray[np.uint8], classes: Sequence[ClassResult]) -> NDArray[np.uint8]:
    """The picture, ``(H, W, 3)`` uint8 RGB, with the legend below it."""
    return np.concatenate([picture, legend(classes, picture.shape[1])])


def _legend_font() -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib brings it: Pillow's own font lacks Cyrillic."""
    import matplotlib

    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", LEGEND_FONT)), 14)


def _printable(item: ClassResult, font: ImageFont.FreeTypeFont) -> str:
    """The class's name; its number where the font lacks a character of the name."""
    unknown = bytes(font.getmask("\uffff"))
    lacking = any(not c.isspace() and bytes(font.getmask(c)) == unknown for c in item.name)
    return f"class {item.index}" if lacking else item.name
