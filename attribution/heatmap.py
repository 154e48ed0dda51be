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


def shared_scale(
    heatmaps: Sequence[Attribution | npt.ArrayLike], kind: ScaleKind = "range", *, quantile: float = 1.0
) -> Scale:
    """Find one scale for all maps that are compared.

    Args:
        heatmaps: at least one, of any sizes.
        kind: ``"range"`` is from the smallest to the largest value; ``"symmetric"`` shows 0 in the middle;
            ``"positive"`` starts at 0 and cuts what speaks against the score.
        quantile: share of each map's pixels that the scale must reach at either end; below 1, the few
            extreme pixels that would leave all others dark are cut.

    Returns:
        The scale.

    Raises:
        ValueError: no map, an unknown kind or a quantile outside ``(0.5, 1]``.
    """
    if not heatmaps:
        raise ValueError("a shared scale needs at least one heat map, got none")
    if not 0.5 < quantile <= 1:
        raise ValueError(f"quantile must lie in (0.5, 1], got {quantile}")
    ends = [np.quantile(heat_of(heatmap), [1 - quantile, quantile]) for heatmap in heatmaps]
    low, high = min(float(end[0]) for end in ends), max(float(end[1]) for end in ends)
    if kind == "range":
        return Scale(low, high)
    if kind == "symmetric":
        return Scale(-max(-low, high, 0.0), max(-low, high, 0.0))
    if kind == "positive":
        return Scale(0.0, max(high, 0.0))
    raise ValueError(f"kind must be one of {get_args(ScaleKind)}, got {kind!r}")


def resize_shares(heatmap: npt.ArrayLike, size: tuple[int, int]) -> Heatmap:
    """Resize a map whose values are shares of a whole: the sum stays, whatever the sizes.

    Every pixel spreads its value evenly over the area it covers at the new size.

    Args:
        heatmap: raw values, shape ``(H, W)``.
        size: new height and width, in pixels.

    Returns:
        Float32, shape ``size``.
    """
    values = np.asarray(heatmap, dtype=np.float64)
    rows = _redistribute(values, size[0])
    resized: Heatmap = _redistribute(rows.T, size[1]).T.astype(np.float32)
    return resized


def _redistribute(values: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float64]:
    """Sums of ``values`` over ``length`` equal parts of its first axis."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    edges = np.linspace(0, len(values), length + 1)
    below = np.minimum(edges.astype(np.intp), len(values) - 1)
    inside = (edges - below)[:, None]
    return np.diff(sums[below] * (1 - inside) + sums[below + 1] * inside, axis=0)
