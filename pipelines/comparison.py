"""Two results of one picture side by side: where they differ, and by how much in each class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .inference import Progress, infer
from .registry import PipelineRegistry
from .types import InferenceRequest, InferenceResult

CHANGED: Final = 255
"""Value of a difference map's pixels whose class differs; 0 elsewhere."""


@dataclass(frozen=True, slots=True)
class ClassChange:
    """How one class moved from the first result to the second. Shares are parts of all pixels in ``[0, 1]``.

    Attributes:
        index: value of its pixels in the label maps.
        name: as the user wrote it.
        colour: ``#rrggbb``.
        share_a: of the class in the first result.
        share_b: of the class in the second.
        gained: pixels that carry it in the second only.
        lost: pixels that carry it in the first only.
        changed: of the pixels that carry it in either, the part that carries it in one only (1 - IoU); 0
            for a class that neither result has.
    """

    index: int
    name: str
    colour: str
    share_a: float
    share_b: float
    gained: float
    lost: float
    changed: float


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What :func:`compare` returns.

    Attributes:
        first: result of the first request.
        second: result of the second.
        difference: True where the class differs, ``(H, W)`` bool.
        changed: part of all pixels that differ, in ``[0, 1]``.
        classes: one entry a class, in prompt order.
    """

    first: InferenceResult
    second: InferenceResult
    difference: NDArray[np.bool_]
    changed: float
    classes: tuple[ClassChange, ...]

    def difference_map(self) -> NDArray[np.uint8]:
        """``(H, W)`` uint8: :data:`CHANGED` where the class differs, 0 elsewhere."""
        return self.difference.astype(np.uint8) * np.uint8(CHANGED)

    def report(self) -> dict[str, Any]:
        """The JSON object of the ``/compare`` endpoint."""
        return {
            "changed": self.changed,
            "classes": [asdict(item) for item in self.classes],
            "size": list(self.first.size),
            "a": _side(self.first),
            "b": _side(self.second),
        }


def compare(
    first: InferenceRequest,
    second: InferenceRequest,
    registry: PipelineRegistry,
    progress: Progress | None = None,
) -> Comparison:
    """Segment one picture twice and find what differs.

    Args:
        first: for instance the stock checkpoint.
        second: the same picture and prompts with another checkpoint, method or setting.
        registry: gives out the models.
        progress: told about each stage; may raise :class:`pipelines.Cancelled`.

    Raises:
        ValueError: pictures, prompts or label-map sizes of the requests differ.
        PipelineError: as :func:`pipelines.infer`.
    """
    if first.image is not second.image and not np.array_equal(first.image, second.image):
        raise ValueError("both requests must have the same picture")
    if first.prompts != second.prompts or first.max_side != second.max_side:
        raise ValueError("both requests must have the same prompts and the same max_side")
    before, after = infer(first, registry, progress), infer(second, registry, progress)
    difference = before.label_map != after.label_map
    return Comparison(
        before, after, difference, float(difference.mean()), tuple(_class_changes(before, after))
    )


def _class_changes(before: InferenceResult, after: InferenceResult) -> Iterator[ClassChange]:
    pixels = before.label_map.size
    for item, later in zip(before.classes, after.classes, strict=True):
        here, there = before.label_map == item.index, after.label_map == item.index
        both = int(np.count_nonzero(here & there))
        lost, gained = int(np.count_nonzero(here)) - both, int(np.count_nonzero(there)) - both
        either = both + lost + gained
        yield ClassChange(
            item.index,
            item.name,
            item.colour,
            item.share,
            later.share,
            gained / pixels,
            lost / pixels,
            (gained + lost) / either if either else 0.0,
        )


def _side(result: InferenceResult) -> dict[str, Any]:
    return {
        "method": result.method,
        "checkpoint": {"id": result.checkpoint.id, "sha256": result.checkpoint.sha256},
        "seconds": {stage: round(value, 4) for stage, value in result.seconds.items()},
    }
