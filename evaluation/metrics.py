"""Confusion matrix and everything that follows from it.

Notation: ``M[g, q]`` counts pixels of ground truth ``g`` that were predicted as ``q`` in a whole data set.
``I_c = M[c, c]``, ``G_c`` = row sum, ``P_c`` = column sum, ``U_c = G_c + P_c - I_c``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Labels = npt.NDArray[Any] | torch.Tensor
Counts = npt.NDArray[np.int64]
Fractions = npt.NDArray[np.float64]


class ConfusionMatrix:
    """Pixel counts of one data set, with ``update`` / ``reset`` / ``compute``.

    Args:
        num_classes: C; ground truth and predictions count from 0 to C - 1.
        ignore_index: ground-truth value of pixels that are not counted.
        damage: class indices summed into the ``damage*`` figures; without them those keys are left out.
        damage_plus: likewise for the ``damagePlus*`` figures.

    Attributes:
        counts: int64 ``(C, C + 1)``: rows ground truth, columns prediction. The last column holds pixels that
            were given no class (a prediction outside 0 to C - 1, such as 255): wrong, but no false alarm.

    Raises:
        ValueError: fewer than one class, or a damage class that does not exist.
    """

    def __init__(
        self,
        num_classes: int,
        ignore_index: int = 255,
        damage: Sequence[int] = (),
        damage_plus: Sequence[int] = (),
    ) -> None:
        if num_classes < 1:
            raise ValueError(f"num_classes must be at least 1, got {num_classes}")
        for index in (*damage, *damage_plus):
            if not 0 <= index < num_classes:
                raise ValueError(f"damage class {index} does not exist: classes are 0 to {num_classes - 1}")
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.damage = sorted(set(damage))
        self.damage_plus = sorted(set(damage_plus))
        self.counts: Counts = np.zeros((num_classes, num_classes + 1), dtype=np.int64)

    def reset(self) -> None:
        """Forget all counts."""
        self.counts = np.zeros_like(self.counts)

    def update(self, pred: Labels, gt: Labels) -> None:
        """Count one picture, or a batch of any shape.

        Args:
            pred: predicted class indices; what is outside 0 to C - 1 counts as no class.
            gt: ground truth of the same shape; ``ignore_index`` marks pixels left out.

        Raises:
            TypeError: one of them does not hold whole numbers.
            ValueError: shapes differ, or the ground truth holds a label that does not exist.
        """
        predicted, truth = as_indices(pred, "pred"), as_indices(gt, "gt")
        if predicted.shape != truth.shape:
            raise ValueError(f"pred and gt must have one shape, got {predicted.shape} and {truth.shape}")
        valid = truth != self.ignore_index
        truth, predicted = truth[valid], predicted[valid]
        _refuse_unknown_labels(truth, self.num_classes, self.ignore_index)
        none = (predicted < 0) | (predicted >= self.num_classes)
        columns = self.num_classes + 1
        cells = truth * columns + np.where(none, self.num_classes, predicted)
        self.counts += np.bincount(cells, minlength=self.counts.size).reshape(self.counts.shape)

    def merge(self, other: ConfusionMatrix) -> None:
        """Add the counts of another part of the same data set.

        Raises:
            ValueError: the other matrix has another number of classes.
        """
        if other.counts.shape != self.counts.shape:
            raise ValueError(
                f"matrices of one size can be merged, got {self.num_classes} and {other.num_classes} classes"
            )
        self.counts += other.counts

    def compute(self) -> dict[str, Any]:
        """Derive every figure, as fractions.

        Returns:
            ``iou`` float64 ``(C,)`` with NaN where a class has no union; ``mIoU`` (classes with a union),
            ``mIoU_ground_truth`` (classes with ground truth), ``mIoU_absent_zero`` (absent classes as 0);
            ``macroF1`` = ``f1`` (absent classes as 0) and ``macroF1_present`` (classes with a union); the
            ``damage*`` and ``damagePlus*`` figures where such classes are named.
        """
        inter = np.diagonal(self.counts).astype(np.float64)
        truth, predicted, union = self._areas()
        iou = divide(inter, union, empty=np.nan)
        figures: dict[str, Any] = {
            "mIoU": mean_of(iou, union > 0),
            "mIoU_ground_truth": mean_of(iou, truth > 0),
            "mIoU_absent_zero": float(np.nan_to_num(iou).mean()),
            "iou": iou,
        }
        f1 = divide(2 * inter, truth + predicted, empty=np.nan)
        figures["macroF1"] = figures["f1"] = float(np.nan_to_num(f1).mean())
        figures["macroF1_present"] = mean_of(f1, union > 0)
        if self.damage:
            figures |= self._group_iou("damage", self.damage, iou) | self._damage_detection()
        if self.damage_plus:
            figures |= self._group_iou("damagePlus", self.damage_plus, iou)
        return figures

    def _areas(self) -> tuple[Fractions, Fractions, Fractions]:
        truth = self.counts.sum(1).astype(np.float64)
        predicted = self.counts[:, : self.num_classes].sum(0).astype(np.float64)
        return truth, predicted, truth + predicted - np.diagonal(self.counts)

    def _group_areas(self, group: list[int]) -> tuple[float, float, float]:
        hit = float(self.counts[np.ix_(group, group)].sum())
        truth, predicted, _ = self._areas()
        return hit, float(truth[group].sum()), float(predicted[group].sum())

    def _group_iou(self, name: str, group: list[int], iou: Fractions) -> dict[str, float]:
        hit, truth, predicted = self._group_areas(group)
        return {
            f"{name}IoU": ratio(hit, truth + predicted - hit),
            f"{name}MIoU": float(np.nan_to_num(iou[group]).mean()),
            f"{name}MIoU_present": mean_of(iou[group], ~np.isnan(iou[group])),
        }

    def _damage_detection(self) -> dict[str, float]:
        """How well any damage is found; the mislabel rate is a share of all damage pixels."""
        hit, truth, predicted = self._group_areas(self.damage)
        exact = float(np.diagonal(self.counts)[self.damage].sum())
        return {
            "damageDetectionRecall": ratio(hit, truth),
            "damageDetectionPrecision": ratio(hit, predicted),
            "damageDetectionF1": ratio(2 * hit, truth + predicted),
            "damageMislabelRate": ratio(hit - exact, truth),
        }


def as_indices(labels: Labels, name: str) -> Counts:
    """Any array of whole numbers as int64 on the CPU.

    Raises:
        TypeError: the array holds fractions.
    """
    array = labels.detach().cpu().numpy() if isinstance(labels, torch.Tensor) else np.asarray(labels)
    if array.dtype.kind not in "iub":
        raise TypeError(f"{name} must hold class indices (whole numbers), got {array.dtype}")
    return array.astype(np.int64)


def _refuse_unknown_labels(truth: Counts, num_classes: int, ignore_index: int) -> None:
    if truth.size and (truth.min() < 0 or truth.max() >= num_classes):
        wrong = truth.min() if truth.min() < 0 else truth.max()
        raise ValueError(
            f"gt holds label {wrong}, but classes are 0 to {num_classes - 1}"
            f" and {ignore_index} is ignored. Map the labels first."
        )


def divide(numerator: Fractions, denominator: Fractions, *, empty: float) -> Fractions:
    """Divide element by element; ``empty`` where the denominator is 0."""
    result = np.full(numerator.shape, empty, dtype=np.float64)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def ratio(numerator: float, denominator: float) -> float:
    """A share in [0, 1]; 0 where there is nothing to share."""
    return numerator / denominator if denominator else 0.0


def mean_of(values: Fractions, chosen: npt.NDArray[np.bool_]) -> float:
    """Mean of the chosen values, NaN when none is chosen."""
    return float(values[chosen].mean()) if chosen.any() else float("nan")
