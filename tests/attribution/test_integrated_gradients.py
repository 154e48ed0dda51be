from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.ndimage import gaussian_filter
from scipy.special import expit
from torch import Tensor

from attribution import SmoothGrad, baseline_picture, blurred, integrated_gradients, score_gradient, score_of


def test_closed_form_of_a_product():
    image = torch.tensor([[[3.0, 4.0]]])
    result = integrated_gradients(lambda x: x[:, 0, 0, 0] * x[:, 0, 0, 1].square(), image)
    # S = u v^2 along t (3, 4): u gets 3 int 16 t^2 dt = 16, v gets 4 int 2 * 3 t * 4 t dt = 32
    np.testing.assert_allclose(result.heatmap, [[16, 32]], rtol=1e-6)
    assert (result.score, result.baseline_score, result.steps) == (48, 0, 16)
    assert result.gap == pytest.approx(0, abs=1e-4)
    assert not result.flagged


@pytest.mark.parametrize("baseline", ["black", "mean_colour", "blurred"])
def test_shares_sum_to_the_score_difference(toy: Any, picture: Tensor, baseline: Any):
    score = score_of(toy, 1)
    result = integrated_gradients(score, picture, baseline=baseline)
    ends = score(torch.stack([picture, baseline_picture(picture, baseline)])).detach()
    assert result.score == pytest.approx(float(ends[0]))
    assert result.baseline_score == pytest.approx(float(ends[1]))
    assert abs(result.heatmap.sum() - float(ends[0] - ends[1])) <= 0.01 * abs(float(ends[0] - ends[1]))
    assert result.relative_gap is not None
    assert result.relative_gap <= 0.01
    assert not result.flagged


def test_equals_captum(toy: Any, picture: Tensor):
    from captum.attr import IntegratedGradients

    expected, delta = IntegratedGradients(toy).attribute(
        picture[None], target=2, n_steps=16, return_convergence_delta=True
    )
    ours = integrated_gradients(score_of(toy, 2), picture, steps=(16,), internal_batch=5)
    np.testing.assert_allclose(ours.heatmap, expected.detach()[0, 0], atol=1e-6)
    assert ours.gap == pytest.approx(abs(float(delta)), abs=1e-5)


def test_channels_are_summed_with_their_signs():
    image = torch.tensor([2.0, 3.0])[:, None, None]
    result = integrated_gradients(lambda x: 5 * x[:, 0, 0, 0] - 4 * x[:, 1, 0, 0], image)
    assert result.heatmap == pytest.approx(10 - 12)


@pytest.mark.parametrize(("slope", "steps"), [(3, 16), (25, 16), (60, 32), (400, 32), (6000, 64)])
def test_steps_grow_until_the_gap_is_small(slope: int, steps: int):
    counted: list[int] = []

    def steep(x: Tensor) -> Tensor:
        counted.append(len(x))
        return torch.sigmoid(slope * (x.mean((1, 2, 3)) - 0.31))

    result = integrated_gradients(steep, torch.ones(1, 2, 2), internal_batch=6)
    difference = expit(slope * 0.69) - expit(-slope * 0.31)
    np.testing.assert_allclose(result.heatmap, difference / 4, rtol=0.01)  # four equal pixels
    assert result.steps == steps
    assert not result.flagged
    assert max(counted) <= 6
    assert sum(counted) == 2 + sum(count for count in (16, 32, 64, 128) if count <= steps)


def test_further_steps_go_where_the_score_moves():
    """Two pixels gate and speak; the exact shares are integrals that SciPy takes with the rise named."""
    slope, middle = 150.0, 0.06
    image = torch.tensor([[[1.0, 1.0]]])

    def gated(x: Tensor) -> Tensor:
        return torch.sigmoid(slope * (x[:, 0, 0, 0] - middle)) * (1 + x[:, 0, 0, 1])

    def gate(t: float) -> float:
        return float(expit(slope * (t - middle)))

    expected = [
        quad(lambda t: slope * gate(t) * (1 - gate(t)) * (1 + t), 0, 1, points=[middle])[0],
        quad(gate, 0, 1, points=[middle])[0],
    ]
    result = integrated_gradients(gated, image)
    np.testing.assert_allclose(result.heatmap[0], expected, rtol=0.01)
    assert result.steps == 32
    with_even_steps = integrated_gradients(gated, image, steps=(32,))
    assert with_even_steps.flagged


def test_a_gap_that_stays_is_flagged():
    def jump(x: Tensor) -> Tensor:  # a step the gradient does not see, and a slope that it does
        mean = x.mean((1, 2, 3))
        return (mean.detach() > 0.31).float() + 0.1 * mean

    result = integrated_gradients(jump, torch.ones(1, 2, 2))
    assert result.flagged
    assert result.steps == 128
    assert result.gap == pytest.approx(1.0, abs=1e-5)
    assert result.relative_gap == pytest.approx(1 / 1.1, abs=1e-5)


def test_a_picture_equal_to_its_baseline_has_an_empty_unflagged_map(toy: Any):
    result = integrated_gradients(score_of(toy, 0), torch.zeros(1, 4, 4))
    assert not result.heatmap.any()
    assert (result.gap, result.relative_gap, result.flagged, result.steps) == (0, 0, False, 16)


@pytest.mark.parametrize("internal_batch", [1, 3, 8, 200])
def test_internal_batches_do_not_change_the_map(toy: Any, picture: Tensor, internal_batch: int):
    expected = integrated_gradients(score_of(toy, 0), picture).heatmap
    ours = integrated_gradients(score_of(toy, 0), picture, internal_batch=internal_batch).heatmap
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)


def test_progress_is_told_before_every_batch_and_can_cancel(toy: Any, picture: Tensor, snapshot: Any):
    told: list[float] = []
    integrated_gradients(score_of(toy, 0), picture, steps=(16,), internal_batch=4, progress=told.append)
    assert told == [0, 0.25, 0.5, 0.75, 1]

    class Cancelled(Exception):
        pass

    evaluated: list[int] = []

    def score(x: Tensor) -> Tensor:
        evaluated.append(len(x))
        return toy(x)[:, 0]

    def cancel(fraction: float) -> None:
        if fraction > 0:
            raise Cancelled

    before = snapshot(toy)
    with pytest.raises(Cancelled):
        integrated_gradients(score, picture, internal_batch=4, progress=cancel)
    assert evaluated == [2, 4]  # both ends, one batch, and not a step more
    assert snapshot(toy) == before


def test_smoothgrad_is_the_mean_over_noisy_copies(toy: Any, picture: Tensor):
    smooth = SmoothGrad(copies_count=3, spread=0.2, seed=5)
    copies = smooth.copies(picture)
    each = [integrated_gradients(score_of(toy, 1), copy, steps=(32,)) for copy in copies]
    result = integrated_gradients(score_of(toy, 1), picture, steps=(32,), smooth=smooth, internal_batch=7)
    np.testing.assert_allclose(result.heatmap, np.mean([r.heatmap for r in each], axis=0), atol=1e-6)
    assert result.score == pytest.approx(np.mean([r.score for r in each]))
    assert result.heatmap.sum() == pytest.approx(result.score - (result.baseline_score or 0), rel=0.01)


def test_a_seed_fixes_the_noise_and_leaves_the_global_state_alone(toy: Any, picture: Tensor):
    state = torch.get_rng_state()
    one, same, other = (
        integrated_gradients(score_of(toy, 1), picture, smooth=SmoothGrad(seed=seed)).heatmap
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_noise_is_a_share_of_the_range():
    image = torch.zeros(1, 80, 80)
    image[:, :40] = 3.0
    noise = SmoothGrad(copies_count=2, spread=0.1).copies(image) - image
    assert float(noise.std()) == pytest.approx(0.3, rel=0.02)


def test_nothing_is_left_behind(toy: Any, picture: Tensor, snapshot: Any, injected: Any):
    toy.features[0].weight.grad = torch.ones_like(toy.features[0].weight)
    toy.head[1].weight.requires_grad_(False)
    before, pixels = snapshot(toy), picture.clone()

    def explain() -> None:
        integrated_gradients(score_of(toy, 0), picture, steps=(4,), internal_batch=2)

    with injected(-1) as calls:
        explain()
    assert snapshot(toy) == before
    for number in range(1, calls[0] + 1):
        with injected(number), pytest.raises(RuntimeError, match=f"call {number}"):
            explain()
        assert snapshot(toy) == before, number
    assert torch.equal(picture, pixels)
    assert not picture.requires_grad


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_works_where_gradients_are_switched_off(toy: Any, picture: Tensor, mode: Any):
    expected = integrated_gradients(score_of(toy, 0), picture).heatmap
    with mode():
        np.testing.assert_array_equal(integrated_gradients(score_of(toy, 0), picture).heatmap, expected)


def test_threads_on_one_module_get_what_they_get_alone(toy: Any):
    pictures = torch.rand(3, 1, 4, 4)
    alone = [integrated_gradients(score_of(toy, i), pictures[i]).heatmap for i in range(3)]
    together: list[Any] = [None] * 3

    def explain(i: int) -> None:
        together[i] = integrated_gradients(score_of(toy, i), pictures[i]).heatmap

    threads = [threading.Thread(target=explain, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ours, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_the_gradient_equals_finite_differences(toy: Any, picture: Tensor):
    score, exact = score_of(toy.double(), 1), picture.double()[None]
    _, gradient = score_gradient(score, exact)
    steps = torch.eye(16, dtype=torch.float64).reshape(16, 1, 4, 4) * 1e-5
    expected = (score(exact + steps) - score(exact - steps)) / 2e-5
    torch.testing.assert_close(gradient.flatten(), expected, rtol=1e-6, atol=1e-9)


def test_wrong_arguments_are_refused(toy: Any, picture: Tensor):
    score = score_of(toy, 0)
    with pytest.raises(ValueError, match=r"shape \(C, H, W\).*\(4, 4\)"):
        integrated_gradients(score, picture[0])
    with pytest.raises(ValueError, match="image must be finite"):
        integrated_gradients(score, picture / 0)
    with pytest.raises(ValueError, match=r"baseline must be one of .*'white'"):
        integrated_gradients(score, picture, baseline="white")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"image's shape \(1, 4, 4\), got \(1, 2, 2\)"):
        integrated_gradients(score, picture, baseline=torch.zeros(1, 2, 2))
    with pytest.raises(ValueError, match="steps must be increasing"):
        integrated_gradients(score, picture, steps=(32, 16))
    with pytest.raises(ValueError, match="tolerance must be positive"):
        integrated_gradients(score, picture, tolerance=0)
    with pytest.raises(ValueError, match="internal_batch must be at least 1"):
        integrated_gradients(score, picture, internal_batch=0)
    with pytest.raises(ValueError, match="no gradient of the score reaches the input"):
        integrated_gradients(lambda x: torch.ones(len(x)), picture)
    with pytest.raises(ValueError, match="must be finite"):
        integrated_gradients(lambda x: x.sum((1, 2, 3)).log(), picture)
    with pytest.raises(ValueError, match="at least 1 copy"):
        SmoothGrad(copies_count=0)
    with pytest.raises(ValueError, match="target 3 needs outputs"):
        integrated_gradients(score_of(toy, 3), picture)


def test_blur_equals_scipy():
    image = torch.rand(2, 9, 13, dtype=torch.float64)
    for sigma in (0.6, 2.0, 5.0):
        expected = [
            gaussian_filter(c.numpy(), sigma, mode="nearest", radius=math.ceil(3 * sigma)) for c in image
        ]
        np.testing.assert_allclose(blurred(image, sigma), np.stack(expected), atol=1e-12)
    with pytest.raises(ValueError, match="sigma must be positive"):
        blurred(image, 0)


def test_baselines_hold_no_picture():
    image = torch.rand(3, 6, 8)
    assert not baseline_picture(image, "black").any()
    mean = baseline_picture(image, "mean_colour")
    torch.testing.assert_close(mean[:, 2, 3], image.mean((1, 2)))
    assert float(mean.std((1, 2)).max()) == pytest.approx(0, abs=1e-6)
    assert baseline_picture(image, "blurred").std() < image.std()
