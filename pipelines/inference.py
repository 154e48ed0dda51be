"""The single door from a request to a result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lposs_core import LPOSS, ClassScores, LPOSSConfig, label_map, template_set
from lposs_core.scores import TEMPERATURE
from lposs_core.scores import Method as ScoreMethod

from .cache import FeatureCache
from .catalogue import METHOD_ROLES, CheckpointSpec, find_checkpoint
from .errors import PipelineUnavailable, UnknownChoice
from .glossary import keep, to_english
from .pnp import plan_pnp
from .prompts import shown
from .registry import LoadedCheckpoint, PipelineRegistry
from .render import palette
from .segmented import Plan, Segmented, timed
from .segmented import Progress as Progress  # part of this module's signature
from .tower_language import TowerTexts, tower_texts
from .types import (
    METHODS,
    NO_CLASS,
    ClassResult,
    InferenceRequest,
    InferenceResult,
    Method,
    Note,
    Precision,
    ScoreMaps,
)

RUNNABLE: Final[tuple[Method, ...]] = METHODS


def infer(
    request: InferenceRequest, registry: PipelineRegistry, progress: Progress | None = None
) -> InferenceResult:
    """Segment one picture.

    Stages that an earlier request computed for the same picture, texts or models are taken from the
    registry's cache, so an edited prompt encodes nothing of the picture again.

    Args:
        request: picture, prompts and choices.
        registry: gives out the models.
        progress: told about each stage; may raise :class:`pipelines.Cancelled`.

    Returns:
        Label map, shares, timings and small score maps.

    Raises:
        UnknownChoice: no such method, checkpoint, precision or template set.
        PromptError: PnP-OVSS cannot read a text.
        PipelineUnavailable: the checkpoint cannot run the method, or is not on this machine.
        CheckpointError: its files are not what the catalogue promises.
        Busy: no room for the models in time.
    """
    spec = find_checkpoint(registry.catalogue, request.checkpoint)
    check_method(spec, request.method)
    plan, said = _plan(request, spec)
    started = time.perf_counter()
    with registry.lease(spec.id, plan.precision, plan.roles) as models:
        loaded = {"load": time.perf_counter() - started}
        found = plan.run(models, registry.cache, progress)
    classes, none_share = _shares(found.label_map, request)
    return InferenceResult(
        label_map=found.label_map,
        classes=classes,
        none_share=none_share,
        size=(found.label_map.shape[0], found.label_map.shape[1]),
        image_size=(request.image.shape[0], request.image.shape[1]),
        method=request.method,
        checkpoint=models.info,
        seconds=loaded | found.seconds,
        settings=plan.settings,
        scores=replace(found.scores, texts=said.as_written(found.scores.texts)),
        notes=(*said.notes, *found.notes),
        rounds=found.rounds,
    )


def _plan(request: InferenceRequest, spec: CheckpointSpec) -> tuple[Plan, TowerTexts]:
    """What will run, and in which words where the text tower reads English only."""
    templates = find_templates(request.templates)
    if request.method == "pnp_ovss":
        translate = to_english if request.glossary else keep
        return plan_pnp(request, spec, templates, translate), TowerTexts({})
    said = tower_texts(spec, request.prompts, request.abstain.background, glossary=request.glossary)
    abstain = replace(request.abstain, background=said.texts(request.abstain.background))
    read = replace(request, prompts=said.prompts(request.prompts), abstain=abstain)
    return DensePlan(read, request.settings or spec.settings, templates), said


@dataclass(frozen=True, slots=True, eq=False)
class DensePlan:
    """A request for MaskCLIP, LPOSS or LPOSS+.

    Attributes:
        request: picture, prompts and choices.
        settings: hyper-parameters.
        templates: sentences that each text is put into.
    """

    request: InferenceRequest
    settings: LPOSSConfig
    templates: tuple[str, ...]

    @property
    def precision(self) -> Precision:
        """As asked for."""
        return self.request.precision

    @property
    def roles(self) -> tuple[str, ...]:
        """The dual encoder and the patch encoder."""
        return METHOD_ROLES[self.request.method]

    def run(self, models: LoadedCheckpoint, cache: FeatureCache, progress: Progress | None) -> Segmented:
        """Segment the picture; stages of earlier requests are taken from the cache."""
        request = self.request
        segmenter = LPOSS(models.clip, models.patches, self.settings, templates=self.templates, cache=cache)
        scores = segmenter.segment(
            request.image,
            request.prompts.texts,
            method=cast(ScoreMethod, request.method),
            background=request.abstain.background,
            progress=progress,
        )
        seconds = dict(scores.seconds)
        notes = tuple(_cut_texts(models, request, self.templates, cache))
        with timed(seconds, "label_map"):
            labels = label_map(scores, *request.label_size, threshold=request.abstain.threshold)
            small = _score_maps(scores, request.image.shape[:2])
        return Segmented(labels, small, seconds, notes)


def check_method(spec: CheckpointSpec, method: str) -> None:
    """Refuse a method that a checkpoint cannot run.

    Raises:
        UnknownChoice: there is no such method.
        PipelineUnavailable: the checkpoint cannot run it.
    """
    if method not in METHODS:
        raise UnknownChoice.of("method", seen=shown(str(method)), known=", ".join(METHODS))
    runnable = [name for name in spec.methods if name in RUNNABLE]
    if method not in runnable:
        raise PipelineUnavailable.of("method", method=method, checkpoint=spec.id, known=", ".join(runnable))


def find_templates(name: str) -> tuple[str, ...]:
    """The templates of a set.

    Raises:
        UnknownChoice: no such set.
    """
    try:
        return tuple(template_set(name))
    except ValueError as error:
        problem = str(error).rstrip(".")
        raise UnknownChoice.of("templates", seen=shown(name), problem=problem) from error


def _cut_texts(
    models: LoadedCheckpoint, request: InferenceRequest, templates: tuple[str, ...], cache: FeatureCache
) -> Iterator[Note]:
    """Notes on texts that the text tower cannot read to their end in the longest template."""
    clip = models.clip
    frame = cache.get(
        ("template_tokens", clip.text_digest, templates),
        lambda: max(clip.count_tokens(template.replace("{}", "")) for template in templates),
    )
    ends = clip.count_tokens("")  # start and end token, counted in both parts
    texts = [text for group in (*request.prompts.texts, request.abstain.background) for text in group]
    for text in dict.fromkeys(texts):
        tokens = clip.count_tokens(text) + frame - ends
        if tokens > clip.context_length:
            values = {"seen": shown(text), "tokens": tokens, "limit": clip.context_length}
            yield Note("note.cut_text", {**values, "checkpoint": models.info.id})


def _shares(labels: NDArray[np.uint8], request: InferenceRequest) -> tuple[tuple[ClassResult, ...], float]:
    """Each class with its part of all pixels, and the part that has no class."""
    counts = np.bincount(labels.ravel(), minlength=NO_CLASS + 1)
    colours = palette(len(request.prompts))
    classes = tuple(
        ClassResult(index, item.name, item.texts, colours[index], float(counts[index] / labels.size))
        for index, item in enumerate(request.prompts.classes)
    )
    return classes, float(counts[NO_CLASS] / labels.size)


def _score_maps(scores: ClassScores, image_size: tuple[int, ...]) -> ScoreMaps:
    is_probability = scores.method == "maskclip"
    background = scores.background
    return ScoreMaps(
        scores=_half(scores.scores / scores.gain),
        background=None if background is None else _half(background / scores.gain),
        image_size=(image_size[0], image_size[1]),
        scale=0.0 if is_probability else TEMPERATURE,
        texts={text: _half(plane / scores.gain) for text, plane in scores.texts.items()},
    )


def _half(values: Tensor) -> NDArray[np.float16]:
    array: NDArray[np.float16] = values.half().cpu().numpy()
    return array
