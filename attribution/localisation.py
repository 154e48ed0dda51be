"""Does a heat map point at what is really there: pointing game and IoU against a mask."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from attribution.heatmap import heat_of
from attribution.result import Attribution


def pointing_game(heatmap: Attribution | npt.ArrayLike, mask: npt.ArrayLike, *, radius: float = 0.0) -> bool:
    """Say whether the hottest pixel lies on the mask.

    Args:
        heatmap: raw values, shape ``(H, W)``.
        mask: ground truth, bool, shape ``(H, W)``.
        radius: a miss by at most this many pixels counts as a hit (15 in the published game).

    Returns:
        True for a hit. Among several hottest pixels all must hit, so a flat map hits only a full mask.

    Raises:
        ValueError: if the shapes differ or the mask is empty.
    """
    heat, truth = _pair(heatmap, mask)
    if radius < 0:
        raise ValueError(f"radius must be 0 or more pixels, got {radius}")
    marked = np.argwhere(truth)
    hottest = np.argwhere(heat == heat.max())
    return all(((marked - place) ** 2).sum(1).min() <= radius**2 for place in hottest)


def heatmap_iou(
    heatmap: Attribution | npt.ArrayLike, mask: npt.ArrayLike, *, threshold: float | None = None
) -> float:
    """Compare the hot area with the mask.

    Args:
        heatmap: raw values, shape ``(H, W)``.
        mask: ground truth, bool, shape ``(H, W)``.
        threshold: raw value above which a pixel is hot. None takes as many of the hottest pixels as the mask
            has, so the figure does not depend on the scale; all pixels equal to the last of them count too.

    Returns:
        Intersection over union, in ``[0, 1]``.

    Raises:
        ValueError: if the shapes differ or the mask is empty.
    """
    heat, truth = _pair(heatmap, mask)
    as_many = np.sort(heat, axis=None)[-int(truth.sum())]
    hot = heat >= as_many if threshold is None else heat > threshold
    return float((hot & truth).sum() / (hot | truth).sum())


def _pair(
    heatmap: Attribution | npt.ArrayLike, mask: npt.ArrayLike
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    heat, truth = heat_of(heatmap), np.asarray(mask)
    if truth.dtype != np.bool_ or truth.shape != heat.shape:
        raise ValueError(
            f"mask must be bool of the heat map's shape {heat.shape}, got {truth.dtype} of {truth.shape}"
        )
    if not truth.any():
        raise ValueError("mask marks no pixel; there is nothing to point at")
    return heat, truth
