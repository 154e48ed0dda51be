"""The frozen values of a defect sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..messages import Phrase
from ..types import CheckpointInfo

Mask = NDArray[np.bool_]
Point = tuple[float, float]

LEAST_MARK: Final = 3.0
"""Least distance in pixels between the two marks of a known length."""
LONGEST: Final = 1000.0
"""Longest known length in metres."""
DEFAULT_THRESHOLD: Final = 0.5
DEFAULT_LEAST_SHARE: Final = 0.0002
MOST_DEFECTS: Final = 200


@dataclass(frozen=True, slots=True)
class Scale:
    """A length that is known in the picture. It holds in the plane it was marked in.

    Attributes:
        points: its two ends, (x, y) in pixels of the upright image.
        metres: between them.
    """

    points: tuple[Point, Point]
    metres: float

    def __post_init__(self) -> None:
        """Refuse marks that give no scale.

        Raises:
            SettingsError: the marks lie on one spot, or the length is no number of metres above 0.
        """
        if not (math.isfinite(self.metres) and 0 < self.metres <= LONGEST):
            raise SettingsError.of("scale.length", seen=self.metres, limit=LONGEST)
        if not self.pixels >= LEAST_MARK:
            raise SettingsError.of("scale.points", limit=LEAST_MARK)

    @property
    def pixels(self) -> float:
        """Distance of the two marks in pixels."""
        return math.dist(*self.points)

    @property
    def metres_per_pixel(self) -> float:
        """Length of a pixel's side in metres."""
        return self.metres / self.pixels


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """One 8-connected area of one class.

    Attributes:
        label: its value in the label map.
        box: x, y, width and height in pixels.
        mask: inside the box, ``(height, width)`` bool.
        centroid: (x, y) in pixels; the middle of pixel (0, 0) is (0.5, 0.5).
    """

    label: int
    box: tuple[int, int, int, int]
    mask: Mask
    centroid: Point

    @property
    def area(self) -> int:
        """Number of its pixels."""
        return int(np.count_nonzero(self.mask))

    @property
    def key(self) -> str:
        """Names the area for edits: its class and its first pixel, the same after another search."""
        x, y, _, _ = self.box
        return f"{self.label}:{x + int(self.mask[0].argmax())}:{y}"


@dataclass(frozen=True, slots=True)
class Extent:
    """Estimated length and mean width of a thin defect, in pixels."""

    length: float
    width: float


@dataclass(frozen=True, slots=True)
class Kind:
    """What a defect is, in words.

    Attributes:
        name: class of the taxonomy, or the class's name as typed where it is none of those.
        title: visible name.
        cause: what it usually comes from.
        measures: what is usually done.
        thin: whether its length and width are estimated.
    """

    name: str
    title: Phrase
    cause: Phrase
    measures: Phrase
    thin: bool = False


@dataclass(frozen=True, slots=True)
class Severity:
    """One step of the severity scale.

    Attributes:
        rank: 0 is the least.
        name: such as ``moderate``.
        title: visible name.
        colour: ``#rrggbb``.
    """

    rank: int
    name: str
    title: Phrase
    colour: str


@dataclass(frozen=True, slots=True, eq=False)
class Defect:
    """One row of the sheet.

    Attributes:
        number: from 1, as in the table and over the picture.
        component: where it is.
        class_name: name of the class as the user wrote it.
        kind: what it is.
        severity: by the rule of its kind.
        score: mean damage probability over its pixels, in ``[0, 1]``.
        zone: part of the picture in words.
        extent: length and width of thin defects; None for others.
        edited: whether a visitor chose its kind.
    """

    number: int
    component: Component
    class_name: str
    kind: Kind
    severity: Severity
    score: float
    zone: Phrase
    extent: Extent | None = None
    edited: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class DefectSheet:
    """All defects of one picture.

    Attributes:
        defects: worst first, then largest first.
        image_size: (height, width) of the upright picture.
        damage: names of the classes that count as damage.
        threshold: least damage probability of a pixel.
        least_area: smallest area that is listed, in pixels.
        left_out: smaller or surplus areas that are not listed.
        scale: the known length; None where none was marked.
        method: as of the result.
        checkpoint: likewise.
    """

    defects: tuple[Defect, ...]
    image_size: tuple[int, int]
    damage: tuple[str, ...]
    threshold: float
    least_area: int
    left_out: int
    scale: Scale | None
    method: str
    checkpoint: CheckpointInfo

    def area_m2(self, defect: Defect) -> float | None:
        """Area in square metres; None without a scale."""
        return None if self.scale is None else defect.component.area * self.scale.metres_per_pixel**2

    def length_m(self, defect: Defect) -> float | None:
        """Length of a thin defect in metres; None without a scale or length."""
        if self.scale is None or defect.extent is None:
            return None
        return defect.extent.length * self.scale.metres_per_pixel

    def width_mm(self, defect: Defect) -> float | None:
        """Mean width of a thin defect in millimetres; None without a scale or width."""
        if self.scale is None or defect.extent is None:
            return None
        return defect.extent.width * self.scale.metres_per_pixel * 1000


@dataclass(frozen=True, slots=True)
class DefectOptions:
    """How defects are searched for.

    Attributes:
        damage: names of the classes that count as damage; None takes those that name damage.
        threshold: least damage probability of a pixel, above 0 and at most 1: the summed probability of all
            damage classes.
        least_share: areas below this part of the picture are not listed.
        scale: the known length.
        kinds: taxonomy class by :attr:`Component.key`, where a visitor knows better.
        most: largest number of rows.
    """

    damage: tuple[str, ...] | None = None
    threshold: float = DEFAULT_THRESHOLD
    least_share: float = DEFAULT_LEAST_SHARE
    scale: Scale | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    most: int = MOST_DEFECTS

    def __post_init__(self) -> None:
        """Refuse values out of range.

        Raises:
            SettingsError: the threshold or the least share.
        """
        if not 0 < self.threshold <= 1:
            raise SettingsError.of("threshold", seen=self.threshold)
        if not 0 <= self.least_share < 1:
            raise SettingsError.of("least_share", seen=self.least_share)
