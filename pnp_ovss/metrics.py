"""The published figures: mean IoU over the classes that the ground truth has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SegmentationScore:
    """Figures of one confusion matrix; fractions.

    Attributes:
        mean_iou: mean of ``iou`` over classes with ground truth.
        pixel_accuracy: share of labelled pixels that are right.
        mean_accuracy: mean recall over classes with ground truth.
        frequency_weighted_iou: IoU weighted by the pixels of each class.
        iou: per class, NaN where neither side has a pixel.
    """

    mean_iou: float
    pixel_accuracy: float
    mean_accuracy: float
    frequency_weighted_iou: float
    iou: NDArray[np.float64]


def confusion(gt: NDArray[np.integer], pred: NDArray[np.integer], num_classes: int) -> NDArray[np.int64]:
    """Count pixels by true and predicted class.

    Args:
        gt: true labels; what lies outside ``0 .. num_classes - 1`` is left out.
        pred: predicted labels, same shape.
        num_classes: classes, background included.

    Returns:
        Counts, rows are true classes, shape ``(num_classes, num_classes)``.

    Raises:
        ValueError: the shapes differ, or a predicted label of a counted pixel is no class.
    """
    truth, answer = np.asarray(gt), np.asarray(pred)
    if truth.shape != answer.shape:
        raise ValueError(f"gt and pred must have one shape, got {truth.shape} and {answer.shape}")
    counted = (truth >= 0) & (truth < num_classes)
    chosen = answer[counted].astype(np.int64)
    if chosen.size and not 0 <= chosen.min() <= chosen.max() < num_classes:
        raise ValueError(
            f"pred must hold labels 0 to {num_classes - 1}, got {chosen.min()} to {chosen.max()}"
        )
    cells = num_classes * truth[counted].astype(np.int64) + chosen
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def score(counts: NDArray[np.integer]) -> SegmentationScore:
    """Figures of a confusion matrix; NaN where it is empty.

    Args:
        counts: of :func:`confusion`; several may be added up.
    """
    right = np.diag(counts).astype(np.float64)
    true, found = counts.sum(1).astype(np.float64), counts.sum(0)
    present, total = true > 0, true.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        iou = right / (true + found - right)
        recall = right / true
        return SegmentationScore(
            mean_iou=_mean(iou[present]),
            pixel_accuracy=float(right.sum() / total),
            mean_accuracy=_mean(recall[present]),
            frequency_weighted_iou=float((true[present] / total * iou[present]).sum())
            if total
            else float("nan"),
            iou=iou,
        )


def mean_iou(gt: NDArray[np.integer], pred: NDArray[np.integer], num_classes: int) -> float:
    """Mean IoU over the classes with ground-truth pixels, background included.

    Args:
        gt: true labels; what lies outside ``0 .. num_classes - 1`` is left out.
        pred: predicted labels, same shape.
        num_classes: classes, background included.

    Returns:
        A fraction; NaN where there is no ground truth.

    Raises:
        ValueError: the shapes differ, or a predicted label of a counted pixel is no class.
    """
    return score(confusion(gt, pred, num_classes)).mean_iou


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else float("nan")
