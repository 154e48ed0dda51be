"""How far figures would move with other photographs: bootstrap over photographs, not over pixels or tiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .tally import FacadeTally, derive

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are drawn.

    Attributes:
        draws: sets of photographs drawn with replacement; 0 gives no intervals.
        level: part of the draws that an interval holds, in (0, 1).
        seed: of the draws.
    """

    draws: int = 1000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values that make no interval.

        Raises:
            ValueError: ``draws`` is negative or ``level`` outside (0, 1).
        """
        if self.draws < 0 or not 0 < self.level < 1:
            raise ValueError(
                f"draws must be at least 0 and level in (0, 1), got {self.draws} and {self.level}"
            )


def bootstrap_intervals(tally: FacadeTally, options: Bootstrap) -> dict[str, Interval]:
    """Percentile intervals of every figure that is one number, and of the IoU of each class.

    Args:
        tally: counts by photograph.
        options: how many draws, which part of them, which seed.

    Returns:
        (low, high) by figure, and by ``IoU NAME`` for each class. Draws in which a figure does not exist are
        left out of it; figures that exist in none, and all for fewer than two photographs, have no interval.
    """
    count = tally.photographs
    if count < 2 or options.draws == 0:
        return {}
    generator = np.random.default_rng(options.seed)
    weights = generator.multinomial(count, np.full(count, 1 / count), options.draws)
    drawn: dict[str, list[float]] = {}
    for weight in weights:
        sums = {name: np.tensordot(weight, array, axes=1) for name, array in tally.counts.items()}
        for key, value in _numbers(derive(sums, tally.scheme), tally.scheme.names):
            drawn.setdefault(key, []).append(value)
    tail = (1 - options.level) / 2
    return {key: found for key, values in drawn.items() if (found := _quantiles(np.array(values), tail))}


def _numbers(figures: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[str, float]]:
    for key, value in figures.items():
        if isinstance(value, float):
            yield key, value
    yield from zip((f"IoU {name}" for name in names), map(float, figures["iou"]), strict=True)


def _quantiles(values: npt.NDArray[np.float64], tail: float) -> Interval | None:
    known = values[np.isfinite(values)]
    if not known.size:
        return None
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
