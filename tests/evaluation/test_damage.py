from __future__ import annotations

import numpy as np
import pytest

from evaluation.damage import (
    LEAST_AREA,
    RegionCounts,
    ScoredPhoto,
    areas_at,
    areas_at_one_alarm,
    count_regions,
    pixel_auc,
)


def _photo(score: np.ndarray, damage: np.ndarray, sound: np.ndarray | None = None) -> ScoredPhoto:
    return ScoredPhoto(score.astype(np.float16), damage, ~damage if sound is None else sound)


def _square(*corners: tuple[int, int], side: int = 10, size: int = 60) -> np.ndarray:
    mask = np.zeros((size, size), dtype=bool)
    for y, x in corners:
        mask[y : y + side, x : x + side] = True
    return mask


def test_auc_equals_counting_all_pairs() -> None:
    draw = np.random.default_rng(0)
    score = draw.integers(0, 12, (9, 11)) / 16  # many ties
    damage = draw.random((9, 11)) < 0.3
    photo = _photo(score, damage)
    bad, good = photo.score[damage].astype(float), photo.score[~damage].astype(float)
    difference = bad[:, None] - good
    wins = (difference > 0).sum() + (difference == 0).sum() / 2
    assert pixel_auc([photo]) == pytest.approx(wins / difference.size, rel=1e-12)


def test_auc_of_a_perfect_an_inverted_and_a_blind_score() -> None:
    damage = _square((5, 5))
    assert pixel_auc([_photo(damage * 0.9, damage)]) == 1.0
    assert pixel_auc([_photo(1 - damage * 0.9, damage)]) == 0.0
    assert pixel_auc([_photo(np.full((60, 60), 0.4), damage)]) == 0.5


def test_a_negative_zero_is_zero() -> None:
    damage = np.array([[True, False]])
    assert pixel_auc([_photo(np.array([[0.5, -0.0]]), damage)]) == 1.0


def test_auc_without_damage_is_undefined() -> None:
    assert np.isnan(pixel_auc([_photo(np.zeros((4, 4)), np.zeros((4, 4), dtype=bool))]))


def test_unlabelled_pixels_are_not_looked_at() -> None:
    damage, sound = _square((0, 0)), _square((30, 30))
    score = np.where(damage, 0.9, np.where(sound, 0.1, 1.0))  # highest where nothing is labelled
    photo = _photo(score, damage, sound)
    assert pixel_auc([photo]) == 1.0
    assert areas_at([photo], 0.5).false_alarms == 0


def test_areas_are_counted_by_hand() -> None:
    damage = _square((0, 0), (0, 30), (40, 0))
    predicted = _square((5, 5), (40, 40))  # touches the first; a false alarm
    small = np.zeros_like(damage)
    small[20, : LEAST_AREA - 5] = True  # too small to be an alarm
    figures = areas_at([_photo((predicted | small) * 0.8, damage)], 0.5)
    assert (figures.found, figures.areas, figures.false_alarms) == (1, 3, 1)
    assert figures.share == pytest.approx(1 / 3)


def test_one_predicted_area_may_find_several_damages() -> None:
    damage = _square((0, 0), (0, 30))
    band = np.zeros_like(damage)
    band[2:6] = True
    figures = areas_at([_photo(band * 0.8, damage)], 0.5)
    assert (figures.found, figures.areas, figures.false_alarms) == (2, 2, 0)


def test_the_threshold_allows_one_false_alarm_a_photograph() -> None:
    damage = _square((0, 0), (40, 0))
    score = np.zeros((60, 60))
    for level, mask in (
        (0.9, _square((0, 0))),  # found at once
        (0.7, _square((0, 40))),  # first false alarm: allowed
        (0.5, _square((40, 0))),  # found
        (0.3, _square((40, 40))),  # second false alarm: one too many
    ):
        score[mask] = level
    figures = areas_at_one_alarm([_photo(score, damage)])
    assert (figures.found, figures.areas, figures.false_alarms) == (2, 2, 1)
    assert 0.3 < figures.threshold <= 0.5


def _regions(pred: np.ndarray, gt: np.ndarray) -> RegionCounts:
    return count_regions(pred, gt, 4, (1, 2), least_area=4)


def test_regions_are_counted_by_hand() -> None:
    gt, pred = np.zeros((2, 40, 40), np.uint8)
    gt[0:5, 0:5] = 1  # found as itself
    gt[0:5, 20:25] = 2  # found as the other kind
    gt[30:35, 30:35] = 2  # missed
    gt[20, 20] = 1  # too small to be demanded
    gt[10:15, 30:35] = 3  # no damage
    pred[4:8, 4:8] = 1
    pred[0:4, 22:26] = 1
    pred[20:22, 20:22] = 2  # touches the small one: no alarm
    pred[10:14, 30:34] = 2  # alarm
    pred[38, 38] = 1  # too small to be an alarm
    found = _regions(pred, gt)
    assert found.regions.tolist() == [0, 1, 2, 0]
    assert found.found.tolist() == [0, 1, 1, 0]
    assert found.named.tolist() == [0, 1, 0, 0]
    assert (found.predicted, found.alarms) == (4, 1)


def test_regions_touch_at_corners_and_what_is_ignored_is_not_looked_at() -> None:
    gt, pred = np.zeros((2, 20, 20), np.uint8)
    gt[0:3, 0:3] = gt[3:6, 3:6] = 1  # one region, joined at a corner
    gt[10:, :] = 255
    pred[8:20, 0:3] = 1  # two rows are left of it
    found = _regions(pred, gt)
    assert found.regions.tolist() == [0, 1, 0, 0]
    assert (found.predicted, found.alarms) == (1, 1)
    gt[8:, :] = 255
    assert _regions(pred, gt).predicted == 0
