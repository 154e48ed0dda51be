"""One scale for several heat maps: pictures are comparable only if they share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from attribution.result import Attribution, Heatmap

ScaleKind = Literal["range", "symmetric", "positive"]


def heat_of(heatmap: Attribution | npt.ArrayLike) -> Heatmap:
    """Take the values of an attribution, or check an array.

    Args:
        heatmap: a result, or finite values of shape ``(H, W)``.

    Raises:
        ValueError: another shape, or values that are not finite.
    """
    if isinstance(heatmap, Attribution):
        return heatmap.heatmap
    return Attribution(np.asarray(heatmap, dtype=np.float32), method="", score=0.0).heatmap


@dataclass(frozen=True, slots=True)
class Scale:
    """What the ends of a colour bar stand for.

    Attributes:
        low: raw value shown as 0.
        high: raw value shown as 1; equal to ``low`` where all values are equal.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low <= self.high):
            raise ValueError(f"a scale needs finite low <= high, got {self.low}, {self.high}")

    def unit(self, heatmap: Attribution | npt.ArrayLike) -> Heatmap:
        """Map raw values to ``[0, 1]``; values beyond the scale are cut.

        Args:
            heatmap: raw values, shape ``(H, W)``.

        Returns:
            Float32, shape ``(H, W)``; all 0 where the scale has no extent.
        """
        values = heat_of(heatmap).astype(np.float64)
        extent = self.high - self.low
        if extent == 0:
            return np.zeros(values.shape, dtype=np.float32)
        unit: Heatmap = np.clip((values - self.low) / extent, 0, 1).astype(np.float32)
        return unit

    def gray(self, heatmap: Attribution | npt.ArrayLike) -> npt.NDArray[np.uint8]:
        """Map raw values to 0..255.

        Args:
            heatmap: raw values, shape ``(H, W)``.

        Returns:
            Shape ``(H, W)``; ``low + value / 255 * (high - low)`` is the raw value to half a step.
        """
        return np.rint(self.unit(heatmap) * 255).astype(np.uint8)


def shared_scale(heatmaps: Sequence[Attribution | npt.ArrayLike], kind: ScaleKind = "range") -> Scale:
    """Find one scale for all maps that are compared.

    Args:
        heatmaps: at least one, of any sizes.
        kind: ``"range"`` is from the smallest to the largest value; ``"symmetric"`` shows 0 in the middle;
            ``"positive"`` starts at 0 and cuts what speaks against the score.

    Returns:
        The scale.

    Raises:
        ValueError: no map, or an unknown kind.
    """
    if not heatmaps:
        raise ValueError("a shared scale needs at least one heat map, got none")
    values = [heat_of(heatmap) for heatmap in heatmaps]
    low, high = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    if kind == "range":
        return Scale(low, high)
    if kind == "symmetric":
        return Scale(-max(-low, high, 0.0), max(-low, high, 0.0))
    if kind == "positive":
        return Scale(0.0, max(high, 0.0))
    raise ValueError(f"kind must be one of {get_args(ScaleKind)}, got {kind!r}")
