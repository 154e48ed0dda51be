"""From a request to the score it asks about: which class, where, in competition with what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, cast

import torch
from torch import Tensor

from attribution import ClassTarget, pixel_region, values_at
from lposs_core import LPOSS, ClassScores
from lposs_core.scores import TEMPERATURE
from lposs_core.scores import Method as ScoreMethod
from lposs_core.stages import Watch
from lposs_core.tower_encoder import TowerEncoder

from .cache import FeatureCache
from .errors import PipelineUnavailable, UnknownChoice
from .explained_scene import ExplainedScene, ExplainedScore, read_rows
from .explanation_types import Explained, ExplanationRequest, Where
from .inference import find_templates
from .prompts import shown
from .registry import LoadedCheckpoint
from .tower_language import tower_texts
from .types import CheckpointInfo, Note

SAMPLES: Final = 12
"""Pixels that stand for a region where each costs a solve over all pixels (LPOSS+)."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A request with its models at hand.

    Attributes:
        request: as it came.
        score: what is explained.
        explained: the same in words and numbers.
        weights: how much each working pixel is of the score's linear part, shape ``(1, h, w)``, sum 1.
        checkpoint: of which weights.
        notes: remarks for the user.
    """

    request: ExplanationRequest
    score: ExplainedScore
    explained: Explained
    weights: Tensor
    checkpoint: CheckpointInfo
    notes: tuple[Note, ...]

    @property
    def scene(self) -> ExplainedScene:
        """The picture."""
        return self.score.scene


def prepare(request: ExplanationRequest, models: LoadedCheckpoint, cache: FeatureCache, watch: Watch) -> Task:
    """Segment the picture as the page does and find the score that is asked about.

    Args:
        request: its class and pixel exist.
        models: a leased checkpoint.
        cache: keeps stages.
        watch: of the request.

    Raises:
        PipelineUnavailable: the dual encoder is no transformer of plain blocks.
    """
    said = tower_texts(models.spec, request.prompts, request.background, glossary=request.glossary)
    request = replace(
        request, prompts=said.prompts(request.prompts), background=said.texts(request.background)
    )
    segmenter = _segmenter(request, models, cache)
    with watch.stage("segment"):
        segmented = segmenter.segment(
            request.image,
            request.prompts.texts,
            method=cast(ScoreMethod, request.method),
            background=request.background,
            progress=lambda stage, fraction: watch.report("segment", 0.0),
        )
        scene = _scene(request, segmenter, watch)
        where, weights = _where(request, segmented)
        score = _score(request, scene, where, weights)
        with torch.no_grad():
            value = float(score(scene.image[None])[0])
    explained = _explained(request, scene, segmented, where, weights, value)
    notes = (*said.notes, *_notes(request, scene, explained))
    return Task(request, score, explained, weights[None] / weights.sum(), models.info, notes)


def _segmenter(request: ExplanationRequest, models: LoadedCheckpoint, cache: FeatureCache) -> LPOSS:
    if not isinstance(models.clip, TowerEncoder):
        raise PipelineUnavailable.of("explanation", checkpoint=models.spec.id)
    settings = request.settings if request.settings is not None else models.spec.settings
    templates = find_templates(request.templates)
    return LPOSS(models.clip, models.patches, settings, templates=templates, cache=cache)


def _scene(request: ExplanationRequest, segmenter: LPOSS, watch: Watch) -> ExplainedScene:
    exact = LPOSS(
        segmenter.clip,
        segmenter.patches,
        segmenter.config.replace(solver="exact"),
        templates=segmenter.templates,
        cache=segmenter.cache,
    )
    classes = [*request.prompts.texts, *([request.background] if request.background else [])]
    texts = list(dict.fromkeys(text for group in classes for text in group))
    clip = cast(TowerEncoder, segmenter.clip)
    return ExplainedScene(
        segmenter=exact,
        working=exact.working_image(request.image),
        method=cast(ScoreMethod, request.method),
        clip=clip,
        texts=exact.prototypes(texts, watch).to(clip.device),
        groups=tuple(tuple(texts.index(text) for text in group) for group in classes),
    )


def _where(request: ExplanationRequest, segmented: ClassScores) -> tuple[Where, Tensor]:
    """Which working pixels are read, and how much each counts: shape ``(h, w)``."""
    planes = segmented.stacked()
    if request.x is not None and request.y is not None:
        return "pixel", _pixel_weights(request.x, request.y, request.image.shape[:2], planes[0])
    index = request.prompts.names.index(request.class_name)
    carried = (planes.argmax(0) == index).float()
    return ("carried", carried) if bool(carried.any()) else ("everywhere", torch.ones_like(carried))


def _pixel_weights(x: int, y: int, size: tuple[int, ...], plane: Tensor) -> Tensor:
    """Share of each working pixel in a pixel of the picture, as the label map is interpolated."""
    with torch.enable_grad():
        maps = torch.zeros_like(plane)[None, None].requires_grad_()
        value = values_at(maps, pixel_region(y, x, (size[0], size[1])).to(plane.device))
        return torch.autograd.grad(value.sum(), maps)[0][0, 0]


def _score(
    request: ExplanationRequest, scene: ExplainedScene, where: Where, weights: Tensor
) -> ExplainedScore:
    target = _target(request, scene)
    if where == "pixel":
        return ExplainedScore(scene, read_rows(scene.rows(weights[None])), target)
    if scene.method == "lposs_plus":
        return ExplainedScore(scene, read_rows(scene.rows(_sample(weights))), target)
    return ExplainedScore(scene, scene.read_maps(), replace(target, region=weights))


def _sample(weights: Tensor) -> Tensor:
    """Single pixels, evenly taken from those that count: shape ``(K, h, w)``."""
    places = weights.flatten().nonzero()[:, 0]
    count = min(SAMPLES, len(places))
    chosen = places[torch.linspace(0, len(places) - 1, 2 * count + 1).round().long()[1::2]]
    rows = weights.new_zeros(count, weights.numel())
    rows[torch.arange(count), chosen] = 1
    return rows.view(count, *weights.shape)


def _target(request: ExplanationRequest, scene: ExplainedScene) -> ClassTarget:
    index = request.prompts.names.index(request.class_name)
    if scene.method == "maskclip":
        return ClassTarget(index)
    if len(scene.groups) == 1:
        return ClassTarget(index, temperature=1 / scene.gain)
    return ClassTarget(index, temperature=TEMPERATURE / scene.gain, competition="probability")


def _explained(
    request: ExplanationRequest,
    scene: ExplainedScene,
    segmented: ClassScores,
    where: Where,
    weights: Tensor,
    value: float,
) -> Explained:
    pixels = int((weights > 0).sum()) if where != "pixel" else 1
    sampled = where != "pixel" and scene.method == "lposs_plus" and pixels > SAMPLES
    return Explained(
        class_name=request.class_name,
        where=where,
        pixels=SAMPLES if sampled else pixels,
        quantity="probability" if is_contested(scene) else "cosine",
        score=value,
        shown=_shown(request, scene, segmented, where, weights),
        working_size=scene.working.size,
        x=request.x,
        y=request.y,
        sampled=sampled,
    )


def is_contested(scene: ExplainedScene) -> bool:
    """Whether classes compete: alone, a class has probability 1 and its cosine is explained."""
    return len(scene.texts if scene.method == "maskclip" else scene.groups) > 1


def _shown(
    request: ExplanationRequest,
    scene: ExplainedScene,
    segmented: ClassScores,
    where: Where,
    weights: Tensor,
) -> float:
    """The same score with the solver of the settings, as the page shows it."""
    planes = segmented.stacked()
    target = _target(request, scene)
    if where != "pixel":
        return float(replace(target, region=weights)(planes[None])[0])
    read = (planes * weights).sum((1, 2))
    return float(target(read[None, :, None, None])[0])


def _notes(request: ExplanationRequest, scene: ExplainedScene, explained: Explained) -> list[Note]:
    values: dict[str, Any] = {"name": shown(request.class_name)}
    notes = [Note("note.explained_everywhere", values)] if explained.where == "everywhere" else []
    if not is_contested(scene):
        notes.append(Note("note.explained_alone", values))
    if explained.sampled:
        notes.append(Note("note.explained_sample", values | {"pixels": explained.pixels}))
    return notes


def check_request(request: ExplanationRequest) -> None:
    """Refuse a class or a pixel that does not exist.

    Raises:
        UnknownChoice: the sentence names what there is.
    """
    if request.class_name not in request.prompts.names:
        known = ", ".join(request.prompts.names)
        raise UnknownChoice.of("prompt_class", seen=shown(request.class_name), known=known)
    if (request.x is None) != (request.y is None):
        raise UnknownChoice.of("pixel.half")
    height, width = request.image.shape[:2]
    if request.x is None or request.y is None or (0 <= request.x < width and 0 <= request.y < height):
        return
    raise UnknownChoice.of(
        "pixel", x=request.x, y=request.y, width=width, height=height, right=width - 1, bottom=height - 1
    )
