"""The frozen values of an explanation: what is asked, what was explained, what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from attribution import Attribution, BaselineKind, Faithfulness, RandomisedStage, Scale, SmoothGrad
from attribution.integrated_gradients import STEPS, TOLERANCE
from lposs_core import LPOSSConfig
from pnp_ovss import PnPOVSSConfig

from .types import DEFAULT_CHECKPOINT, DEFAULT_METHOD, CheckpointInfo, Method, Note, PromptSet

Where = Literal["pixel", "carried", "everywhere"]
Doubt = Literal["completeness", "deletion", "insertion", "randomisation"]

DEFAULT_KIND: Final = "integrated_gradients"
BASELINES: Final[tuple[BaselineKind, ...]] = get_args(BaselineKind)
SANE_SIMILARITY: Final = 0.5
"""Rank correlation with the map of random weights above which a map does not depend on the model."""


@dataclass(frozen=True, slots=True)
class TrustPlan:
    """How faithfulness is measured: see :func:`attribution.faithfulness`.

    Attributes:
        steps: pictures between whole and gone.
        random_orders: random orders to compare with.
        seed: of these orders.
        replacement: what removed cells show.
    """

    steps: int = 8
    random_orders: int = 4
    seed: int = 0
    replacement: BaselineKind = "blurred"


@dataclass(frozen=True, slots=True, eq=False)
class ExplanationRequest:
    """All that an explanation depends on. It is always computed in float32 and with the exact solver.

    Attributes:
        image: upright picture, ``(H, W, 3)`` uint8 RGB.
        prompts: classes that compete.
        class_name: the one that is explained.
        kind: key of :data:`pipelines.explained_kinds.KINDS`.
        method: whose score.
        checkpoint: id of a catalogue row.
        x: column of the pixel whose score is explained, from 0; None with ``y`` explains the mean over the
            pixels that carry the class.
        y: row of that pixel, from 0.
        settings: hyper-parameters; None takes those of the checkpoint's row.
        pnp: hyper-parameters of PnP-OVSS; None takes those of the checkpoint's row.
        background: texts of what is not searched for; they compete too.
        templates: name of the template set that each text is put into.
        glossary: whether a text tower that reads English only gets the glossary's words.
        baseline: where Integrated Gradients start.
        steps: points of the path to try, increasing; the next number where completeness is not reached.
        smooth: averages Integrated Gradients over noisy copies.
        block: blocks before the layer that Grad-CAM looks at; None takes :func:`default_block`, the number
            of all blocks the features themselves.
        trust: how faithfulness is measured; None leaves it out.
        randomise: explain again while weights become random.
    """

    image: NDArray[np.uint8]
    prompts: PromptSet
    class_name: str
    kind: str = DEFAULT_KIND
    method: Method = DEFAULT_METHOD
    checkpoint: str = DEFAULT_CHECKPOINT
    x: int | None = None
    y: int | None = None
    settings: LPOSSConfig | None = None
    pnp: PnPOVSSConfig | None = None
    background: tuple[str, ...] = ()
    templates: str = "imagenet"
    glossary: bool = True
    baseline: BaselineKind = "black"
    steps: tuple[int, ...] = STEPS
    smooth: SmoothGrad | None = None
    block: int | None = None
    trust: TrustPlan | None = TrustPlan()
    randomise: bool = False


@dataclass(frozen=True, slots=True)
class Explained:
    """What exactly was explained, so that nobody has to guess.

    Attributes:
        class_name: the class.
        where: at a ``pixel``, over the pixels that the class has ``carried``, or ``everywhere`` because it
            wins at none.
        pixels: working pixels whose scores are averaged.
        quantity: ``probability`` among the classes, or ``cosine`` where it is linear or nothing competes,
            ``match``: the raw match logit of the picture and the class.
        score: the value explained.
        shown: the same as the page and ``/inspect`` show it, with the solver of the settings.
        working_size: height and width the method works at.
        x: column of the pixel, None for a region.
        y: row of the pixel.
        sampled: the pixels stand for a region that is larger.
    """

    class_name: str
    where: Where
    pixels: int
    quantity: Literal["probability", "cosine", "match"]
    score: float
    shown: float
    working_size: tuple[int, int]
    x: int | None = None
    y: int | None = None
    sampled: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What a kind of explanation hands back.

    Attributes:
        attribution: raw values at the working size.
        explained: what was explained.
        checkpoint: of which weights.
        faithfulness: deletion and insertion, where measured.
        randomised: similarity to the maps of random weights, where measured.
        details: further choices for the report, such as the block or the baseline.
        notes: remarks for the user.
    """

    attribution: Attribution
    explained: Explained
    checkpoint: CheckpointInfo
    faithfulness: Faithfulness | None = None
    randomised: tuple[RandomisedStage, ...] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ExplanationResult:
    """What :func:`pipelines.explain` returns.

    Attributes:
        kind: as asked.
        method: as asked.
        attribution: raw values at the picture's size; its ``method`` is the honest name of the map.
        finding: the same at the working size, and what goes with it.
        scale: what the ends of the gray picture stand for.
        seconds: wall time of each stage.
    """

    kind: str
    method: Method
    attribution: Attribution
    finding: Finding
    scale: Scale
    seconds: Mapping[str, float]

    @property
    def heatmap(self) -> NDArray[np.float32]:
        """Raw values, one a pixel of the picture, ``(H, W)``."""
        return self.attribution.heatmap

    @property
    def flagged(self) -> bool:
        """Completeness was not reached."""
        return self.attribution.flagged

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """The checks that the map has failed; empty when it can be believed."""
        failed: list[Doubt] = ["completeness"] if self.flagged else []
        faithfulness, randomised = self.finding.faithfulness, self.finding.randomised
        if faithfulness is not None:
            areas = [curve.auc for curve in faithfulness.random]
            failed += ["deletion"] if faithfulness.deletion.auc >= min(areas) else []
            failed += ["insertion"] if faithfulness.insertion.auc <= max(areas) else []
        if randomised and abs(randomised[-1].similarity) > SANE_SIMILARITY:
            failed.append("randomisation")
        return tuple(failed)

    def gray(self) -> NDArray[np.uint8]:
        """The heat map as 8-bit gray on :attr:`scale`, ``(H, W)``."""
        return self.scale.gray(self.attribution)

    def save(self, path: str | Path) -> Path:
        """Write raw values and figures; :func:`attribution.load_attribution` reads them.

        Args:
            path: must end with ``.npz``.
        """
        return self.attribution.save(path)

    def report(self) -> dict[str, Any]:
        """The JSON object of the ``/explain`` endpoint."""
        finding = self.finding
        checkpoint = {"id": finding.checkpoint.id, "sha256": finding.checkpoint.sha256}
        report: dict[str, Any] = {
            "kind": self.kind,
            "map": self.attribution.method,
            "method": self.method,
            "checkpoint": checkpoint,
            "size": list(self.heatmap.shape),
            "scale": [self.scale.low, self.scale.high],
            "explained": _explained_row(finding.explained),
            "flagged": self.flagged,
            "doubts": list(self.doubts),
            **finding.details,
        }
        if completeness := _completeness_row(self.attribution):
            report["completeness"] = completeness
        if finding.faithfulness is not None:
            report["faithfulness"] = finding.faithfulness.figures()
        if finding.randomised is not None:
            report["randomised"] = [
                {"stage": stage.name, "similarity": stage.similarity} for stage in finding.randomised
            ]
        report["seconds"] = {stage: round(value, 4) for stage, value in self.seconds.items()}
        report["notes"] = [note.text() for note in finding.notes]
        return report


def _explained_row(explained: Explained) -> dict[str, Any]:
    row: dict[str, Any] = {
        "class": explained.class_name,
        "where": explained.where,
        "pixels": explained.pixels,
        "sampled": explained.sampled,
        "quantity": explained.quantity,
        "score": explained.score,
        "shown": explained.shown,
        "working_size": list(explained.working_size),
        "solver": "exact",
    }
    return row | ({"x": explained.x, "y": explained.y} if explained.where == "pixel" else {})


def _completeness_row(attribution: Attribution) -> dict[str, Any] | None:
    """Whether the shares sum to what they must, for the kinds that promise it."""
    if attribution.gap is None or attribution.baseline_score is None:
        return None
    relative = attribution.relative_gap
    return {
        "difference": attribution.score - attribution.baseline_score,
        "gap": attribution.gap,
        "relative_gap": relative if relative is None or isfinite(relative) else None,
        "tolerance": TOLERANCE,
        "steps": attribution.steps,
        "flagged": attribution.flagged,
    }
