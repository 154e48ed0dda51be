"""Outlines and thin lines: boundary IoU, and agreement of lines within a few pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from evaluation.metrics import Counts, Labels, as_indices, divide, mean_of

Mask = npt.NDArray[np.bool_]
Distances = npt.NDArray[np.float32]


def boundary_width(height: int, width: int, dilation_ratio: float = 0.02) -> int:
    """Width of an outline in pixels: a share of the picture's diagonal, at least 1."""
    return max(1, round(dilation_ratio * math.hypot(height, width)))


def boundary(mask: Mask, distance: int) -> Mask:
    """Outline of a mask: the mask without its erosion by a 3 x 3 square, ``distance`` times.

    Args:
        mask: bool ``(H, W)``. What lies outside the picture is not in the mask, so a mask that reaches the
            border has an outline there.
        distance: width of the outline in pixels, at least 1.

    Returns:
        bool ``(H, W)``.
    """
    square = np.ones((3, 3), dtype=np.uint8)
    eroded = cv2.erode(
        mask.astype(np.uint8), square, iterations=distance, borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    outline: Mask = mask & (eroded == 0)
    return outline


class BoundaryIoU:
    """Intersection and union of outlines per class, summed over pictures.

    Args:
        num_classes: C; labels count from 0 to C - 1.
        ignore_index: ground-truth value of pixels that are not counted.
        dilation_ratio: width of an outline as a share of the picture's diagonal.

    Attributes:
        intersection: int64 ``(C,)``.
        union: int64 ``(C,)``.
    """

    def __init__(self, num_classes: int, ignore_index: int = 255, dilation_ratio: float = 0.02) -> None:
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.dilation_ratio = dilation_ratio
        self.reset()

    def reset(self) -> None:
        """Forget all counts."""
        self.intersection = np.zeros(self.num_classes, dtype=np.int64)
        self.union = np.zeros(self.num_classes, dtype=np.int64)

    def update(self, pred: Labels, gt: Labels) -> None:
        """Count one picture.

        Args:
            pred: predicted class indices ``(H, W)``; pixels without ground truth take part in no outline.
            gt: ground truth ``(H, W)`` at the picture's own size.

        Raises:
            ValueError: the two are not one picture of one size.
        """
        predicted, truth = as_indices(pred, "pred"), as_indices(gt, "gt")
        if predicted.shape != truth.shape or truth.ndim != 2:
            raise ValueError(
                f"pred and gt must have one shape (H, W), got {predicted.shape} and {truth.shape}"
            )
        predicted = np.where(truth == self.ignore_index, self.ignore_index, predicted)
        distance = boundary_width(truth.shape[0], truth.shape[1], self.dilation_ratio)
        present = np.union1d(predicted, truth)
        for index in present[(present >= 0) & (present < self.num_classes) & (present != self.ignore_index)]:
            one, other = boundary(predicted == index, distance), boundary(truth == index, distance)
            self.intersection[index] += np.count_nonzero(one & other)
            self.union[index] += np.count_nonzero(one | other)

    def merge(self, other: BoundaryIoU) -> None:
        """Add the counts of another part of the same data set."""
        self.intersection += other.intersection
        self.union += other.union

    def compute(self) -> dict[str, Any]:
        """Derive the figures, as fractions.

        Returns:
            ``boundary_iou`` float64 ``(C,)`` with NaN where a class has no outline, ``boundary_mIoU`` (mean
            over classes with one), ``boundaryIoU`` (absent classes as 0, as the facade tools publish).
        """
        iou = divide(self.intersection.astype(np.float64), self.union.astype(np.float64), empty=np.nan)
        return {
            "boundary_iou": iou,
            "boundary_mIoU": mean_of(iou, self.union > 0),
            "boundaryIoU": float(np.nan_to_num(iou).mean()),
        }


def count_near(pred: Mask, gt: Mask, tolerances: Sequence[int]) -> Counts:
    """Count how much of two masks of thin lines agrees within a few pixels.

    An outline of 2 % of the diagonal swallows a crack whole; a tolerance in pixels does not.

    Args:
        pred: predicted line, bool ``(H, W)``.
        gt: true line, bool ``(H, W)``.
        tolerances: Euclidean distances in pixels, T of them.

    Returns:
        int64 ``(T, 4)``: predicted pixels near the truth, all predicted, true pixels near the prediction, all
        true. Precision is the first over the second, recall the third over the fourth.
    """
    to_truth, to_pred = _squared_distance_to(gt)[pred], _squared_distance_to(pred)[gt]
    rows = [
        (
            np.count_nonzero(to_truth <= limit**2),
            to_truth.size,
            np.count_nonzero(to_pred <= limit**2),
            to_pred.size,
        )
        for limit in tolerances
    ]
    return np.array(rows, dtype=np.int64)


def _squared_distance_to(mask: Mask) -> Distances:
    """Squared distance of every pixel to the nearest of a mask, whole numbers; infinite for an empty mask."""
    if not mask.any():
        return np.full(mask.shape, np.inf, dtype=np.float32)
    distances = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.rint(distances * distances), dtype=np.float32)
