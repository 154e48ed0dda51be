from __future__ import annotations

import numpy as np
import pytest

from pnp_ovss import PnPOVSSConfig, merge_rounds
from pnp_ovss.salience_dropout import add_up, drop_more


def rounds_of(values: list[list[float]], side: int = 2) -> np.ndarray:
    """One picture, tokens "a picture of WORD [SEP]"; the word's map is given for each round."""
    maps = np.zeros((len(values), 1, 5, side, side), np.float32)
    maps[:, 0, 3] = np.array(values, np.float32).reshape(len(values), side, side)
    return maps


def test_two_rounds_match_the_hand_solution() -> None:
    """Round 0 drops patch 3; round 1 sees 9 there, which does not count; round 0 counts twice."""
    rounds = rounds_of([[1, 2, 3, 4], [5, 6, 7, 9]])
    merged, dropped = merge_rounds(rounds, PnPOVSSConfig(rounds=2, drop_count=1))
    np.testing.assert_array_equal(dropped[:, 0].reshape(2, 4), [[0, 0, 0, 0], [0, 0, 0, 1]])
    np.testing.assert_array_equal(merged[0, 3].ravel(), [2 + 5, 4 + 6, 6 + 7, 8])


def test_halving_drops_half_of_what_remains() -> None:
    values = np.arange(1, 17, dtype=np.float32)
    config = PnPOVSSConfig(drop_rule="halve")
    _, dropped = merge_rounds(rounds_of([values.tolist()] * 5, 4), config)
    assert dropped[:, 0].sum((1, 2)).tolist() == [0, 8, 12, 14, 15]
    assert dropped[1, 0].ravel().nonzero()[0].tolist() == list(range(8, 16))


def test_only_positive_patches_that_are_present_are_dropped() -> None:
    maps = np.array([[[0, 3], [0, 5]]], np.float32)
    present = np.zeros((2, 2), np.bool_)
    once = drop_more(maps, present, 0, PnPOVSSConfig(drop_count=3))
    np.testing.assert_array_equal(once, [[0, 1], [0, 1]])
    np.testing.assert_array_equal(drop_more(maps, once, 1, PnPOVSSConfig(drop_count=3)), once)
    assert not present.any()


def test_equal_patches_are_dropped_in_reading_order() -> None:
    maps = np.ones((1, 3, 3), np.float32)
    dropped = drop_more(maps, np.zeros((3, 3), np.bool_), 0, PnPOVSSConfig(drop_count=4))
    assert dropped.ravel().nonzero()[0].tolist() == [0, 1, 2, 3]


def test_the_published_rule_takes_its_count_even_of_zeros() -> None:
    maps = np.array([[[0, 3], [0, 5]]], np.float32)
    config = PnPOVSSConfig(quirks=True, drop_count=3)
    assert drop_more(maps, np.zeros((2, 2), np.bool_), 0, config).sum() == 3


@pytest.mark.parametrize("quirks", [False, True])
def test_more_than_there_is_drops_everything_and_stays_finite(quirks: bool) -> None:
    rounds = rounds_of([[1, 2, 3, 4]] * 3)
    merged, dropped = merge_rounds(rounds, PnPOVSSConfig(quirks=quirks, drop_count=100))
    assert dropped[1:].all()
    np.testing.assert_array_equal(merged[0], 2 * rounds[0, 0])


def test_a_single_round_counts_once() -> None:
    part = np.ones((1, 2, 2), np.float32)
    np.testing.assert_array_equal(add_up([part]), part)
    np.testing.assert_array_equal(add_up([part, part]), 3 * part)


@pytest.mark.parametrize("shape", [(4, 1, 5, 3), (4, 1, 5, 3, 4), (0, 1, 5, 3, 3)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"rounds must have shape \(R, B, T - 1, P, P\), got"):
        merge_rounds(np.zeros(shape), PnPOVSSConfig())
