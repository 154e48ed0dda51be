"""Shapes in metres: x to the right, y upwards, y = 0 where the wall meets the pavement."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


class Box(NamedTuple):
    """An upright rectangle in metres."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.top - self.bottom

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def grow(self, horizontal: float, vertical: float | None = None) -> "Box":
        """The box with every side moved outwards (inwards where negative)."""
        vertical = horizontal if vertical is None else vertical
        return Box(
            self.left - horizontal, self.bottom - vertical, self.right + horizontal, self.top + vertical
        )

    def shift(self, right: float, up: float) -> "Box":
        """The box moved."""
        return Box(self.left + right, self.bottom + up, self.right + right, self.top + up)

    def part(self, left: float, bottom: float, right: float, top: float) -> "Box":
        """A box inside, given by shares of width and height in [0, 1]."""
        return Box(
            self.left + left * self.width,
            self.bottom + bottom * self.height,
            self.left + right * self.width,
            self.bottom + top * self.height,
        )

    def points(self) -> Points:
        """The four corners, shape (4, 2)."""
        left, bottom, right, top = self
        return np.array([[left, bottom], [right, bottom], [right, top], [left, top]])


def arc(
    centre: tuple[float, float], radii: tuple[float, float], start: float, end: float, count: int = 16
) -> Points:
    """Points on an ellipse between two angles in degrees (0 = right, 90 = up), shape (count, 2)."""
    angle = np.radians(np.linspace(start, end, count))
    return np.stack([centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)], axis=1)


@lru_cache(maxsize=32)
def _unit_circle(count: int) -> Points:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    circle.setflags(write=False)
    return circle


def ellipse(centre: tuple[float, float], radii: tuple[float, float], count: int = 24) -> Points:
    """A closed ellipse as a polygon."""
    return np.asarray(_unit_circle(count) * np.array(radii) + np.array(centre), np.float64)


def arched(box: Box, rise: float) -> Points:
    """A box whose top is an arch: half an ellipse of height ``rise`` in metres."""
    rise = min(rise, box.height)
    spring = box.top - rise
    top = arc((box.centre[0], spring), (box.width / 2, rise), 0.0, 180.0, 20)
    return np.concatenate([[[box.left, box.bottom], [box.right, box.bottom]], top])


def smooth(points: Points, rounds: int = 2) -> Points:
    """A closed polygon with its corners cut ``rounds`` times (Chaikin)."""
    for _ in range(rounds):
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], 1).reshape(
            -1, 2
        )
    return points


def ragged(
    centre: tuple[float, float], radii: tuple[float, float], rng: np.random.Generator, roughness: float = 0.35
) -> Points:
    """An uneven blob around a centre; ``roughness`` is the spread of its radius.

    Slow waves give the shape, a little fine noise the torn edge.
    """
    count = 36
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = 1 + 0.25 * roughness * rng.standard_normal(count)
    for wave in range(1, 7):
        phase = rng.uniform(0, 2 * np.pi)
        radius += roughness * rng.standard_normal() * np.cos(wave * angle + phase) / wave**0.6
    outline = np.stack([np.cos(angle), np.sin(angle)], 1) * np.clip(radius, 0.3, 1.8)[:, None]
    return np.asarray(outline * np.array(radii) + np.array(centre), np.float64)
