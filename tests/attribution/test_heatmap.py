from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attribution import (
    Attribution,
    Scale,
    heatmap_iou,
    load_attribution,
    pointing_game,
    resize_shares,
    shared_scale,
)

SMALL = np.array([[0.0, 1.0], [-1.0, 2.0]])
LARGE = np.array([[4.0, -0.5]])


def test_maps_that_are_compared_share_one_scale():
    scale = shared_scale([SMALL, LARGE])
    assert scale == Scale(-1, 4)
    np.testing.assert_allclose(scale.unit(SMALL), [[0.2, 0.4], [0, 0.6]], rtol=1e-6)
    np.testing.assert_allclose(scale.unit(LARGE), [[1, 0.1]], rtol=1e-6)
    assert scale.gray(LARGE).tolist() == [[255, 26]]
    assert scale.gray(LARGE).dtype == np.uint8


def test_signed_and_positive_scales():
    assert shared_scale([SMALL, LARGE], "symmetric") == Scale(-4, 4)
    assert shared_scale([-SMALL], "symmetric") == Scale(-2, 2)
    assert shared_scale([SMALL], "positive") == Scale(0, 2)
    assert Scale(0, 2).unit(SMALL).tolist() == [[0, 0.5], [0, 1]]
    assert Scale(-4, 4).unit([[0.0]]) == 0.5


def test_gray_values_give_the_raw_values_to_half_a_step():
    heat = np.random.default_rng(0).normal(size=(40, 30))
    scale = shared_scale([heat])
    back = scale.low + scale.gray(heat) / 255 * (scale.high - scale.low)
    assert np.abs(back - heat).max() <= (scale.high - scale.low) / 510 * (1 + 1e-4)


def test_flat_maps_are_black():
    scale = shared_scale([np.full((2, 2), 3.0)])
    assert not scale.gray(np.full((2, 2), 3.0)).any()
    assert shared_scale([np.full((2, 2), -3.0)], "positive") == Scale(0, 0)


def test_wrong_scales_are_refused():
    with pytest.raises(ValueError, match="at least one heat map"):
        shared_scale([])
    with pytest.raises(ValueError, match=r"kind must be one of .*'log'"):
        shared_scale([SMALL], "log")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="finite low <= high, got 1, 0"):
        Scale(1, 0)


def test_results_are_frozen_copies():
    given = SMALL.astype(np.float32)
    result = Attribution(given, "grad_cam", 1.0)
    given[0, 0] = 9
    assert result.heatmap[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        result.heatmap[0, 0] = 9
    with pytest.raises(AttributeError):
        result.score = 2.0  # type: ignore[misc]
    assert result.relative_gap is None


@pytest.mark.parametrize(
    ("score", "baseline", "gap", "relative"),
    [(3.0, 1.0, 0.1, 0.05), (1.0, 3.0, 0.1, 0.05), (1.0, 1.0, 0.0, 0), (1.0, 1.0, 0.5, float("inf"))],
)
def test_the_relative_gap(score: float, baseline: float, gap: float, relative: float):
    assert Attribution(SMALL, "m", score, baseline, gap).relative_gap == pytest.approx(relative)


def test_saved_results_come_back_bit_for_bit(tmp_path: Path):
    result = Attribution(SMALL / 3, "integrated_gradients", 0.1, -0.2, 1e-9, 64, flagged=True)
    path = result.save(tmp_path / "heat.npz")
    again = load_attribution(path)
    assert again.figures() == result.figures()
    np.testing.assert_array_equal(again.heatmap, result.heatmap)
    assert json.loads(json.dumps(result.figures()))["steps"] == 64
    assert [p.name for p in tmp_path.iterdir()] == ["heat.npz"]


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = Attribution(SMALL, "old", 1.0).save(tmp_path / "heat.npz")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="disk full"):
        Attribution(SMALL, "new", 1.0).save(path)
    assert load_attribution(path).method == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["heat.npz"]


def test_wrong_results_and_files_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"shape \(H, W\) .*got \(2,\)"):
        Attribution(np.zeros(2), "m", 0.0)
    with pytest.raises(ValueError, match="finite, got 1 other values"):
        Attribution(np.array([[np.inf, 0]]), "m", 0.0)
    with pytest.raises(ValueError, match=r"saved as \.npz, got 'heat.png'"):
        Attribution(SMALL, "m", 0.0).save(tmp_path / "heat.png")
    np.savez(tmp_path / "other.npz", heatmap=SMALL)
    with pytest.raises(ValueError, match="no saved attribution: it lacks figures"):
        load_attribution(tmp_path / "other.npz")


MASK = np.array([[False, True, True], [False, False, True]])


def test_pointing_game():
    assert pointing_game([[0, 1, 2], [0, 0, 0]], MASK)
    assert not pointing_game([[0, 1, 1], [2, 0, 0]], MASK)
    assert pointing_game([[0, 1, 1], [2, 0, 0]], MASK, radius=1.5)
    assert not pointing_game([[0, 1, 1], [2, 0, 0]], MASK, radius=1.4)
    assert not pointing_game(np.ones((2, 3)), MASK)
    assert pointing_game(np.ones((2, 3)), np.ones((2, 3), dtype=bool))
    assert pointing_game(-np.ones((2, 3)) + MASK, MASK)


def test_iou_of_as_many_pixels_as_the_mask_has():
    assert heatmap_iou(MASK * 1.0, MASK) == 1
    assert heatmap_iou([[0, 5, 4], [3, 0, 0]], MASK) == pytest.approx(2 / 4)
    assert heatmap_iou([[9, 0, 0], [9, 9, 0]], MASK) == 0
    assert heatmap_iou(np.ones((2, 3)), MASK) == pytest.approx(3 / 6)


def test_iou_above_a_threshold():
    assert heatmap_iou([[0, 5, 4], [3, 0, 0]], MASK, threshold=4.5) == pytest.approx(1 / 3)
    assert heatmap_iou([[0, 5, 4], [3, 0, 0]], MASK, threshold=9) == 0


def test_wrong_masks_are_refused():
    with pytest.raises(ValueError, match=r"bool of the heat map's shape \(2, 3\), got int64"):
        pointing_game(np.zeros((2, 3)), MASK.astype(int))
    with pytest.raises(ValueError, match=r"got bool of \(2, 3\)"):
        heatmap_iou(np.zeros((3, 2)), MASK)
    with pytest.raises(ValueError, match="marks no pixel"):
        heatmap_iou(np.zeros((2, 3)), np.zeros((2, 3), dtype=bool))
    with pytest.raises(ValueError, match="0 or more pixels, got -1"):
        pointing_game(np.zeros((2, 3)), MASK, radius=-1)


@pytest.mark.parametrize("size", [(3, 5), (9, 10), (4, 4), (1, 1), (17, 2)])
def test_resized_shares_keep_their_sum(size: tuple[int, int]):
    shares = np.random.default_rng(0).normal(size=(6, 7))
    resized = resize_shares(shares, size)
    assert resized.shape == size
    assert resized.sum(dtype=np.float64) == pytest.approx(shares.sum(), abs=1e-5)


def test_shares_are_spread_by_the_area_they_cover():
    np.testing.assert_allclose(resize_shares([[4.0, 8.0]], (2, 4)), [[1, 1, 2, 2], [1, 1, 2, 2]])
    np.testing.assert_allclose(resize_shares([[3.0, 6.0, 9.0]], (1, 2)), [[6, 12]])


def test_a_quantile_cuts_the_few_extreme_pixels():
    heat = np.zeros((10, 10))
    heat[0, 0], heat[5:] = 100, 1
    assert shared_scale([heat], "positive").high == 100
    assert shared_scale([heat], "positive", quantile=0.98).high == 1
    with pytest.raises(ValueError, match="quantile"):
        shared_scale([heat], quantile=0.2)
