"""How well damage is found: per pixel (AUC), per damaged area, and per region of a label map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from evaluation.metrics import Counts, Labels, as_indices

Mask = npt.NDArray[np.bool_]

LEAST_AREA = 60  # pixels; smaller areas are neither demanded nor counted as alarms
GRID = 64  # thresholds that are tried


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPhoto:
    """One photograph's damage score with its ground truth, all ``(H, W)``.

    Attributes:
        score: float16 in ``[0, 1]``.
        damage: labelled damage.
        sound: labelled wall or ornament without damage. Pixels in neither mask are not looked at.
    """

    score: npt.NDArray[np.float16]
    damage: Mask
    sound: Mask


def pixel_auc(photos: Sequence[ScoredPhoto]) -> float:
    """Probability that a damaged pixel scores above a sound one; ties count half.

    Scores are positive float16, whose bit patterns are in the order of their values: counting the patterns
    sorts all pixels of a data set in one pass.

    Returns:
        Area under the ROC curve in ``[0, 1]``; NaN when damaged or sound pixels are missing.
    """
    positive = _count_patterns(photo.score[photo.damage] for photo in photos)
    negative = _count_patterns(photo.score[photo.sound] for photo in photos)
    pairs = float(positive.sum()) * float(negative.sum())
    if pairs == 0:
        return float("nan")
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum()) / pairs


def _count_patterns(parts: Any) -> npt.NDArray[np.float64]:
    counts = np.zeros(2**16)
    for part in parts:
        counts += np.bincount((part + np.float16(0)).view(np.uint16), minlength=2**16)
    return counts


@dataclass(frozen=True, slots=True)
class AreaFigures:
    """Damaged areas found at one threshold."""

    threshold: float
    found: int
    areas: int
    false_alarms: int

    @property
    def share(self) -> float:
        """Share of the damaged areas that were found; NaN without any."""
        return self.found / self.areas if self.areas else float("nan")


def areas_at(photos: Sequence[ScoredPhoto], threshold: float) -> AreaFigures:
    """Count found areas and false alarms.

    A damaged area is found when a predicted area touches it; a predicted area that touches no damage is a
    false alarm. Areas are 8-connected; those of at most :data:`LEAST_AREA` pixels do not count.
    """
    found = areas = alarms = 0
    for photo in photos:
        predicted = _large_areas((photo.score >= threshold) & (photo.damage | photo.sound))
        truth = _large_areas(photo.damage)
        numbers = np.unique(truth[truth > 0])
        hit = np.unique(truth[(truth > 0) & (predicted > 0)])
        touching = np.unique(predicted[(predicted > 0) & photo.damage])
        found += len(hit)
        areas += len(numbers)
        alarms += len(np.unique(predicted[predicted > 0])) - len(touching)
    return AreaFigures(threshold, found, areas, alarms)


def _large_areas(mask: Mask) -> npt.NDArray[np.int32]:
    """Number the connected areas of a mask from 1; 0 outside them and in small ones."""
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    kept = np.where(stats[:, cv2.CC_STAT_AREA] > LEAST_AREA, np.arange(count), 0)
    kept[0] = 0
    return np.asarray(kept[numbers], dtype=np.int32)


def areas_at_one_alarm(photos: Sequence[ScoredPhoto]) -> AreaFigures:
    """Lower the threshold step by step for as long as there is at most one false alarm a photograph."""
    scores = np.concatenate([photo.score[photo.damage | photo.sound][::7] for photo in photos])
    shares = 1 - np.geomspace(1e-4, 1, GRID)
    best = AreaFigures(float("inf"), 0, areas_at(photos, float("inf")).areas, 0)
    for threshold in np.unique(np.quantile(scores.astype(np.float32), shares))[::-1]:
        figures = areas_at(photos, float(threshold))
        if figures.false_alarms > len(photos):
            break
        best = figures
    return best


@dataclass(frozen=True, slots=True, eq=False)
class RegionCounts:
    """Damaged regions of one picture, each counted once whatever its size.

    Attributes:
        regions: connected regions of each class in the ground truth, int64 ``(C,)``.
        found: those that predicted damage of any kind touches, int64 ``(C,)``.
        named: those that a prediction of their own class touches, int64 ``(C,)``.
        predicted: connected regions of predicted damage, kinds taken together.
        alarms: those of them that touch no damage.
    """

    regions: Counts
    found: Counts
    named: Counts
    predicted: int
    alarms: int


def count_regions(
    pred: Labels,
    gt: Labels,
    num_classes: int,
    damage: Sequence[int],
    *,
    ignore_index: int = 255,
    least_area: int = 16,
) -> RegionCounts:
    """Count damaged regions that a label map finds, and its false alarms.

    Args:
        pred: predicted class indices ``(H, W)``; pixels without ground truth are left out.
        gt: ground truth ``(H, W)``.
        num_classes: C.
        damage: classes whose regions count.
        ignore_index: ground-truth value of pixels that are not looked at.
        least_area: regions below this many pixels are neither demanded nor counted as alarms.
    """
    truth = as_indices(gt, "gt")
    predicted = np.where(truth == ignore_index, ignore_index, as_indices(pred, "pred"))
    truly_damaged, said_damaged = np.isin(truth, damage), np.isin(predicted, damage)
    regions, found, named = np.zeros((3, num_classes), dtype=np.int64)
    for index in damage:
        numbers = _number_regions(truth == index, least_area)
        regions[index] = numbers.max()
        found[index] = _count_touched(numbers, said_damaged)
        named[index] = _count_touched(numbers, predicted == index)
    said = _number_regions(said_damaged, least_area)
    total = int(said.max())
    return RegionCounts(regions, found, named, total, total - _count_touched(said, truly_damaged))


def _number_regions(mask: Mask, least_area: int) -> npt.NDArray[np.int64]:
    """Number the 8-connected regions of a mask from 1 without gaps; 0 outside them and in small ones."""
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    kept = stats[:, cv2.CC_STAT_AREA] >= least_area
    kept[0] = False
    return np.asarray(np.where(kept, np.cumsum(kept), 0)[numbers], dtype=np.int64)


def _count_touched(numbers: npt.NDArray[np.int64], mask: Mask) -> int:
    return int(np.count_nonzero(np.unique(numbers[mask])))
