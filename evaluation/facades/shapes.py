"""Shapes of COCO annotations as masks: polygons and run lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
LEAST_POINTS = 3
CHUNK_BITS = 5  # of a run length in each character of the compressed code
FIRST_CHARACTER = 48


def fill_polygon(corners: Sequence[float], height: int, width: int) -> Mask:
    """Pixels whose centre lies inside a polygon (even-odd rule), ``(height, width)``.

    Args:
        corners: x, y, x, y, ... in pixels; (0, 0) is the corner of the first pixel, (0.5, 0.5) its centre.
        height: of the picture.
        width: of the picture.

    Raises:
        ValueError: fewer than three corners, or half a corner.
    """
    if len(corners) % 2 or len(corners) < 2 * LEAST_POINTS:
        raise ValueError(
            f"a polygon needs at least {LEAST_POINTS} corners as x, y, ..., got {len(corners)} numbers"
        )
    points = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
    crossings = np.zeros((height, width + 1), dtype=np.int64)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        low, high = (np.clip(np.ceil(y - 0.5), 0, height).astype(int) for y in sorted((y0, y1)))
        rows = np.arange(low, high)
        if rows.size:
            x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            columns = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
            np.add.at(crossings, (rows, columns), 1)
    return np.asarray(np.cumsum(crossings, axis=1)[:, :width] % 2 == 1)


def decode_runs(counts: Sequence[int] | str, height: int, width: int) -> Mask:
    """Pixels of a run-length code, ``(height, width)``.

    Args:
        counts: lengths of runs of zeros and ones in turn, zeros first, column by column; or the same as
            COCO's compressed string.
        height: of the picture.
        width: of the picture.

    Raises:
        ValueError: the lengths are no such code, or do not sum to the picture's pixels.
    """
    lengths = np.array(_decompress(counts) if isinstance(counts, str) else list(counts), dtype=np.int64)
    if (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"run lengths sum to {lengths.sum()}, but the picture has {height} x {width} pixels")
    values = np.arange(lengths.size) % 2 == 1
    return np.ascontiguousarray(np.repeat(values, lengths).reshape(width, height).T)


def read_shape(segmentation: Any, height: int, width: int) -> Mask:
    """The mask of a COCO ``segmentation``: a list of polygons, or run lengths.

    Raises:
        ValueError: it is neither, or made for another size.
    """
    if isinstance(segmentation, list) and segmentation:
        polygons = segmentation if isinstance(segmentation[0], list) else [segmentation]
        masks = [fill_polygon(_numbers(one), height, width) for one in polygons]
        return np.asarray(np.logical_or.reduce(masks))
    if not isinstance(segmentation, Mapping):
        raise ValueError("there is no shape: neither polygons nor run lengths")
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if size != [height, width]:
        raise ValueError(f"run lengths are for the size {size}, but the picture has [{height}, {width}]")
    return decode_runs(counts if isinstance(counts, str) else _numbers(counts), height, width)


def _numbers(values: Any) -> list[Any]:
    if not isinstance(values, list) or any(type(value) not in (int, float) for value in values):
        raise ValueError(f"numbers were expected, got {str(values)[:40]}")
    return values


def _decompress(code: str) -> list[int]:
    """COCO's string: chunks of five bits, lowest first; later lengths are less the one two before."""
    lengths: list[int] = []
    value = shift = 0
    for character in code:
        chunk = ord(character) - FIRST_CHARACTER
        if not 0 <= chunk < 64:
            raise ValueError(f"the character {character!r} is none of a run-length code")
        value |= (chunk & 31) << shift
        shift += CHUNK_BITS
        if chunk & 32:
            continue
        if chunk & 16:
            value -= 1 << shift
        lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("the run-length code ends within a number")
    return lengths
