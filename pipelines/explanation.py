"""The single door from a question to an explanation with the figures that say whether to believe it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from attribution import Attribution, Scale, resize_shares, shared_scale
from lposs_core.stages import Watch

from .catalogue import find_checkpoint
from .errors import PipelineUnavailable, UnknownChoice
from .explained_kinds import KINDS, Kind
from .explained_target import check_request
from .explanation_types import BASELINES, ExplanationRequest, ExplanationResult
from .inference import Progress
from .prompts import shown
from .registry import PipelineRegistry
from .tower_language import tower_texts
from .types import METHODS, Note

MOST_STEPS: Final = 512
SHOWN_QUANTILE: Final = 0.995
"""Share of the pixels that a scale reaches; the raw values hold the rest."""


def explain(
    request: ExplanationRequest, registry: PipelineRegistry, progress: Progress | None = None
) -> ExplanationResult:
    """Explain one class of one picture.

    Models are only read: no hook is set on them, no flag or ``.grad`` changes, and requests may run at the
    same time. What other requests computed for the picture is taken from the registry's cache.

    Args:
        request: picture, class, and how to explain it.
        registry: gives out the models.
        progress: told ``segment``, ``explain``, ``trust`` or ``randomise`` and its finished part before
            every batch of pictures; may raise :class:`pipelines.Cancelled`.

    Returns:
        Heat map and figures.

    Raises:
        UnknownChoice: no such kind, class, pixel, method, checkpoint, baseline, block or template set.
        PipelineUnavailable: the kind does not exist for the method, or the checkpoint is not on this machine.
        CheckpointError: its files are not what the catalogue promises.
        Busy: no room for the models in time.
    """
    kind = _kind(request, registry)
    check_request(request)
    watch = Watch(progress)
    started = time.perf_counter()
    read, said = _as_the_tower_reads(request, registry)
    finding = kind.run(read, registry, watch)
    finding = replace(finding, notes=(*said, *finding.notes))
    attribution = _at_size(finding.attribution, request.image, kind)
    scale = shown_scale([attribution], request.kind)
    seconds = watch.seconds | {"total": time.perf_counter() - started}
    return ExplanationResult(request.kind, request.method, attribution, finding, scale, seconds)


def shown_scale(maps: Sequence[Attribution], kind: str) -> Scale:
    """One scale for maps of one kind that stand side by side; the few extreme pixels are cut.

    Args:
        maps: at least one.
        kind: key of :data:`pipelines.explained_kinds.KINDS`.
    """
    return shared_scale(maps, KINDS[kind].scale, quantile=SHOWN_QUANTILE)


def on_one_scale(results: Sequence[ExplanationResult]) -> list[ExplanationResult]:
    """Give results of one kind the scale of all of them, so that their pictures can be compared."""
    scale = shown_scale([result.attribution for result in results], results[0].kind)
    return [replace(result, scale=scale) for result in results]


def _as_the_tower_reads(
    request: ExplanationRequest, registry: PipelineRegistry
) -> tuple[ExplanationRequest, tuple[Note, ...]]:
    """The request in the glossary's words where the text tower reads English only, and a note on them."""
    if request.method == "pnp_ovss":  # which has a text tower of its own, and translates for it
        return request, ()
    spec = find_checkpoint(registry.catalogue, request.checkpoint)
    said = tower_texts(spec, request.prompts, request.background)
    background = said.texts(request.background)
    return replace(request, prompts=said.prompts(request.prompts), background=background), said.notes


def _kind(request: ExplanationRequest, registry: PipelineRegistry) -> Kind:
    if request.kind not in KINDS:
        raise UnknownChoice.of("explanation", seen=shown(request.kind), known=", ".join(KINDS))
    if request.method not in METHODS:
        raise UnknownChoice.of("method", seen=shown(str(request.method)), known=", ".join(METHODS))
    if request.baseline not in BASELINES:
        raise UnknownChoice.of("baseline", seen=shown(str(request.baseline)), known=", ".join(BASELINES))
    steps = list(request.steps)
    if not steps or steps != sorted(set(steps)) or not 1 <= steps[0] <= steps[-1] <= MOST_STEPS:
        raise UnknownChoice.of("steps", seen=shown(str(request.steps)), limit=MOST_STEPS)
    spec = find_checkpoint(registry.catalogue, request.checkpoint)
    if request.method not in spec.methods:
        known = ", ".join(spec.methods)
        raise PipelineUnavailable.of("method", method=request.method, checkpoint=spec.id, known=known)
    kind = KINDS[request.kind]
    if request.method not in kind.methods:
        known = ", ".join(kind.methods)
        raise PipelineUnavailable.of("kind", kind=request.kind, method=request.method, known=known)
    return kind


def _at_size(attribution: Attribution, image: NDArray[np.uint8], kind: Kind) -> Attribution:
    """Bring a map to the picture's size: shares keep their sum, other values are interpolated."""
    size = (image.shape[0], image.shape[1])
    if kind.shares:
        return replace(attribution, heatmap=resize_shares(attribution.heatmap, size))
    heat = torch.from_numpy(attribution.heatmap.copy())[None, None]
    resized = F.interpolate(heat, size=size, mode="bilinear", align_corners=False)[0, 0]
    return replace(attribution, heatmap=resized.numpy())
