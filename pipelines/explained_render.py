"""Heat maps as pictures: warm where the picture speaks for the class, cold where it speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from attribution import Scale, blurred, shared_scale

from .explained_kinds import KINDS
from .explanation_types import ExplanationResult

QUANTILE: Final = 0.995
FINE_BLUR: Final = 120  # a fine map is blurred by its longer side over this, in pixels
WARM: Final = ((0.96, 0.72, 0.26), (0.70, 0.13, 0.10))  # RGB of weak and of strong evidence for the class
COLD: Final = ((0.45, 0.73, 0.92), (0.11, 0.28, 0.62))  # and against it
STRENGTH: Final = 0.9  # opacity of the strongest evidence


def display_maps(results: Sequence[ExplanationResult]) -> tuple[list[NDArray[np.float32]], Scale]:
    """Maps as they are shown, at their working sizes, and one scale for all of them.

    Values that change from pixel to pixel are blurred for the eye; raw values stay in the results.

    Args:
        results: of one kind, at least one.

    Returns:
        Maps ``(h, w)`` and the scale of their values.
    """
    kind = KINDS[results[0].kind]
    maps = [result.finding.attribution.heatmap for result in results]
    if kind.fine:
        maps = [_blurred(heat) for heat in maps]
    return maps, shared_scale(maps, kind.scale, quantile=QUANTILE)


def _blurred(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    soft = blurred(torch.from_numpy(heat.copy())[None], max(heat.shape) / FINE_BLUR)[0]
    smooth: NDArray[np.float32] = soft.numpy()
    return smooth


def heat_overlay(
    image: NDArray[np.uint8], heat: NDArray[np.float32], scale: Scale, *, signed: bool
) -> NDArray[np.uint8]:
    """Lay a map over the faded picture.

    Args:
        image: RGB, uint8, shape ``(H, W, 3)``.
        heat: of :func:`display_maps`; resized to the picture.
        scale: its scale.
        signed: the middle of the scale is 0.

    Returns:
        RGB, uint8, shape ``(H, W, 3)``.
    """
    height, width = image.shape[:2]
    unit = cv2.resize(scale.unit(heat), (width, height), interpolation=cv2.INTER_LINEAR)
    force = 2 * unit - 1 if signed else unit
    strength = np.abs(force)[..., None]
    low, high = (np.where(force[..., None] >= 0, WARM[end], COLD[end]) for end in (0, 1))
    colour = low + (high - low) * strength
    gray = image.mean(2, keepdims=True) / 255
    faded = 0.35 + 0.55 * gray
    mixed = faded + (colour - faded) * strength**0.7 * STRENGTH
    drawn: NDArray[np.uint8] = np.rint(mixed * 255).clip(0, 255).astype(np.uint8)
    return drawn
