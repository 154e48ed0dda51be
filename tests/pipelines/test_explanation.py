"""Explanations through the pipelines: on random weights the arithmetic must hold all the same."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from attribution import Scale, SmoothGrad, load_attribution
from lposs_core import LPOSS, SIMPLE_TEMPLATES
from lposs_core.stages import Watch
from pipelines import (
    Cancelled,
    ExplanationRequest,
    InferenceRequest,
    PipelineRegistry,
    PipelineUnavailable,
    TrustPlan,
    UnknownChoice,
    explain,
    infer,
    load_catalogue,
    parse_prompts,
)
from pipelines.explained_kinds import default_block
from pipelines.explained_render import display_maps, heat_overlay
from pipelines.explained_scene import ExplainedScene
from pipelines.explained_target import prepare
from pipelines.explained_tower import TowerWeights
from pipelines.explanation import on_one_scale

PROMPTS = parse_prompts("wall; window = window, окно; sky")
KINDS = ("grad_cam", "integrated_gradients", "influence")
METHODS = ("maskclip", "lposs", "lposs_plus")
PIXEL = {"x": 70, "y": 31}


@pytest.fixture(scope="module")
def shares(family: Path, picture: np.ndarray) -> dict[str, float]:
    """What the random weights see in ``picture``."""
    request = InferenceRequest(picture, PROMPTS, checkpoint="first", templates="simple")
    result = infer(request, PipelineRegistry(load_catalogue(family), torch.device("cpu")))
    return {item.name: item.share for item in result.classes}


@pytest.fixture
def ask(picture: np.ndarray, shares: dict[str, float]):
    """Builder of questions about ``picture`` that measure no trust unless told to."""
    largest = max(shares, key=shares.__getitem__)

    def build(kind: str = "grad_cam", **options) -> ExplanationRequest:
        given = {
            "checkpoint": "first",
            "templates": "simple",
            "trust": None,
            "class_name": largest,
            **options,
        }
        return ExplanationRequest(picture, PROMPTS, kind=kind, **given)

    return build


def task_of(request: ExplanationRequest, registry: PipelineRegistry):
    with registry.lease(request.checkpoint) as models:
        return prepare(request, models, registry.cache, Watch())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", [{}, PIXEL], ids=["class", "pixel"])
def test_the_score_explained_is_the_score_shown(ask, registry, request_for, method, place):
    settings = registry.catalogue["first"].settings.replace(solver="exact")
    request = ask(method=method, settings=settings, **place)
    explained = task_of(request, registry).explained
    shown = infer(request_for(method=method, settings=settings), registry)
    if place:
        index = PROMPTS.names.index(request.class_name)
        expected = float(shown.scores.probabilities_at(**place)[index])
        assert explained.score == pytest.approx(expected, abs=2e-3)  # those of the page are half precision
    if not explained.sampled:
        assert explained.score == pytest.approx(explained.shown, abs=2e-5)
    assert explained.quantity == "probability"
    assert explained.where == ("pixel" if place else "carried")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", [{}, PIXEL], ids=["class", "pixel"])
def test_integrated_gradients_at_the_pictures_size_sum_to_the_difference(ask, registry, method, place):
    result = explain(ask("integrated_gradients", method=method, **place), registry)
    completeness = result.report()["completeness"]
    assert result.heatmap.shape == (90, 132)
    found = result.heatmap.sum(dtype=np.float64)
    assert abs(found - completeness["difference"]) == pytest.approx(completeness["gap"], abs=2e-6)
    assert completeness["gap"] < 5e-4  # random weights: the difference itself is next to nothing
    assert result.flagged == (completeness["relative_gap"] > 0.01)
    assert completeness["steps"] in (16, 32, 64, 128)


def test_what_stays_incomplete_is_flagged_and_doubted(ask, registry):
    result = explain(ask("integrated_gradients", steps=(1,), trust=TrustPlan(2, 1)), registry)
    assert result.flagged
    assert "completeness" in result.doubts
    assert result.report()["completeness"]["flagged"]


@pytest.mark.parametrize("method", ["lposs", "lposs_plus"])
@pytest.mark.parametrize("place", [{}, PIXEL], ids=["class", "pixel"])
def test_influence_equals_brute_force(ask, registry, method, place):
    """Perturb the seed of a patch, propagate again, and look how much the score moved."""
    task = task_of(ask("influence", method=method, **place), registry)
    scene = task.scene
    row = scene.rows(task.weights)[0]
    seeds = torch.zeros(1, scene.nodes)
    draw = np.random.default_rng(0)
    for node in draw.choice(scene.nodes, 6, replace=False):
        seeds[0, node] = 1
        moved = float((scene.refined(scene.merged(scene.solve(seeds))) * task.weights).sum())
        seeds[0, node] = 0
        assert moved == pytest.approx(float(row[node]), abs=1e-5 * float(row.abs().max()) + 1e-7)
    result = explain(ask("influence", method=method, **place), registry)
    assert result.heatmap.sum(dtype=np.float64) == pytest.approx(float(row.sum()) / scene.gain, rel=1e-4)
    assert result.report()["completeness"]["relative_gap"] < 1e-3


@pytest.mark.parametrize("method", METHODS)
def test_gradients_through_the_whole_chain_equal_finite_differences(ask, registry, method):
    task = task_of(ask(method=method, **PIXEL), registry)
    image = task.scene.image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(task.score(image[None])[0], image)
    direction = gradient / gradient.norm()
    with torch.no_grad():
        ends = task.score(torch.stack([image + 0.05 * direction, image - 0.05 * direction]))
    assert float(ends[0] - ends[1]) / 0.1 == pytest.approx(float(gradient.norm()), rel=0.05)


def test_grad_cam_has_an_honest_name(ask, registry):
    depth = 6
    assert explain(ask("grad_cam"), registry).attribution.method == "grad_cam"
    lone = ask(block=depth, method="maskclip", class_name="wall")
    lone = replace(lone, prompts=parse_prompts("wall"))
    result = explain(lone, registry)
    assert result.attribution.method == "class_logit_map"
    assert result.report()["map"] == "class_logit_map"
    assert result.report()["explained"]["quantity"] == "cosine"
    assert "no other class" in result.report()["notes"][0]
    assert default_block(depth) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_report_holds_what_the_endpoint_promises(ask, registry, tmp_path, kind):
    result = explain(ask(kind, trust=TrustPlan(3, 2), **PIXEL), registry)
    report = result.report()
    assert set(report["faithfulness"]) == {"deletion", "insertion", "random_deletion", "random_insertion"}
    low, high = report["scale"]
    gray = result.gray()
    assert gray.dtype == np.uint8
    assert gray.shape == (90, 132)
    inside = (result.heatmap > low) & (result.heatmap < high)
    np.testing.assert_allclose(
        (low + gray / 255 * (high - low))[inside], result.heatmap[inside], atol=(high - low) / 500
    )
    assert report["seconds"]["total"] > 0
    assert ("completeness" in report) == (kind != "grad_cam")
    saved = load_attribution(result.save(tmp_path / "raw.npz"))
    np.testing.assert_array_equal(saved.heatmap, result.heatmap)
    assert report["explained"]["x"] == 70


def test_random_orders_of_a_score_are_walked_once(ask, registry):
    plan = TrustPlan(3, 2)
    first = explain(ask("grad_cam", trust=plan), registry)
    second = explain(ask("influence", trust=plan), registry)
    other = explain(ask("influence", trust=plan, **PIXEL), registry)
    assert first.finding.faithfulness.random is second.finding.faithfulness.random
    assert other.finding.faithfulness.random != first.finding.faithfulness.random


def test_random_weights_give_another_map(ask, registry):
    result = explain(ask("grad_cam", randomise=True), registry)
    stages = result.report()["randomised"]
    assert [stage["stage"] for stage in stages] == ["upper", "middle", "lower"]
    assert all(-1 <= stage["similarity"] <= 1 for stage in stages)
    assert stages[-1]["similarity"] < 0.99


def test_the_weights_of_a_tower_give_the_tower_back(registry):
    with registry.lease("first") as models:
        tower = models.clip.tower
        twin = models.clip.with_tower(TowerWeights(tower).tower())
        crops = torch.rand(1, 3, 32, 32)
        torch.testing.assert_close(twin.features(crops), models.clip.features(crops), rtol=0, atol=0)
        assert models.clip.tower is tower


def test_compared_maps_share_one_scale(ask, registry, picture):
    results = [explain(ask("grad_cam", checkpoint=name), registry) for name in ("first", "second")]
    assert results[0].scale != results[1].scale
    first, second = on_one_scale(results)
    assert first.scale == second.scale
    assert first.scale.high == pytest.approx(max(result.scale.high for result in results))
    maps, scale = display_maps(results)
    assert scale.high >= max(float(np.quantile(heat, 0.99)) for heat in maps)
    assert heat_overlay(picture, maps[0], scale, signed=True).shape == picture.shape


def test_evidence_is_warm_and_counter_evidence_is_cold():
    heat = np.zeros((4, 6), np.float32)
    heat[1, 1], heat[2, 4] = 1, -1
    image = np.full((4, 6, 3), 128, np.uint8)
    drawn = heat_overlay(image, heat, Scale(-1, 1), signed=True).astype(int)
    assert drawn[1, 1, 0] > drawn[1, 1, 2] + 50
    assert drawn[2, 4, 2] > drawn[2, 4, 0] + 50
    assert np.ptp(drawn[0, 0]) == 0, "no evidence leaves the picture gray"


def test_smoothgrad_is_an_option(ask, registry):
    request = ask("integrated_gradients", steps=(4, 8), smooth=SmoothGrad(2))
    result = explain(request, registry)
    assert result.report()["smooth_copies"] == 2
    assert not np.allclose(result.heatmap, explain(replace(request, smooth=None), registry).heatmap)


def test_a_class_that_wins_nowhere_is_explained_everywhere(ask, registry, shares):
    absent = [name for name, share in shares.items() if share == 0]
    assert absent, "with these weights a class wins nowhere"
    result = explain(ask(class_name=absent[0]), registry)
    assert result.report()["explained"]["where"] == "everywhere"
    assert "wins no pixel" in result.report()["notes"][0]


@pytest.mark.parametrize(
    ("options", "english", "russian"),
    [
        ({"class_name": "door"}, "no class 'door'", "Среди классов"),
        ({"kind": "magic"}, "grad_cam, integrated_gradients, influence", "Объяснения 'magic'"),
        ({"x": 132, "y": 0}, "x from 0 to 131", "x от 0 до 131"),
        ({"x": 3}, "both x and y", "и x, и y"),
        ({"method": "magic"}, "no method", "Метода"),
        ({"checkpoint": "../x"}, "first", "Чекпойнта"),
        ({"baseline": "white"}, "black, mean_colour, blurred", "Точки отсчёта"),
        ({"block": 7}, "blocks 1 to 6", "с 1 по 6"),
        ({"kind": "integrated_gradients", "steps": (8, 4)}, "increasing", "возрастающие"),
    ],
)
def test_what_does_not_exist_is_refused_in_both_languages(ask, registry, options, english, russian):
    with pytest.raises(UnknownChoice) as caught:
        explain(ask(**options), registry)
    assert english in caught.value.text("en")
    assert russian in caught.value.text("ru")


def test_a_kind_exists_for_some_methods_only(ask, registry):
    with pytest.raises(PipelineUnavailable, match="Choose the method lposs"):
        explain(ask("influence", method="maskclip"), registry)


def test_progress_is_told_and_can_stop_between_batches(ask, registry):
    told: list[tuple[str, float]] = []
    request = ask("integrated_gradients", trust=TrustPlan(3, 2))
    explain(request, registry, lambda stage, done: told.append((stage, done)))
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages[-2:] == ["explain", "trust"]
    for stage in ("explain", "trust"):
        parts = [done for name, done in told if name == stage]
        assert parts == sorted(parts)
        assert parts[-1] == 1.0

    def stop(stage: str, done: float) -> None:
        if stage == "explain" and done > 0.1:
            raise Cancelled.of("stopped")

    with pytest.raises(Cancelled):
        explain(request, registry, stop)


def test_two_visitors_at_once_get_what_they_get_alone(ask, family):
    requests = [
        ask("grad_cam", trust=TrustPlan(3, 2)),
        ask("integrated_gradients", checkpoint="second", **PIXEL),
        ask("influence", method="lposs_plus"),
        ask("grad_cam", class_name="sky", checkpoint="second"),
    ]

    def fresh() -> PipelineRegistry:
        return PipelineRegistry(load_catalogue(family), torch.device("cpu"))

    alone = [explain(request, fresh()) for request in requests]
    shared, gate = fresh(), threading.Barrier(len(requests))

    def visit(request: ExplanationRequest):
        gate.wait()
        return explain(request, shared)

    with ThreadPoolExecutor(len(requests)) as pool:
        together = list(pool.map(visit, requests))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.heatmap, other.heatmap)
        assert one.finding.explained == other.finding.explained
        assert one.finding.faithfulness == other.finding.faithfulness


def modules_of(registry: PipelineRegistry) -> list[nn.Module]:
    """Every module that a leased checkpoint runs."""
    with registry.lease("first") as models:
        towers = (models.clip.tower, models.patches.tower)
        parts = [part for tower in towers for part in (tower.stem, tower.head)]
        inner = [getattr(part, name, None) for part in parts for name in ("backbone", "projection")]
        return [module for module in (*parts, *inner) if isinstance(module, nn.Module)]


def traces(modules: list[nn.Module]) -> list[object]:
    """All that an explanation could leave behind."""
    state: list[object] = []
    for module in modules:
        for part in module.modules():
            hooks = (part._forward_hooks, part._forward_pre_hooks, part._backward_hooks)
            state.append((part.training, [len(hook) for hook in hooks], sorted(part.__dict__)))
        for weight in module.parameters():
            state.append((weight.requires_grad, weight.grad, weight.double().sum().item()))
    return state


@pytest.mark.parametrize("kind", ["grad_cam", "integrated_gradients"])
def test_an_error_at_any_module_call_leaves_models_as_they_were(ask, registry, injected, kind):
    request = ask(kind, method="maskclip", steps=(2,))
    modules = modules_of(registry)
    assert modules
    before, hooks = traces(modules), len(nn.modules.module._global_forward_hooks)
    with injected(-1) as calls:
        expected = explain(request, registry).heatmap
    assert traces(modules) == before
    assert calls[0] > 10
    for number in range(1, calls[0] + 1):
        registry.cache.clear()
        with injected(number), pytest.raises(injected.error):
            explain(request, registry)
        assert traces(modules) == before, f"call {number}"
    assert len(nn.modules.module._global_forward_hooks) == hooks
    assert not torch.is_inference_mode_enabled()
    assert torch.is_grad_enabled()
    np.testing.assert_array_equal(explain(request, registry).heatmap, expected)


def test_the_readings_of_rows_and_of_maps_agree(ask, registry):
    """A pixel read by its row is the pixel of the propagated map."""
    task = task_of(ask(method="lposs", **PIXEL), registry)
    scene: ExplainedScene = task.scene
    columns = torch.randn(3, scene.nodes)
    maps = scene.read_maps()(columns)
    by_map = (maps * task.weights).sum((1, 2))
    torch.testing.assert_close(task.score.readout(columns)[:, 0, 0], by_map, rtol=1e-4, atol=1e-4)


def test_the_dual_encoder_of_the_settings_decides_the_windows(ask, registry, picture):
    scene = task_of(ask(), registry).scene
    with registry.lease("first") as models:
        segmenter = LPOSS(
            models.clip, models.patches, registry.catalogue["first"].settings, templates=SIMPLE_TEMPLATES
        )
        kept = segmenter.clip_features(segmenter.working_image(picture))
        with torch.no_grad():
            features = models.clip.features(scene.crops(scene.image))
        torch.testing.assert_close(features, kept, rtol=0, atol=1e-6)
