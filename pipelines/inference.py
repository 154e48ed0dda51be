"""The single door from a request to a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lposs_core import LPOSS, ClassScores, LPOSSConfig, label_map, template_set
from lposs_core.scores import TEMPERATURE
from lposs_core.scores import Method as ScoreMethod

from .cache import FeatureCache
from .catalogue import CheckpointSpec, find_checkpoint
from .errors import PipelineUnavailable, UnknownChoice
from .prompts import shown
from .registry import LoadedCheckpoint, PipelineRegistry
from .render import palette
from .types import METHODS, NO_CLASS, ClassResult, InferenceRequest, InferenceResult, Method, Note, ScoreMaps

Progress = Callable[[str, float], None]
"""Called with a stage's name and the finished part of it in ``[0, 1]``; may raise to stop the request."""

RUNNABLE: Final[tuple[Method, ...]] = ("maskclip", "lposs", "lposs_plus")


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
        PipelineUnavailable: the checkpoint cannot run the method, or is not on this machine.
        CheckpointError: its files are not what the catalogue promises.
        Busy: no room for the models in time.
    """
    spec = find_checkpoint(registry.catalogue, request.checkpoint)
    _check_method(spec, request.method)
    templates = _templates(request.templates)
    settings = request.settings if request.settings is not None else spec.settings
    started = time.perf_counter()
    with registry.lease(spec.id, request.precision) as models:
        seconds = {"load": time.perf_counter() - started}
        scores = _segment(request, models, settings, templates, registry, progress)
        notes = tuple(_cut_texts(models, request, templates, registry.cache))
    seconds |= scores.seconds
    with _timed(seconds, "label_map"):
        labels = label_map(scores, *_label_size(request), threshold=request.abstain.threshold)
        classes, none_share = _shares(labels, request)
        small = _score_maps(scores, request.image.shape[:2])
    return InferenceResult(
        label_map=labels,
        classes=classes,
        none_share=none_share,
        size=(labels.shape[0], labels.shape[1]),
        image_size=(request.image.shape[0], request.image.shape[1]),
        method=request.method,
        checkpoint=models.info,
        seconds=seconds,
        settings=settings,
        scores=small,
        notes=notes,
    )


def _check_method(spec: CheckpointSpec, method: str) -> None:
    if method not in METHODS:
        raise UnknownChoice.of("method", seen=shown(str(method)), known=", ".join(METHODS))
    runnable = [name for name in spec.methods if name in RUNNABLE]
    if method not in runnable:
        raise PipelineUnavailable.of("method", method=method, checkpoint=spec.id, known=", ".join(runnable))


def _templates(name: str) -> tuple[str, ...]:
    try:
        return tuple(template_set(name))
    except ValueError as error:
        problem = str(error).rstrip(".")
        raise UnknownChoice.of("templates", seen=shown(name), problem=problem) from error


def _segment(
    request: InferenceRequest,
    models: LoadedCheckpoint,
    settings: LPOSSConfig,
    templates: tuple[str, ...],
    registry: PipelineRegistry,
    progress: Progress | None,
) -> ClassScores:
    segmenter = LPOSS(models.clip, models.patches, settings, templates=templates, cache=registry.cache)
    return segmenter.segment(
        request.image,
        request.prompts.texts,
        method=cast(ScoreMethod, request.method),
        background=request.abstain.background,
        progress=progress,
    )


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


def _label_size(request: InferenceRequest) -> tuple[int, int]:
    """(height, width) of the label map: the image's, or smaller so that no side is above ``max_side``."""
    height, width = request.image.shape[:2]
    if request.max_side is None or max(height, width) <= request.max_side:
        return height, width
    scale = request.max_side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


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
    )


def _half(values: Tensor) -> NDArray[np.float16]:
    array: NDArray[np.float16] = values.half().cpu().numpy()
    return array


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - started
