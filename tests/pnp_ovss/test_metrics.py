from __future__ import annotations

import numpy as np
import pytest

from pnp_ovss import confusion, mean_iou, score


def test_four_pixels_by_hand() -> None:
    """Class 0: 1 of 2; class 1: 1 of 2; class 2 is predicted once and has no ground truth; 9 is left out."""
    gt, pred = np.array([0, 0, 1, 9]), np.array([0, 1, 1, 2])
    assert confusion(gt, pred, 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert mean_iou(gt, pred, 3) == pytest.approx((1 / 2 + 1 / 2) / 2)
    found = score(confusion(gt, pred, 3))
    assert found.pixel_accuracy == pytest.approx(2 / 3)
    assert found.mean_accuracy == pytest.approx((1 / 2 + 1) / 2)
    assert found.frequency_weighted_iou == pytest.approx(1 / 2)
    assert np.isnan(found.iou[2])


def test_a_class_without_ground_truth_is_not_averaged() -> None:
    assert mean_iou(np.array([0, 0]), np.array([0, 2]), 3) == pytest.approx(0.5)


def test_without_ground_truth_there_is_no_figure() -> None:
    assert np.isnan(mean_iou(np.array([255]), np.array([0]), 3))


def test_predictions_that_are_no_class_are_refused() -> None:
    with pytest.raises(ValueError, match="pred must hold labels 0 to 2, got 0 to 7"):
        confusion(np.array([0, 1]), np.array([0, 7]), 3)


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(2,\) and \(3,\)"):
        confusion(np.zeros(2, int), np.zeros(3, int), 3)
