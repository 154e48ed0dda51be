"""Proof that other prompts reach a model: its text vectors differ, and so do its scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluation.commands import UsageError
from evaluation.facades.config import FacadeConfig
from evaluation.facades.models import Segmenter
from lposs_core import LPOSS, template_set
from lposs_core.scores import Method as ScoreMethod
from pipelines import CheckpointSpec, PipelineRegistry, PromptSet

from .prompt_sets import DEFAULT
from .question import Question
from .study import Side

SAME: float = 1e-6


def text_effects(
    config: FacadeConfig,
    models: Mapping[str, CheckpointSpec],
    sets: Mapping[str, PromptSet],
    registry: PipelineRegistry,
) -> dict[Side, float]:
    """How far the text vectors of each set are from those of the default set, for each model.

    Args:
        config: its templates are used.
        models: catalogue rows by name.
        sets: prompt sets by name.
        registry: gives out the models; vectors are kept in its cache.

    Returns:
        By set and model: over the texts that the default set does not have, the largest ``1 - cosine`` to the
        nearest text of the same class in the default set. Sets without such texts are left out.
    """
    found = {}
    for model, spec in models.items():
        with registry.lease(spec.id) as parts:
            encoder = LPOSS(
                parts.clip, parts.clip, templates=template_set(config.templates), cache=registry.cache
            )
            for name, prompts in sets.items():
                distances = list(_distances(encoder, prompts, sets[DEFAULT]))
                if distances:
                    found[name, model] = max(distances)
    return found


def score_effects(
    image: NDArray[np.uint8],
    sets: Mapping[str, PromptSet],
    segmenter: Segmenter,
    question: Question,
) -> dict[Side, float]:
    """How far the scores of a picture under each set are from those under the default set, for each model.

    Scores are compared in float32 and relatively, since a confident model gives most classes probabilities
    next to 0. Features and columns come from the registry's cache.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        sets: prompt sets by name.
        segmenter: the models and their registry.
        question: the method and the templates.

    Returns:
        By set and model: the largest ``|a - b| / max(|a|, |b|)`` over classes and working pixels.
    """
    found = {}
    registry, templates = segmenter.registry, template_set(question.config.templates)
    for model, spec in segmenter.models.items():
        with registry.lease(spec.id) as parts:
            lposs = LPOSS(
                parts.clip,
                parts.patches,
                segmenter.settings(spec),
                templates=templates,
                cache=registry.cache,
            )
            method = cast(ScoreMethod, question.method)
            planes = {
                name: lposs.segment(image, item.texts, method=method).scores for name, item in sets.items()
            }
        usual = planes.pop(DEFAULT)
        for name, own in planes.items():
            found[name, model] = _relative_difference(own, usual)
    return found


def check_prompts_act(
    effects: Mapping[Side, float], what: str, prompts: Mapping[str, PromptSet] | None = None
) -> None:
    """Refuse to go on where other texts change nothing: the figures would not be those of the prompts.

    Args:
        effects: how far each side is from the default set.
        what: ``text vectors`` or ``scores``.
        prompts: sets by name, where one with the default's very texts may stand among the effects.

    Raises:
        UsageError: a model answers other texts as it does the default's.
    """
    for (name, model), effect in effects.items():
        same_texts = prompts is not None and prompts[name].texts == prompts[DEFAULT].texts
        if effect <= SAME and not same_texts:
            raise UsageError(
                f"The prompt set {name!r} has other texts than {DEFAULT!r}, but the model {model!r} gives "
                f"the same {what}: its prompts do not act, and no figure of it could be trusted."
            )


def _distances(encoder: LPOSS, prompts: PromptSet, default: PromptSet) -> Iterator[float]:
    for own, usual in zip(prompts.texts, default.texts, strict=True):
        new = [text for text in own if text not in usual]
        if new:
            cosines = encoder.prototypes(new) @ encoder.prototypes(usual).T
            yield float((1 - cosines.amax(1)).max())


def _relative_difference(one: Tensor, other: Tensor) -> float:
    size = one.abs().maximum(other.abs()).clamp_min(torch.finfo(torch.float32).tiny)
    return float(((one - other).abs() / size).max())
