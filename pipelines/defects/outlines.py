"""Outlines of masks along the edges of their pixels: polygons with holes that cover exactly the mask."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from .types import Mask

Ring = tuple[tuple[int, int], ...]
Step = tuple[int, int]
Corner = tuple[int, int]

RIGHT_OF: Final[dict[Step, Step]] = {(1, 0): (0, 1), (0, 1): (-1, 0), (-1, 0): (0, -1), (0, -1): (1, 0)}
"""The direction to the right of each one, with y pointing down."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """One 4-connected piece of a mask; corners of pixels as (x, y), the first not repeated.

    Attributes:
        exterior: clockwise as seen on the screen.
        holes: counter-clockwise as seen on the screen.
    """

    exterior: Ring
    holes: tuple[Ring, ...] = ()


def outline(mask: Mask, origin: tuple[int, int] = (0, 0)) -> tuple[Polygon, ...]:
    """Trace a mask along the edges of its pixels.

    Pieces that touch at a corner only become polygons of their own, so every ring is simple. A point in the
    middle of a pixel lies inside a polygon exactly where the mask is True.

    Args:
        mask: ``(h, w)`` bool.
        origin: (x, y) of the mask's upper left pixel.
    """
    count, numbered = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    return tuple(_piece(numbered == number, origin) for number in range(1, count))


def _piece(mask: Mask, origin: tuple[int, int]) -> Polygon:
    rings = [_moved(ring, origin) for ring in _rings(_edges(mask))]
    (exterior,) = (ring for ring in rings if signed_area(ring) > 0)
    return Polygon(exterior, tuple(ring for ring in rings if signed_area(ring) < 0))


def signed_area(ring: Ring) -> float:
    """Area in pixels; above 0 where the ring runs clockwise on the screen."""
    following = (*ring[1:], ring[0])
    return sum(x * v - u * y for (x, y), (u, v) in zip(ring, following, strict=True)) / 2


def _edges(mask: Mask) -> dict[Corner, list[Step]]:
    """Steps along the edge of the mask from each corner of a pixel; the mask lies to the right of them."""
    padded = np.pad(mask, 1)
    inner = padded[1:-1, 1:-1]
    sides = (
        (inner & ~padded[:-2, 1:-1], (0, 0), (1, 0)),  # above: to the right, from the upper left corner
        (inner & ~padded[1:-1, 2:], (1, 0), (0, 1)),
        (inner & ~padded[2:, 1:-1], (1, 1), (-1, 0)),
        (inner & ~padded[1:-1, :-2], (0, 1), (0, -1)),
    )
    edges: dict[Corner, list[Step]] = defaultdict(list)
    for side, (dx, dy), step in sides:
        for y, x in np.argwhere(side).tolist():
            edges[x + dx, y + dy].append(step)
    return edges


def _rings(edges: dict[Corner, list[Step]]) -> list[Ring]:
    rings = []
    while edges:
        start = next(iter(edges))
        rings.append(_walk(edges, start))
    return rings


def _walk(edges: dict[Corner, list[Step]], start: Corner) -> Ring:
    """Follow one ring and take its steps out; corners on straight lines are left out."""
    corners: list[Corner] = []
    first = heading = _take(edges, start, None)
    place = start[0] + heading[0], start[1] + heading[1]
    while place != start:  # a ring of a 4-connected piece passes no corner twice
        turned = _take(edges, place, heading)
        if turned != heading:
            corners.append(place)
        heading = turned
        place = place[0] + heading[0], place[1] + heading[1]
    if heading != first:
        corners.append(start)
    return tuple(corners)


def _take(edges: dict[Corner, list[Step]], place: Corner, heading: Step | None) -> Step:
    """Take out the step that goes on from a corner.

    Where four edges meet, turn left: pixels of the mask that touch at a corner are joined, its gaps are not.
    """
    steps = edges[place]
    right = None if heading is None else RIGHT_OF[heading]
    step = min(steps, key=lambda each: each == right)
    steps.remove(step)
    if not steps:
        del edges[place]
    return step


def _moved(ring: Ring, origin: tuple[int, int]) -> Ring:
    return tuple((x + origin[0], y + origin[1]) for x, y in ring)
