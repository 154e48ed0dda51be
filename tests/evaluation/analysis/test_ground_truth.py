from __future__ import annotations

import numpy as np
import pytest

from evaluation.analysis.ground_truth import against_truth, members_of
from pipelines import load_taxonomy

TRUTH = np.array([[1, 1, 0], [2, 0, 255]], dtype=np.uint8)


@pytest.mark.parametrize(
    ("heat", "hit", "iou"),
    [
        ([[9, 1, 0], [0, 2, 99]], True, 1 / 3),  # hot: (0, 0) and (1, 1); 99 is not looked at
        ([[9, 8, 0], [0, 2, 3]], True, 1.0),
        ([[0, 1, 0], [9, 0, 0]], False, 1 / 3),
        ([[4, 4, 4], [4, 4, 4]], False, 0.0),  # points nowhere
    ],
)
def test_hits_and_overlap_are_those_counted_by_hand(heat: list[list[int]], hit: bool, iou: float) -> None:
    found = against_truth(np.array(heat, dtype=np.float32), TRUTH, (1,))
    assert found == {"pixels": 2, "pointing_game": hit, "iou": pytest.approx(iou)}


def test_a_group_is_hit_on_any_of_its_classes() -> None:
    heat = np.array([[0, 1, 0], [9, 0, 0]], dtype=np.float32)
    found = against_truth(heat, TRUTH, members_of("damage"))
    assert found is not None
    assert (found["pixels"], found["pointing_game"]) == (3, True)


def test_what_the_picture_does_not_show_cannot_be_pointed_at() -> None:
    assert against_truth(np.zeros((2, 3), dtype=np.float32), TRUTH, (7,)) is None


def test_members_are_those_of_the_taxonomy() -> None:
    taxonomy = load_taxonomy()
    assert members_of("CRACK") == (1,)
    assert members_of("damage") == taxonomy.damage
    assert members_of("damagePlus") == taxonomy.damage_plus
