from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from attribution import (
    Attribution,
    grad_cam,
    integrated_gradients,
    randomisation_check,
    rank_correlation,
    score_of,
)


def test_weights_become_random_from_the_top_down_on_a_copy(toy: Any, snapshot: Any):
    before, seen = snapshot(toy), []

    def explain(model: nn.Module) -> np.ndarray:
        assert model is not toy
        changed = [
            name
            for name, module in model.named_modules()
            if any(
                not torch.equal(new, old)
                for new, old in zip(
                    module.parameters(recurse=False),
                    toy.get_submodule(name).parameters(recurse=False),
                    strict=True,
                )
            )
        ]
        seen.append(changed)
        return np.eye(3)

    stages = randomisation_check(toy, explain)
    assert [stage.name for stage in stages] == ["head.4", "head.1", "features.0"]
    assert seen == [
        [],
        ["head.4"],
        ["head.1", "head.4"],
        ["features.0", "head.1", "head.4"],
    ]
    assert all(stage.similarity == 1 for stage in stages)  # this map looks at no weight: the check tells
    assert snapshot(toy) == before


def test_a_map_of_the_weights_changes_and_a_map_of_the_picture_does_not():
    torch.manual_seed(5)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 1)).eval()
    image = torch.rand(1, 8, 8)

    def explain(model: nn.Module) -> Attribution:
        return integrated_gradients(score_of(model, 0), image)

    def edges(model: nn.Module) -> Tensor:
        return image[0]

    (sane,) = randomisation_check(net, explain)
    (insane,) = randomisation_check(net, edges)
    assert abs(sane.similarity) < 0.4
    assert insane.similarity == 1


def test_named_stages_take_in_what_is_inside(toy: Any, picture: Tensor):
    told: list[float] = []
    stages = randomisation_check(
        toy,
        lambda model: grad_cam(score_of(model, 1), picture, model.features),
        stages=["head", "features"],
        progress=told.append,
    )
    assert [stage.name for stage in stages] == ["head", "features"]
    assert told == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_a_seed_fixes_the_answer_and_the_global_state_is_left_alone(toy: Any, picture: Tensor):
    def explain(model: Any) -> Attribution:
        return integrated_gradients(score_of(model, 1), picture)

    state = torch.get_rng_state()
    one, same, other = (randomisation_check(toy, explain, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one != other
    assert torch.equal(torch.get_rng_state(), state)


def test_new_weights_have_the_old_size():
    net = nn.Linear(200, 300)
    nn.init.normal_(net.weight, 0.5, 0.1)
    nn.init.normal_(net.bias, 4.0, 0.2)
    drawn: list[nn.Linear] = []

    def explain(model: nn.Linear) -> np.ndarray:
        drawn.append(model)
        return np.eye(2)

    randomisation_check(net, explain)
    weight, bias = drawn[-1].weight, drawn[-1].bias
    assert float(weight.detach().mean()) == pytest.approx(0, abs=0.01)
    assert float(weight.detach().std()) == pytest.approx((0.5**2 + 0.1**2) ** 0.5, rel=0.02)
    assert float(bias.detach().mean()) == pytest.approx(4.0, abs=0.05)
    assert float(bias.detach().std()) == pytest.approx(0.2, rel=0.15)


def test_an_error_leaves_the_model_as_it_was(toy: Any, picture: Tensor, snapshot: Any, injected: Any):
    def explain(model: Any) -> Attribution:
        return grad_cam(score_of(model, 1), picture, model.features)

    before = snapshot(toy)
    with injected(-1) as calls:
        randomisation_check(toy, explain)
    for number in range(1, calls[0] + 1, 5):
        with injected(number), pytest.raises(RuntimeError, match=f"call {number}"):
            randomisation_check(toy, explain)
    assert snapshot(toy) == before


def test_what_cannot_be_made_random_is_refused(toy: Any):
    with pytest.raises(ValueError, match=r"'tail' is no module of the model; its modules are .*features\.0"):
        randomisation_check(toy, lambda model: np.eye(2), stages=["tail"])
    with pytest.raises(ValueError, match="no weights"):
        randomisation_check(nn.ReLU(), lambda model: np.eye(2))


def test_rank_correlation_equals_scipy_with_and_without_ties():
    rng = np.random.default_rng(0)
    for _ in range(5):
        first, second = rng.normal(size=(6, 7)), rng.integers(0, 5, size=(6, 7))
        expected = spearmanr(first.ravel(), second.ravel()).statistic
        assert rank_correlation(first, second) == pytest.approx(expected)
    assert rank_correlation(first, np.ones((6, 7))) == 0
    assert rank_correlation(first, first**3) == pytest.approx(1)
    assert rank_correlation(first, -first) == pytest.approx(-1)
    with pytest.raises(ValueError, match=r"one shape, got \(6, 7\) and \(2,\)"):
        rank_correlation(first, [1, 2])
