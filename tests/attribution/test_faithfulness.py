from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from attribution import Curve, Faithfulness, faithfulness, integrated_gradients, score_of
from attribution.baselines import BaselineKind

WEIGHTS = torch.tensor([[4.0, 3.0], [2.0, 1.0]])


def _known(x: Tensor) -> Tensor:
    """A score whose relevance is known: each quarter of an 8 x 8 picture counts by its weight."""
    quarters = torch.nn.functional.avg_pool2d(x, 4)[:, 0]
    return (quarters * WEIGHTS).sum((1, 2))


PERFECT = WEIGHTS.repeat_interleave(4, 0).repeat_interleave(4, 1).numpy()


def test_curves_and_areas_match_the_hand_solution():
    trust = faithfulness(_known, torch.ones(1, 8, 8), PERFECT, replacement="black", steps=4, cell=4)
    assert trust.deletion == Curve((0, 0.25, 0.5, 0.75, 1), (10, 6, 3, 1, 0))
    assert trust.insertion == Curve((0, 0.25, 0.5, 0.75, 1), (0, 4, 7, 9, 10))
    assert trust.deletion.auc == pytest.approx((5 + 6 + 3 + 1) / 4)
    assert trust.insertion.auc == pytest.approx((5 + 4 + 7 + 9) / 4)


@pytest.mark.parametrize("cell", [1, 2, 4, 3])
def test_a_perfect_map_beats_random_and_the_opposite_map_loses(cell: int):
    perfect = faithfulness(_known, torch.ones(1, 8, 8), PERFECT, replacement="black", cell=cell, seed=3)
    opposite = faithfulness(_known, torch.ones(1, 8, 8), -PERFECT, replacement="black", cell=cell, seed=3)
    assert perfect.beats_random
    assert perfect.deletion.auc < perfect.random_deletion < opposite.deletion.auc
    assert perfect.insertion.auc > perfect.random_insertion > opposite.insertion.auc
    assert not opposite.beats_random


@pytest.mark.parametrize("replacement", ["blurred", "mean_colour"])
def test_the_object_of_a_detector_beats_random_in_both_replacements(replacement: BaselineKind):
    image = torch.zeros(1, 32, 32)
    image[0, 8:16, 8:16] = torch.eye(8)  # a texture that neither replacement keeps

    def detector(x: Tensor) -> Tensor:
        return (x[:, 0, 8:16, 8:16] * torch.eye(8)).sum((1, 2)).square()

    mask = np.zeros((32, 32))
    mask[8:16, 8:16] = 1
    trust = faithfulness(detector, image, mask, replacement=replacement, cell=4)
    assert trust.beats_random
    explained = faithfulness(
        detector, image, integrated_gradients(detector, image), replacement=replacement, cell=4
    )
    assert explained.beats_random


def test_random_orders_have_the_expected_area():
    trust = faithfulness(
        _known, torch.ones(1, 8, 8), PERFECT, replacement="black", cell=2, steps=16, random_orders=200
    )
    assert trust.random_deletion == pytest.approx(5, abs=0.15)  # a straight line from 10 to 0
    assert trust.random_insertion == pytest.approx(trust.random_deletion)
    assert len(trust.random) == 200


def test_the_insertion_of_the_opposite_order_is_the_deletion_read_backwards():
    heat = np.random.default_rng(0).random((8, 8))
    image = torch.rand(1, 8, 8)
    one = faithfulness(_known, image, heat, replacement="black", cell=1, steps=8)
    opposite = faithfulness(_known, image, -heat, replacement="black", cell=1, steps=8)
    np.testing.assert_allclose(one.deletion.reversed().scores, opposite.insertion.scores, rtol=1e-6)
    assert one.deletion.auc == pytest.approx(opposite.insertion.auc)


def test_a_seed_fixes_the_curves(toy: Any, picture: Tensor):
    heat = np.ones((4, 4))  # all cells equal: the order is random too
    one, same, other = (
        faithfulness(score_of(toy, 0), picture, heat, cell=1, seed=seed) for seed in (0, 0, 1)
    )
    assert one == same
    assert one.deletion != other.deletion


@pytest.mark.parametrize("internal_batch", [1, 5, 1000])
def test_both_ends_are_scored_once_and_batches_stay_small(internal_batch: int):
    sizes: list[int] = []

    def counted(x: Tensor) -> Tensor:
        sizes.append(len(x))
        return _known(x)

    told: list[float] = []
    faithfulness(
        counted, torch.ones(1, 8, 8), PERFECT, steps=4, cell=4, internal_batch=internal_batch,
        progress=told.append,
    )  # fmt: skip
    assert sum(sizes) == 2 + (2 + 4) * 3
    assert max(sizes) <= internal_batch
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) == len(sizes) + 1


def test_one_cell_larger_than_the_picture_still_has_both_ends():
    trust = faithfulness(_known, torch.ones(1, 8, 8), PERFECT, replacement="black", cell=16)
    assert trust.deletion == Curve((0, 1), (10, 0))
    assert trust.figures() == {"deletion": 5, "insertion": 5, "random_deletion": 5, "random_insertion": 5}
    assert not trust.beats_random


def test_cancel_leaves_everything_as_it_was(toy: Any, picture: Tensor, snapshot: Any, injected: Any):
    class Cancelled(Exception):
        pass

    def cancel(fraction: float) -> None:
        if fraction > 0.3:
            raise Cancelled

    before, pixels = snapshot(toy), picture.clone()
    with pytest.raises(Cancelled):
        faithfulness(score_of(toy, 0), picture, np.eye(4), cell=1, progress=cancel)
    with injected(-1) as calls:
        faithfulness(score_of(toy, 0), picture, np.eye(4), cell=2)
    for number in range(1, calls[0] + 1, 3):
        with injected(number), pytest.raises(RuntimeError, match=f"call {number}"):
            faithfulness(score_of(toy, 0), picture, np.eye(4), cell=2)
    assert snapshot(toy) == before
    assert torch.equal(picture, pixels)


def test_wrong_arguments_are_refused(toy: Any, picture: Tensor):
    with pytest.raises(ValueError, match=r"image's size \(4, 4\), got \(2, 2\); resize"):
        faithfulness(score_of(toy, 0), picture, np.eye(2))
    with pytest.raises(ValueError, match="at least 1, the smallest is 0"):
        faithfulness(score_of(toy, 0), picture, np.eye(4), random_orders=0)
    with pytest.raises(ValueError, match="heatmap must be finite"):
        faithfulness(score_of(toy, 0), picture, np.full((4, 4), np.nan))
    with pytest.raises(ValueError, match=r"\(32,\), one number an example"):
        faithfulness(toy, picture, np.eye(4), internal_batch=32, steps=4, cell=1, random_orders=9)


def test_beating_random_needs_both_curves():
    flat = Curve((0.0, 1.0), (1.0, 1.0))
    low, high = Curve((0.0, 1.0), (1.0, 0.0)), Curve((0.0, 1.0), (1.0, 2.0))
    assert Faithfulness(low, high, (flat,)).beats_random
    assert not Faithfulness(low, low, (flat,)).beats_random
    assert not Faithfulness(high, high, (flat,)).beats_random
