from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from evaluation.metrics import ConfusionMatrix

DAMAGE, DAMAGE_PLUS = (1, 2), (1, 2, 3)


def _random_labels(seed: int, shape: tuple[int, ...] = (23, 31)) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    gt = draw.choice([0, 1, 2, 3, 4, 255], size=shape).astype(np.uint8)
    pred = draw.choice([0, 1, 2, 3, 255], size=shape).astype(np.uint8)
    return pred, gt


def _brute_force(pred: np.ndarray, gt: np.ndarray, classes: int) -> list[float]:
    """IoU by set arithmetic over pixel numbers, NaN for an empty union."""
    pixels = range(gt.size)
    counted = {p for p in pixels if gt.flat[p] != 255}
    found = []
    for index in range(classes):
        truth = {p for p in counted if gt.flat[p] == index}
        guess = {p for p in counted if pred.flat[p] == index}
        found.append(len(truth & guess) / len(truth | guess) if truth | guess else float("nan"))
    return found


def test_iou_matches_set_arithmetic() -> None:
    pred, gt = _random_labels(1)
    matrix = ConfusionMatrix(6)
    matrix.update(pred, gt)
    np.testing.assert_allclose(matrix.compute()["iou"], _brute_force(pred, gt, 6), rtol=1e-12)


def test_the_three_means_differ_by_what_they_count() -> None:
    # class 0: 2 of 3 pixels; class 1: predicted once, no ground truth; class 2: absent from both
    matrix = ConfusionMatrix(3)
    matrix.update(np.array([0, 0, 1]), np.array([0, 0, 0]))
    figures = matrix.compute()
    np.testing.assert_array_equal(figures["iou"], [2 / 3, 0.0, np.nan])
    assert figures["mIoU"] == pytest.approx(1 / 3)
    assert figures["mIoU_ground_truth"] == pytest.approx(2 / 3)
    assert figures["mIoU_absent_zero"] == pytest.approx(2 / 9)
    assert figures["macroF1"] == figures["f1"] == pytest.approx(0.8 / 3)


def test_an_abstention_is_wrong_but_nobodys_false_alarm() -> None:
    matrix = ConfusionMatrix(2)
    matrix.update(np.array([0, 255, 1, 1]), np.array([0, 0, 1, 1]))
    np.testing.assert_array_equal(matrix.compute()["iou"], [0.5, 1.0])


def test_ignored_pixels_count_nowhere() -> None:
    matrix = ConfusionMatrix(2)
    matrix.update(np.array([1, 1, 0]), np.array([255, 255, 0]))
    assert matrix.counts.sum() == 1
    np.testing.assert_array_equal(matrix.compute()["iou"], [1.0, np.nan])


def test_damage_figures_match_the_formulas_worked_by_hand() -> None:
    gt = np.array([1, 1, 1, 1, 2, 2, 3, 3, 0, 0])
    pred = np.array([1, 1, 2, 0, 2, 3, 3, 0, 1, 0])
    matrix = ConfusionMatrix(4, damage=DAMAGE, damage_plus=DAMAGE_PLUS)
    matrix.update(pred, gt)
    expected = {
        "damageIoU": 4 / 7,  # 4 hits, 6 true, 5 predicted
        "damageDetectionRecall": 4 / 6,
        "damageDetectionPrecision": 4 / 5,
        "damageDetectionF1": 8 / 11,
        "damageMislabelRate": 1 / 6,  # the third pixel: damage, of another kind
        "damageMIoU": (2 / 5 + 1 / 3) / 2,
        "damagePlusIoU": 6 / 9,  # 6 hits, 8 true, 7 predicted
        "damagePlusMIoU": (2 / 5 + 1 / 3 + 1 / 3) / 3,
    }
    figures = matrix.compute()
    for name, value in expected.items():
        assert figures[name] == pytest.approx(value), name


def test_detection_f1_follows_from_damage_iou() -> None:
    pred, gt = _random_labels(2)
    matrix = ConfusionMatrix(5, damage=DAMAGE)
    matrix.update(pred, gt)
    figures = matrix.compute()
    assert figures["damageDetectionF1"] == pytest.approx(
        2 * figures["damageIoU"] / (1 + figures["damageIoU"])
    )


def test_damage_keys_appear_only_where_damage_is_named() -> None:
    assert not [key for key in ConfusionMatrix(3).compute() if key.startswith("damage")]
    assert "damagePlusIoU" not in ConfusionMatrix(3, damage=(1,)).compute()


def test_shards_merged_equal_one_matrix() -> None:
    whole, first, second = (ConfusionMatrix(5, damage=DAMAGE) for _ in range(3))
    for seed in range(6):
        pred, gt = _random_labels(seed)
        whole.update(pred, gt)
        (first if seed % 2 else second).update(pred, gt)
    first.merge(second)
    assert first.counts.dtype == np.int64
    np.testing.assert_array_equal(first.counts, whole.counts)
    assert str(first.compute()) == str(whole.compute())


def test_reset_forgets() -> None:
    matrix = ConfusionMatrix(2)
    matrix.update(np.array([0, 1]), np.array([0, 1]))
    matrix.reset()
    assert matrix.counts.sum() == 0
    assert np.isnan(matrix.compute()["mIoU"])


def test_tensors_count_like_arrays() -> None:
    pred, gt = _random_labels(3)
    arrays, tensors = ConfusionMatrix(5), ConfusionMatrix(5)
    arrays.update(pred, gt)
    tensors.update(torch.from_numpy(pred), torch.from_numpy(gt))
    np.testing.assert_array_equal(arrays.counts, tensors.counts)


@pytest.mark.parametrize(
    ("pred", "gt", "error", "words"),
    [
        ([0, 1], [0], ValueError, r"one shape, got \(2,\) and \(1,\)"),
        ([0], [7], ValueError, "gt holds label 7, but classes are 0 to 2 and 255 is ignored"),
        ([0.5], [0], TypeError, "pred must hold class indices"),
    ],
)
def test_wrong_input_is_refused(pred: Any, gt: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        ConfusionMatrix(3).update(np.array(pred), np.array(gt))


def test_wrong_construction_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        ConfusionMatrix(0)
    with pytest.raises(ValueError, match="damage class 3 does not exist"):
        ConfusionMatrix(3, damage=(3,))
    with pytest.raises(ValueError, match="one size"):
        ConfusionMatrix(3).merge(ConfusionMatrix(2))
