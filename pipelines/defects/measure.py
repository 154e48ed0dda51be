"""Length and width of thin areas, and places in words."""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..messages import Phrase
from .types import Extent, Mask, Point

LONGEST_SIDE: Final = 480
THICKEST: Final = 24
"""Masks that are longer, or of a larger half width, are made smaller before thinning."""
Table = NDArray[np.bool_]

RING: Final = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""Neighbours of a pixel as (row, column), clockwise from the one above."""

ZONES: Final = (
    (Phrase("upper left", "вверху слева"), Phrase("top", "вверху"), Phrase("upper right", "вверху справа")),
    (Phrase("left", "слева"), Phrase("middle", "в середине"), Phrase("right", "справа")),
    (Phrase("lower left", "внизу слева"), Phrase("bottom", "внизу"), Phrase("lower right", "внизу справа")),
)


def zone(point: Point, image_size: tuple[int, int]) -> Phrase:
    """Which ninth of the picture a point lies in.

    Args:
        point: (x, y) in pixels.
        image_size: (height, width).
    """
    height, width = image_size
    row, column = (
        min(2, int(3 * place / length)) for place, length in ((point[1], height), (point[0], width))
    )
    return ZONES[row][column]


def measure_extent(mask: Mask) -> Extent:
    """Estimate length and mean width of a thin area.

    The area is thinned to its middle line of length S. A line of constant width ends half a width beyond
    that on both sides, so the length L solves ``L = S + A / L`` with the area A; a closed line has no ends
    and ``L = S``. The mean width is ``A / L``.

    Args:
        mask: ``(h, w)`` bool with at least one pixel.

    Returns:
        Both in pixels.
    """
    area = int(np.count_nonzero(mask))
    small, factor = _reduced(mask)
    middle = thin(small)
    line = skeleton_length(middle) * factor
    length = line if line > 0 and not _has_ends(middle) else (line + math.sqrt(line**2 + 4 * area)) / 2
    return Extent(length, area / length)


def thin(mask: Mask) -> Mask:
    """Thin an area to lines one pixel wide that keep its connections (Zhang and Suen, 1984).

    Corners of staircases are cut last, so a slanted line runs through diagonal neighbours.

    Args:
        mask: ``(h, w)`` bool.
    """
    image = np.ascontiguousarray(np.pad(mask, 1), dtype=np.uint8)
    flat = image.ravel()
    offsets = np.array([row * image.shape[1] + column for row, column in RING])
    left = np.flatnonzero(flat)
    removed = True
    while removed:
        before = len(left)
        for removable in _removable():
            left = _peel(flat, left, offsets, removable)
        removed = len(left) < before
    for corner in _corners():
        left = _peel(flat, left, offsets, corner)
    return np.asarray(image[1:-1, 1:-1], dtype=bool)


def _peel(
    flat: NDArray[np.uint8], left: NDArray[np.intp], offsets: NDArray[np.intp], removable: Table
) -> NDArray[np.intp]:
    """Clear the pixels whose neighbourhood is in a table; returns those that are left."""
    codes = flat[left[:, None] + offsets] @ (1 << np.arange(8))
    gone = removable[codes]
    flat[left[gone]] = 0
    return np.asarray(left[~gone])


def skeleton_length(line: Mask) -> float:
    """Length of a thinned line in pixels: 1 for a step aside, sqrt(2) for a diagonal one.

    A diagonal step between pixels that are also joined round a corner does not count.
    """
    padded = np.pad(line, 1)
    straight = np.count_nonzero(padded[1:] & padded[:-1]) + np.count_nonzero(padded[:, 1:] & padded[:, :-1])
    down = padded[:-1, :-1] & padded[1:, 1:] & ~(padded[:-1, 1:] | padded[1:, :-1])
    up = padded[1:, :-1] & padded[:-1, 1:] & ~(padded[:-1, :-1] | padded[1:, 1:])
    return float(straight + math.sqrt(2) * (np.count_nonzero(down) + np.count_nonzero(up)))


def _has_ends(line: Mask) -> bool:
    counts = cv2.filter2D(line.astype(np.uint8), -1, np.ones((3, 3)), borderType=cv2.BORDER_CONSTANT)
    return bool((counts[line] == 2).any())  # itself and one neighbour


def _reduced(mask: Mask) -> tuple[Mask, float]:
    inner = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)
    factor = max(max(mask.shape) / LONGEST_SIDE, float(inner.max()) / THICKEST)
    if factor <= 1:
        return mask, 1.0
    size = (max(1, round(mask.shape[1] / factor)), max(1, round(mask.shape[0] / factor)))
    part = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(part > 0), factor  # no thin line may break


@cache
def _removable() -> tuple[Table, Table]:
    """For both half steps: which of the 256 neighbourhoods let their middle pixel go."""
    around = _neighbourhoods()
    neighbours = around.sum(1)
    starts = ((around == 0) & (np.roll(around, -1, 1) == 1)).sum(1)
    north, east, south, west = (around[:, place] for place in (0, 2, 4, 6))
    edge = (neighbours >= 2) & (neighbours <= 6) & (starts == 1)
    first = edge & (north * east * south == 0) & (east * south * west == 0)
    second = edge & (north * east * west == 0) & (north * south * west == 0)
    return first, second


@cache
def _corners() -> tuple[Table, ...]:
    """For each direction of a corner: neighbourhoods with two sides of it and nothing behind it."""
    around = _neighbourhoods()
    tables = []
    for first in (0, 2, 4, 6):
        sides = around[:, first] & around[:, (first + 2) % 8]
        behind = around[:, [(first + place) % 8 for place in (4, 5, 6)]].any(1)
        tables.append(np.asarray((sides == 1) & ~behind))
    return tuple(tables)


def _neighbourhoods() -> NDArray[np.intp]:
    """All 256 sets of neighbours in the order of :data:`RING`, ``(256, 8)`` of 0 and 1."""
    return np.asarray((np.arange(256)[:, None] >> np.arange(8)) & 1, dtype=np.intp)
