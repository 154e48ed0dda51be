"""What is counted while facades are segmented: int64 counts by photograph, and the figures they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from evaluation.boundary import BoundaryIoU, count_near
from evaluation.damage import count_regions
from evaluation.metrics import ConfusionMatrix, divide, ratio
from pipelines import Taxonomy

from .dataset import IGNORED, Mask

Counts = npt.NDArray[np.int64]
Fractions = npt.NDArray[np.float64]
CountTable = Mapping[str, Counts]
LINE_CLASS: Final = "CRACK"


@dataclass(frozen=True, slots=True)
class Scheme:
    """What is counted.

    Attributes:
        names: class names by index.
        damage: indices that count as damage.
        damage_plus: the same with water stains.
        tolerances: distances in pixels within which a predicted crack counts as right.
        least_area: regions below this many pixels are neither demanded nor counted as alarms.
    """

    names: tuple[str, ...]
    damage: tuple[int, ...]
    damage_plus: tuple[int, ...]
    tolerances: tuple[int, ...] = (1, 2, 3)
    least_area: int = 16

    @classmethod
    def of(cls, taxonomy: Taxonomy, count: int, **options: Any) -> Scheme:
        """The first ``count`` classes of the taxonomy."""
        names = taxonomy.names[:count]
        damage, plus = (
            tuple(index for index in group if index < count)
            for group in (taxonomy.damage, taxonomy.damage_plus)
        )
        return cls(names, damage, plus, **options)

    @property
    def line(self) -> int | None:
        """Index of the class whose pixels form thin lines; None where there is none."""
        return self.names.index(LINE_CLASS) if LINE_CLASS in self.names else None


@dataclass(frozen=True, slots=True, eq=False)
class FacadeTally:
    """Counts of one split, model and method.

    Attributes:
        scheme: what is counted.
        photographs: G.
        counts: int64 arrays whose first axis is the photograph: ``confusion`` (G, C, C + 1), ``outlines``
            (G, C, 2), ``regions`` (G, C, 3), ``alarms`` (G, 2), ``line`` (G, T, 4), ``images`` (G,),
            ``showing`` (G, C): pictures with ground truth of a class.
    """

    scheme: Scheme
    photographs: int
    counts: dict[str, Counts] = field(init=False)

    def __post_init__(self) -> None:
        classes = len(self.scheme.names)
        shapes: dict[str, tuple[int, ...]] = {
            "confusion": (classes, classes + 1),
            "outlines": (classes, 2),
            "regions": (classes, 3),
            "alarms": (2,),
            "line": (len(self.scheme.tolerances), 4),
            "images": (),
            "showing": (classes,),
        }
        zeros = {name: np.zeros((self.photographs, *rest), np.int64) for name, rest in shapes.items()}
        object.__setattr__(self, "counts", zeros)

    def update(self, photograph: int, pred: Mask, gt: Mask) -> None:
        """Count one picture.

        Args:
            photograph: number of the photograph it was cut from, below G.
            pred: predicted class indices ``(H, W)``.
            gt: ground truth ``(H, W)``; 255 is not looked at.
        """
        scheme, classes = self.scheme, len(self.scheme.names)
        matrix, outlines = ConfusionMatrix(classes), BoundaryIoU(classes)
        matrix.update(pred, gt)
        outlines.update(pred, gt)
        regions = count_regions(pred, gt, classes, scheme.damage, least_area=scheme.least_area)
        found = {
            "confusion": matrix.counts,
            "outlines": np.stack([outlines.intersection, outlines.union], axis=1),
            "regions": np.stack([regions.regions, regions.found, regions.named], axis=1),
            "alarms": np.array([regions.predicted, regions.alarms]),
            "images": np.array(1),
            "showing": np.bincount(np.unique(gt[gt != IGNORED]), minlength=classes),
        }
        if scheme.line is not None:
            looked_at = gt != IGNORED
            found["line"] = count_near(
                (pred == scheme.line) & looked_at, gt == scheme.line, scheme.tolerances
            )
        for name, array in found.items():
            self.counts[name][photograph] += array

    def figures(self) -> dict[str, Any]:
        """Figures of all photographs together; see :func:`derive`."""
        return derive({name: array.sum(0) for name, array in self.counts.items()}, self.scheme)


def derive(sums: CountTable, scheme: Scheme) -> dict[str, Any]:
    """Every figure that follows from sums of counts, as fractions; NaN where there is nothing to divide by.

    Args:
        sums: arrays of :class:`FacadeTally` without their first axis.
        scheme: what was counted.

    Returns:
        Figures of :class:`evaluation.metrics.ConfusionMatrix` and :class:`evaluation.boundary.BoundaryIoU`;
        ``damageShare`` and ``damageSharePredicted`` of all pixels;
        ``componentRecall``, ``componentNamedRecall``, ``componentPrecision``, ``falseAlarmsPerImage``;
        ``crackPrecision_1px``, ``crackRecall_1px``, ``crackF1_1px`` for every tolerance.
    """
    classes = len(scheme.names)
    matrix = ConfusionMatrix(classes, damage=scheme.damage, damage_plus=scheme.damage_plus)
    matrix.counts = sums["confusion"]
    outlines = BoundaryIoU(classes)
    outlines.intersection, outlines.union = sums["outlines"][:, 0], sums["outlines"][:, 1]
    figures = matrix.compute() | outlines.compute() | _shares(sums["confusion"], scheme) | _regions(sums)
    return figures if scheme.line is None else figures | _line(sums["line"], scheme.tolerances)


def class_table(tally: FacadeTally) -> list[dict[str, Any]]:
    """One row a class: IoU, precision, recall, F1, outline IoU, regions, and what they rest on."""
    sums = {name: array.sum(0) for name, array in tally.counts.items()}
    figures = derive(sums, tally.scheme)
    matrix = sums["confusion"].astype(np.float64)
    hit, truth, predicted = np.diagonal(matrix), matrix.sum(1), matrix[:, : len(matrix)].sum(0)
    columns: dict[str, Any] = {
        "class": tally.scheme.names,
        "IoU": figures["iou"],
        "precision": divide(hit, predicted, empty=np.nan),
        "recall": divide(hit, truth, empty=np.nan),
        "F1": divide(2 * hit, truth + predicted, empty=np.nan),
        "boundaryIoU": figures["boundary_iou"],
        "pixels": sums["confusion"].sum(1),
        "predicted pixels": sums["confusion"][:, : len(matrix)].sum(0),
        "images": sums["showing"],
    }
    for place, key in enumerate(("regions", "regions found", "regions named")):
        counted = sums["regions"][:, place].tolist()
        columns[key] = [n if index in tally.scheme.damage else None for index, n in enumerate(counted)]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _shares(confusion: Counts, scheme: Scheme) -> dict[str, float]:
    damage, total = list(scheme.damage), int(confusion.sum())
    return {
        "damageShare": _part(int(confusion[damage].sum()), total),
        "damageSharePredicted": _part(int(confusion[:, damage].sum()), total),
    }


def _regions(sums: CountTable) -> dict[str, float]:
    regions, found, named = (int(value) for value in sums["regions"].sum(0))
    predicted, alarms = (int(value) for value in sums["alarms"])
    return {
        "componentRecall": _part(found, regions),
        "componentNamedRecall": _part(named, regions),
        "componentPrecision": _part(predicted - alarms, predicted),
        "falseAlarmsPerImage": _part(alarms, int(sums["images"])),
    }


def _line(counts: Counts, tolerances: tuple[int, ...]) -> dict[str, float]:
    figures = {}
    for limit, row in zip(tolerances, counts.tolist(), strict=True):
        near_truth, predicted, near_pred, truth = row
        precision, recall = _part(near_truth, predicted), _part(near_pred, truth)
        f1 = ratio(2 * near_truth * near_pred, near_truth * truth + near_pred * predicted)
        figures[f"crackPrecision_{limit}px"] = precision
        figures[f"crackRecall_{limit}px"] = recall
        figures[f"crackF1_{limit}px"] = f1 if predicted or truth else float("nan")
    return figures


def _part(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else float("nan")
