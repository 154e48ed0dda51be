"""What says whether a map can be believed: deletion, insertion, and maps of random weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from attribution import (
    Attribution,
    Faithfulness,
    RandomisedStage,
    faithfulness,
    random_curves,
    randomisation_check,
)
from attribution.score import Progress

from .explained_scene import ExplainedScene, ExplainedScore
from .explained_target import Task
from .explained_tower import STAGES, TowerWeights
from .explanation_types import TrustPlan

CELL: Final = 16  # pixels of the working image that are removed together
WINDOWS_AT_ONCE: Final = 16

Again = Callable[[Task, ExplainedScore], Attribution]
"""Explains the score of other weights."""


def pictures_at_once(scene: ExplainedScene) -> int:
    """Pictures whose windows go through the encoder together; between such batches a run can be stopped."""
    return max(1, WINDOWS_AT_ONCE // len(scene.working.boxes))


def measure_trust(task: Task, attribution: Attribution, plan: TrustPlan, progress: Progress) -> Faithfulness:
    """Deletion and insertion of a map; the random orders of a score are kept for its other maps.

    Args:
        task: whose score.
        attribution: raw values at the working size.
        plan: how much is measured.
        progress: told the finished fraction; may raise to cancel.
    """
    score, scene = task.score, task.scene
    options: dict[str, Any] = {
        "replacement": plan.replacement,
        "steps": plan.steps,
        "cell": CELL,
        "random_orders": plan.random_orders,
        "seed": plan.seed,
        "internal_batch": pictures_at_once(scene),
    }
    share = plan.random_orders / (plan.random_orders + 2)
    random = scene.segmenter.cache.get(
        ("random_curves", _score_key(task), plan),
        lambda: random_curves(score, scene.image, **options, progress=lambda f: progress(f * share)),
    )
    return faithfulness(
        score,
        scene.image,
        attribution,
        **options,
        random=random,
        progress=lambda f: progress(share + f * (1 - share)),
    )


def _score_key(task: Task) -> tuple[object, ...]:
    """Names everything that the score of a picture depends on."""
    scene = task.scene
    arrays = (scene.texts, task.weights)
    content = b"".join(array.cpu().numpy().tobytes() for array in arrays)
    return (
        scene.method,
        scene.segmenter.config,
        scene.clip.image_digest,
        scene.segmenter.patches.image_digest,
        scene.working.key,
        scene.groups,
        task.score.target.index,
        task.explained.where,
        hashlib.blake2b(content, digest_size=16).hexdigest(),
    )


def check_randomised(task: Task, again: Again, progress: Progress) -> tuple[RandomisedStage, ...]:
    """Explain again while the weights of the image tower become random from the top down.

    Args:
        task: whose score; graph, texts and solves stay as they are.
        again: explains the score of other weights.
        progress: told the finished fraction; may raise to cancel.
    """
    scene = task.scene

    def explain(weights: TowerWeights) -> Attribution:
        other = replace(scene, clip=scene.clip.with_tower(weights.tower()))
        return again(task, replace(task.score, scene=other))

    weights = TowerWeights(scene.clip.tower)
    return randomisation_check(weights, explain, stages=STAGES, progress=progress)
