"""The kinds of explanation: one row a kind, each with the methods it exists for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn

from attribution import (
    Attribution,
    TokenLayout,
    grad_cam,
    integrated_gradients,
)
from attribution.heatmap import ScaleKind
from attribution.integrated_gradients import TOLERANCE
from attribution.score import Progress
from lposs_core.stages import Watch
from lposs_core.windows import merge_columns

from .errors import UnknownChoice
from .explained_salience import run_salience_dropout
from .explained_scene import ExplainedScene, ExplainedScore
from .explained_target import Task, prepare
from .explained_trust import Again, check_randomised, measure_trust, pictures_at_once
from .explanation_types import ExplanationRequest, Finding
from .registry import PipelineRegistry
from .types import Method

RANDOMISED_STEPS: Final = (16,)
DENSE: Final[tuple[Method, ...]] = ("maskclip", "lposs", "lposs_plus")

Run = Callable[[ExplanationRequest, PipelineRegistry, Watch], Finding]
Find = Callable[[Task, Progress], Attribution]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of explanation.

    Attributes:
        methods: what it exists for.
        scale: how its values are shown.
        shares: the values sum to something, so that resizing keeps their sum.
        fine: they change from pixel to pixel, so that they are shown blurred.
        checkable: they hang on the weights of the image tower, so that random weights are a check.
        run: computes it; leases what it needs.
    """

    methods: tuple[Method, ...]
    scale: ScaleKind
    shares: bool
    fine: bool
    checkable: bool
    run: Run


def default_block(depth: int) -> int:
    """Blocks before the layer that Grad-CAM looks at: two thirds of them.

    Later layers hold no more than the class logits of each patch, earlier ones mostly texture.

    Args:
        depth: number of blocks.
    """
    return max(1, round(depth * 2 / 3))


def find_grad_cam(task: Task, progress: Progress) -> Attribution:
    """Grad-CAM on the tokens behind a block, all windows together.

    Raises:
        UnknownChoice: there is no such block.
    """
    progress(0.0)
    blocks = _block(task)
    return _grad_cam(task.score, blocks, _tokens(task.scene, blocks, kept=True))


def _block(task: Task) -> int:
    depth, block = len(task.scene.clip.tower.blocks), task.request.block
    if block is not None and not 1 <= block <= depth:
        raise UnknownChoice.of("block", seen=block, depth=depth)
    return default_block(depth) if block is None else block


def _tokens(scene: ExplainedScene, blocks: int, *, kept: bool = False) -> Tensor:
    """What the layer emits for the picture: tokens behind a block, or the finished features."""
    last = blocks == len(scene.clip.tower.blocks)
    before = blocks - 1 if last else blocks
    with torch.no_grad():
        tokens = scene.kept_tokens(before) if kept else scene.tokens(scene.image, before)
        return scene.clip.finish(tokens, scene.clip_grid, before).flatten(1, 2) if last else tokens


def _grad_cam(score: ExplainedScore, blocks: int, tokens: Tensor) -> Attribution:
    scene, tap = score.scene, nn.Identity()
    is_last = blocks == len(scene.clip.tower.blocks)
    prefix = 0 if is_last else len(scene.clip.tower.prefix)

    def tail(batch: Tensor) -> Tensor:
        seen = tap(batch[0])
        features = (
            seen.unflatten(1, scene.clip_grid)
            if is_last
            else scene.clip.finish(seen, scene.clip_grid, blocks)
        )
        return score.of_features(features)

    def merge(maps: Tensor) -> Tensor:
        return merge_columns(maps[None], scene.working.boxes, *scene.working.size)[0]

    layout = TokenLayout(scene.clip_grid, prefix, stacked=True)
    return grad_cam(tail, tokens, tap, tokens=layout, merge=merge, size=scene.working.size)


def find_integrated_gradients(task: Task, progress: Progress) -> Attribution:
    """Integrated Gradients over the pixels of the working image."""
    return _integrated_gradients(task, task.score, task.request.steps, progress)


def _integrated_gradients(
    task: Task, score: ExplainedScore, steps: tuple[int, ...], progress: Progress | None
) -> Attribution:
    return integrated_gradients(
        score,
        score.scene.image,
        baseline=task.request.baseline,
        steps=steps,
        internal_batch=pictures_at_once(score.scene),
        smooth=task.request.smooth,
        progress=progress,
    )


def find_influence(task: Task, progress: Progress) -> Attribution:
    """How far the score follows the seed of each patch: a row of the inverse, exact.

    Times the cosines of the class, the influences sum to its propagated score before competition; the gap to
    a solve the other way round is reported as completeness.
    """
    scene = task.scene
    progress(0.0)
    row = scene.rows(task.weights)[0] / scene.gain
    with torch.no_grad():
        features = scene.segmenter.clip_features(scene.working)
        columns = scene.columns(features)
        group = list(scene.groups[task.score.target.index])
        score = float((columns[group] @ row).max())
        propagated = _propagated(scene, columns[group]) / scene.gain
        gap = abs(float((propagated * task.weights).sum((1, 2)).max()) - score)
    return Attribution(
        heatmap=scene.painted(row),
        method="influence",
        score=score,
        baseline_score=0.0,
        gap=gap,
        flagged=gap > TOLERANCE * abs(score),
    )


def _propagated(scene: ExplainedScene, columns: Tensor) -> Tensor:
    """Score maps of columns ``(C, N)`` by the forward way, through every solve: shape ``(C, h, w)``."""
    maps = scene.merged(scene.solve(columns))
    return scene.refined(maps)


def grad_cam_again(task: Task, score: ExplainedScore) -> Attribution:
    """Grad-CAM of the same question to other weights."""
    blocks = _block(task)
    return _grad_cam(score, blocks, _tokens(score.scene, blocks))


def integrated_gradients_again(task: Task, score: ExplainedScore) -> Attribution:
    """Integrated Gradients of the same question to other weights, with few steps: only the order counts."""
    return _integrated_gradients(task, score, RANDOMISED_STEPS, None)


def _dense(find: Find, again: Again | None, details: Callable[[Task], Mapping[str, Any]]) -> Run:
    """A kind that explains scores of MaskCLIP, LPOSS and LPOSS+."""

    def run(request: ExplanationRequest, registry: PipelineRegistry, watch: Watch) -> Finding:
        with registry.lease(request.checkpoint) as models:
            task = prepare(request, models, registry.cache, watch)
            with watch.stage("explain"):
                attribution = find(task, partial(watch.report, "explain"))
            trust = randomised = None
            if request.trust is not None:
                with watch.stage("trust"):
                    trust = measure_trust(task, attribution, request.trust, partial(watch.report, "trust"))
            if request.randomise and again is not None:
                with watch.stage("randomise"):
                    randomised = check_randomised(task, again, partial(watch.report, "randomise"))
        return Finding(
            attribution=attribution,
            explained=task.explained,
            checkpoint=task.checkpoint,
            faithfulness=trust,
            randomised=randomised,
            details=details(task),
            notes=task.notes,
        )

    return run


def _path_details(task: Task) -> dict[str, Any]:
    smooth = task.request.smooth
    return {"baseline": task.request.baseline, "smooth_copies": smooth.copies_count if smooth else 0}


def _layer_details(task: Task) -> dict[str, Any]:
    return {"block": _block(task)}


def _no_details(task: Task) -> dict[str, Any]:
    return {}


KINDS: Final[Mapping[str, Kind]] = {
    "grad_cam": Kind(
        methods=DENSE,
        scale="symmetric",
        shares=False,
        fine=False,
        checkable=True,
        run=_dense(find_grad_cam, grad_cam_again, _layer_details),
    ),
    "integrated_gradients": Kind(
        methods=DENSE,
        scale="symmetric",
        shares=True,
        fine=True,
        checkable=True,
        run=_dense(find_integrated_gradients, integrated_gradients_again, _path_details),
    ),
    "influence": Kind(
        methods=("lposs", "lposs_plus"),
        scale="positive",
        shares=True,
        fine=False,
        checkable=False,
        run=_dense(find_influence, None, _no_details),
    ),
    "salience_dropout": Kind(
        methods=("pnp_ovss",),
        scale="positive",
        shares=False,
        fine=False,
        checkable=False,
        run=run_salience_dropout,
    ),
}
"""Every kind by its name in requests."""
