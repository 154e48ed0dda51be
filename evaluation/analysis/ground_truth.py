"""Whether heat maps point at what the ground truth shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attribution import heatmap_iou, pointing_game
from evaluation.facades.dataset import IGNORED
from pipelines import load_taxonomy

from .question import GROUPS


def members_of(name: str) -> tuple[int, ...]:
    """Taxonomy indices of a class, or of the group ``damage`` or ``damagePlus``."""
    taxonomy = load_taxonomy()
    if name in GROUPS:
        return taxonomy.damage if name == GROUPS[0] else taxonomy.damage_plus
    return (taxonomy.find(name).index,)


def against_truth(
    heatmap: NDArray[np.float32], truth: NDArray[np.uint8], members: Sequence[int]
) -> dict[str, Any] | None:
    """Hold a heat map against the pixels of some classes.

    Args:
        heatmap: raw values, ``(H, W)``.
        truth: taxonomy indices, ``(H, W)``; pixels with 255 are never hot.
        members: classes to point at.

    Returns:
        ``pixels`` of the classes; ``pointing_game``: whether the hottest pixel is one of them; ``iou`` of
        them with as many of the hottest pixels. None where the picture shows none of the classes.
    """
    target = np.isin(truth, members)
    if not target.any():
        return None
    seen = np.where(truth == IGNORED, heatmap.min(), heatmap)
    flat = bool(seen.max() == seen.min())  # it points nowhere
    return {
        "pixels": int(np.count_nonzero(target)),
        "pointing_game": not flat and pointing_game(seen, target),
        "iou": 0.0 if flat else heatmap_iou(seen, target),
    }
