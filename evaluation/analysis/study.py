"""One sample under every prompt set and model: segmentations, heat maps on shared scales, figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attribution import Scale
from evaluation.facades.models import Segmenter
from pipelines import InferenceRequest, InferenceResult, PromptSet, infer
from pipelines.explanation import explain, on_one_scale
from pipelines.explanation_types import ExplanationRequest, ExplanationResult

from .ground_truth import against_truth, members_of
from .question import KINDS, Question, Target

Side = tuple[str, str]
"""Prompt set and model."""
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """What came out for one sample.

    Attributes:
        image: ``(H, W, 3)`` uint8 RGB.
        segmentations: of each side.
        maps: heat maps of each side by word and target; those of one word and target share a scale.
    """

    image: NDArray[np.uint8]
    segmentations: Mapping[Side, InferenceResult]
    maps: Mapping[Side, Mapping[tuple[str, str], ExplanationResult]]

    def scales(self) -> dict[str, list[float]]:
        """Low and high end of the scale of every heat map, by ``word_target``."""
        any_side = next(iter(self.maps.values()))
        return {"_".join(key): _ends(result.scale) for key, result in any_side.items()}

    def figures(self, side: Side, focus: tuple[str, ...], truth: NDArray[np.uint8]) -> dict[str, Any]:
        """The published figures of one side, and what says whether to believe its maps.

        Args:
            side: prompt set and model.
            focus: classes that probabilities are given for.
            truth: taxonomy indices, ``(H, W)``; 255 is not looked at.
        """
        found = self.segmentations[side]
        figures: dict[str, Any] = {
            f"pixels_{item.name}": int(np.count_nonzero(found.label_map == item.index))
            for item in found.classes
        }
        figures |= probability_figures(found, focus)
        trust: dict[str, Any] = {}
        for (word, name), result in self.maps[side].items():
            figures[f"{word}_{name}_mean"] = mean_heat(result)
            located = against_truth(result.heatmap, truth, members_of(name))
            trust[f"{word}_{name}"] = {**_trust(result), "ground_truth": located}
        return {**figures, "explanations": trust}


def study_sample(
    image: NDArray[np.uint8],
    sets: Mapping[str, PromptSet],
    segmenter: Segmenter,
    question: Question,
    report: Report,
) -> Study:
    """Segment and explain one picture for every prompt set and model.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        sets: prompt sets by name.
        segmenter: the models and their registry.
        question: what is asked.
        report: told what is being done.
    """
    segmentations: dict[Side, InferenceResult] = {}
    maps: dict[Side, dict[tuple[str, str], ExplanationResult]] = {}
    for set_name, prompts in sets.items():
        for model, spec in segmenter.models.items():
            side = (set_name, model)
            report(f"{set_name}, {model}")
            asked = InferenceRequest(
                image,
                prompts,
                method=question.method,
                checkpoint=spec.id,
                settings=segmenter.settings(spec),
                templates=question.config.templates,
            )
            segmentations[side] = infer(asked, segmenter.registry)
            maps[side] = {
                (target.word, target.name): explain(_ask(asked, target, question), segmenter.registry)
                for target in question.targets(prompts)
            }
    return Study(image, segmentations, _on_shared_scales(maps))


def mean_heat(result: ExplanationResult) -> float:
    """Mean over the picture of what speaks for the class, in parts of the shared scale's end."""
    if result.scale.high == 0:
        return 0.0
    return float(np.clip(result.heatmap / result.scale.high, 0, 1).mean(dtype=np.float64))


def _ask(asked: InferenceRequest, target: Target, question: Question) -> ExplanationRequest:
    return ExplanationRequest(
        asked.image,
        target.prompts,
        target.name,
        kind=KINDS[target.word],
        method=question.method,
        checkpoint=asked.checkpoint,
        settings=asked.settings,
        templates=asked.templates,
        steps=question.steps,
        trust=target.trust,
        randomise=question.randomise and target.name in question.focus,
    )


def _on_shared_scales(
    maps: Mapping[Side, Mapping[tuple[str, str], ExplanationResult]],
) -> dict[Side, dict[tuple[str, str], ExplanationResult]]:
    """Give maps of one word and target one scale over all models and prompt sets."""
    together: dict[tuple[str, str], list[Side]] = defaultdict(list)
    for side, found in maps.items():
        for key in found:
            together[key].append(side)
    shared: dict[Side, dict[tuple[str, str], ExplanationResult]] = {side: {} for side in maps}
    for key, sides in together.items():
        for side, result in zip(sides, on_one_scale([maps[side][key] for side in sides]), strict=True):
            shared[side][key] = result
    return shared


def probability_figures(found: InferenceResult, focus: tuple[str, ...]) -> dict[str, float]:
    """Mean and largest probability of the focus classes over the working pixels."""
    planes = found.scores.scores.astype(np.float64)
    if found.scores.scale:
        weights = np.exp(found.scores.scale * (planes - planes.max(0)))
        planes = weights / weights.sum(0)
    figures = {}
    for item in found.classes:
        if item.name in focus:
            plane = planes[item.index]
            figures[f"prob_{item.name}_mean"] = float(plane.mean())
            figures[f"prob_{item.name}_max"] = float(plane.max())
    return figures


def _trust(result: ExplanationResult) -> dict[str, Any]:
    report = result.report()
    kept = (
        "map",
        "explained",
        "flagged",
        "doubts",
        "completeness",
        "faithfulness",
        "randomised",
        "block",
        "baseline",
    )
    heat = result.heatmap
    raw = {"raw_mean": float(heat.mean(dtype=np.float64)), "raw_max": float(heat.max())}
    return {key: report[key] for key in kept if key in report} | raw


def _ends(scale: Scale) -> list[float]:
    return [scale.low, scale.high]
