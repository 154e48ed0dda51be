import numpy as np
import pytest

from evaluation.facades.tally import FacadeTally, Scheme, class_table
from pipelines import load_taxonomy

SCHEME = Scheme(
    ("background", "CRACK", "SPALLING", "WATER_STAIN", "ORNAMENT_INTACT"), (1, 2), (1, 2, 3), least_area=1
)
TRUTH = np.array([[0, 0, 1, 1], [0, 0, 1, 2], [3, 3, 2, 2], [3, 255, 0, 0]], np.uint8)
PREDICTED = np.array([[0, 1, 1, 1], [0, 0, 2, 2], [3, 0, 2, 0], [3, 0, 0, 0]], np.uint8)
# ground truth x prediction, by hand:   0: 5 1 0 0   1: 0 2 1 0   2: 1 0 2 0   3: 1 0 0 2
# IoU 5/8, 2/4, 2/4, 2/3; the fifth class occurs nowhere.
BY_HAND = {
    "mIoU_absent_zero": (5 / 8 + 1 / 2 + 1 / 2 + 2 / 3) / 5,
    "mIoU": (5 / 8 + 1 / 2 + 1 / 2 + 2 / 3) / 4,
    "mIoU_ground_truth": (5 / 8 + 1 / 2 + 1 / 2 + 2 / 3) / 4,
    "boundaryIoU": (5 / 8 + 1 / 2 + 1 / 2 + 2 / 3) / 5,  # no 3 x 3 block survives erosion: all is outline
    "boundary_mIoU": (5 / 8 + 1 / 2 + 1 / 2 + 2 / 3) / 4,
    "macroF1": (10 / 13 + 4 / 6 + 4 / 6 + 4 / 5) / 5,
    "f1": (10 / 13 + 4 / 6 + 4 / 6 + 4 / 5) / 5,
    "macroF1_present": (10 / 13 + 4 / 6 + 4 / 6 + 4 / 5) / 4,
    "damageIoU": 5 / (6 + 6 - 5),
    "damagePlusIoU": 7 / (9 + 8 - 7),
    "damageMIoU": 1 / 2,
    "damagePlusMIoU": (1 / 2 + 1 / 2 + 2 / 3) / 3,
    "damageDetectionRecall": 5 / 6,
    "damageDetectionPrecision": 5 / 6,
    "damageDetectionF1": 5 / 6,
    "damageMislabelRate": 1 / 6,
    "damageShare": 6 / 15,
    "damageSharePredicted": 6 / 15,
    "componentRecall": 2 / 2,  # one region of cracks, one of spalling; predicted damage touches both
    "componentNamedRecall": 2 / 2,
    "componentPrecision": 1 / 1,
    "falseAlarmsPerImage": 0 / 1,
    "crackRecall_1px": 3 / 3,
    "crackPrecision_1px": 3 / 3,
}


@pytest.fixture
def tally() -> FacadeTally:
    tally = FacadeTally(SCHEME, 1)
    tally.update(0, PREDICTED, TRUTH)
    return tally


@pytest.mark.parametrize("key", BY_HAND)
def test_every_figure_equals_the_hand_computed_one(tally: FacadeTally, key: str) -> None:
    assert tally.figures()[key] == pytest.approx(BY_HAND[key], rel=1e-12)


def test_damage_f1_follows_from_damage_iou(tally: FacadeTally) -> None:
    figures = tally.figures()
    assert figures["damageDetectionF1"] == pytest.approx(
        2 * figures["damageIoU"] / (1 + figures["damageIoU"]), rel=1e-12
    )


def test_pictures_in_parts_give_the_figures_of_one_pile() -> None:
    draw = np.random.default_rng(0)
    pictures = [draw.integers(0, 5, (2, 30, 40)).astype(np.uint8) for _ in range(4)]
    apart, together = FacadeTally(SCHEME, 4), FacadeTally(SCHEME, 1)
    for number, (pred, gt) in enumerate(pictures):
        apart.update(number, pred, gt)
        together.update(0, pred, gt)
    for key, value in together.figures().items():
        np.testing.assert_array_equal(apart.figures()[key], value)
    assert all(array.dtype == np.int64 for array in apart.counts.values())


def test_the_class_table_rests_on_what_it_says(tally: FacadeTally) -> None:
    crack, ornament = class_table(tally)[1], class_table(tally)[4]
    assert (crack["class"], crack["pixels"], crack["predicted pixels"], crack["images"]) == ("CRACK", 3, 3, 1)
    assert (crack["regions"], crack["regions found"], crack["regions named"]) == (1, 1, 1)
    assert crack["precision"] == crack["recall"] == 2 / 3
    assert np.isnan(ornament["IoU"])
    assert (ornament["pixels"], ornament["regions"]) == (0, None)


def test_without_cracks_their_figures_do_not_exist() -> None:
    tally = FacadeTally(SCHEME, 1)
    tally.update(0, np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8))
    figures = tally.figures()
    assert np.isnan([figures["crackF1_2px"], figures["crackRecall_2px"], figures["componentRecall"]]).all()
    assert figures["falseAlarmsPerImage"] == 0


def test_the_scheme_of_eleven_classes_leaves_advertisements_out() -> None:
    scheme = Scheme.of(load_taxonomy(), 11)
    assert scheme.names[-1] == "TEXT_OR_IMAGES"
    assert scheme.damage == (1, 2, 3, 4, 6, 7)
    assert scheme.line == 1
