"""Tiles of a fixed size cut from labelled photographs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .dataset import IGNORED, DatasetError, Mask, Picture

BACKGROUND = 0


@dataclass(frozen=True, slots=True)
class TileOptions:
    """How tiles are cut.

    Attributes:
        size: side in pixels.
        stride: distance of two tiles in pixels; at most ``size``.
        min_content: least part of a tile that shows the photograph, in [0, 1].
        min_coverage: least part of the labelled pixels that is no background, in [0, 1].
        keep_empty: whether tiles without any foreground are kept as well.
    """

    size: int = 1024
    stride: int = 768
    min_content: float = 0.0
    min_coverage: float = 0.0
    keep_empty: bool = False

    def __post_init__(self) -> None:
        """Refuse sizes that leave gaps and parts outside [0, 1].

        Raises:
            DatasetError: ``stride`` is not between 1 and ``size``, or a part is out of range.
        """
        if not 1 <= self.stride <= self.size:
            raise DatasetError(
                f"stride must lie between 1 and the tile's {self.size} pixels, got {self.stride}."
            )
        for name in ("min_content", "min_coverage"):
            if not 0 <= getattr(self, name) <= 1:
                raise DatasetError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A tile: where its upper left corner lies, its picture ``(S, S, 3)`` and mask ``(S, S)``."""

    y: int
    x: int
    image: Picture
    mask: Mask


def cut_tiles(image: Picture, mask: Mask, options: TileOptions) -> Iterator[Tile]:
    """Cut a photograph into tiles that cover it whole.

    Tiles that reach over the right or lower border are filled up: the picture with black, the mask with 255,
    so that what was never photographed is not looked at.

    Args:
        image: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` uint8; 255 is not looked at.
        options: size, stride and which tiles are left out.
    """
    height, width = mask.shape
    for y in _starts(height, options):
        for x in _starts(width, options):
            part = mask[y : y + options.size, x : x + options.size]
            if not _is_wanted(part, options):
                continue
            pads = tuple((0, options.size - length) for length in part.shape)
            piece = np.pad(image[y : y + options.size, x : x + options.size], (*pads, (0, 0)))
            yield Tile(y, x, piece, np.pad(part, pads, constant_values=IGNORED))


def _starts(length: int, options: TileOptions) -> range:
    return range(0, max(1, length - (options.size - options.stride)), options.stride)


def _is_wanted(mask: Mask, options: TileOptions) -> bool:
    labelled = int(np.count_nonzero(mask != IGNORED))
    foreground = int(np.count_nonzero((mask != IGNORED) & (mask != BACKGROUND)))
    if mask.size < options.min_content * options.size**2:
        return False
    if foreground == 0:
        return options.keep_empty
    return foreground >= options.min_coverage * labelled
