import numpy as np
import pytest

from evaluation.facades.intervals import Bootstrap, bootstrap_intervals
from evaluation.facades.tally import FacadeTally, Scheme

SCHEME = Scheme(("background", "CRACK"), (1,), (1,), least_area=1)


def photograph(right: bool) -> tuple[np.ndarray, np.ndarray]:
    truth = np.zeros((10, 10), np.uint8)
    truth[:5] = 1
    return (truth if right else 1 - truth), truth


def tally_of(*right: bool) -> FacadeTally:
    tally = FacadeTally(SCHEME, len(right))
    for number, one in enumerate(right):
        tally.update(number, *photograph(one))
    return tally


def test_two_photographs_give_the_three_outcomes_there_are() -> None:
    # one photograph all right, one all wrong: draws hold 0, 1 or 2 right ones with chances 1/4, 1/2, 1/4
    intervals = bootstrap_intervals(tally_of(True, False), Bootstrap(draws=400))
    assert intervals["mIoU"] == (0.0, 1.0)
    assert intervals["IoU CRACK"] == (0.0, 1.0)
    assert bootstrap_intervals(tally_of(True, False), Bootstrap(draws=400, level=0.4))["damageIoU"] == (
        pytest.approx(1 / 3),  # 50 pixels right, 50 missed, 50 too many
        pytest.approx(1 / 3),
    )


def test_equal_photographs_leave_no_room() -> None:
    intervals = bootstrap_intervals(tally_of(True, True, True), Bootstrap(draws=50))
    assert intervals["mIoU"] == (1.0, 1.0)


def test_one_photograph_has_no_interval() -> None:
    assert bootstrap_intervals(tally_of(True), Bootstrap()) == {}
    assert bootstrap_intervals(tally_of(True, False), Bootstrap(draws=0)) == {}


def test_the_seed_decides() -> None:
    tally = tally_of(True, False, True, True, False, False, True)
    one, same, other = (bootstrap_intervals(tally, Bootstrap(draws=30, seed=s)) for s in (1, 1, 2))
    assert one == same
    assert one != other


def test_more_photographs_narrow_the_interval() -> None:
    few, many = (bootstrap_intervals(tally_of(*[True, False] * n), Bootstrap(draws=300)) for n in (2, 40))
    assert many["mIoU"][1] - many["mIoU"][0] < (few["mIoU"][1] - few["mIoU"][0]) / 2


def test_values_that_make_no_interval_are_refused() -> None:
    with pytest.raises(ValueError, match="draws"):
        Bootstrap(draws=-1)
    with pytest.raises(ValueError, match="level"):
        Bootstrap(level=1.0)
