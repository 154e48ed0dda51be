from collections import Counter
from pathlib import Path

import pytest

from evaluation.facades import DatasetError, FacadeSample, split_by_source


def tiles(photographs: int, each: int) -> list[FacadeSample]:
    return [
        FacadeSample(f"p{photo}_{tile}", Path("i.png"), Path("m.png"), f"p{photo}")
        for photo in range(photographs)
        for tile in range(each)
    ]


def test_tiles_of_one_photograph_stay_on_one_side() -> None:
    dealt = split_by_source(tiles(20, 7), {"train": 0.8, "val": 0.1, "test": 0.1}, seed=3)
    groups = {split: {sample.group for sample in members} for split, members in dealt.items()}
    assert sum(map(len, groups.values())) == 20  # no photograph stands twice
    assert Counter({split: len(members) for split, members in dealt.items()}) == Counter(
        train=112, val=14, test=14
    )


def test_the_seed_decides_and_the_order_does_not() -> None:
    shares = {"train": 0.5, "val": 0.5}
    samples = tiles(12, 2)
    one = split_by_source(samples, shares, seed=1)
    assert {s.name for s in one["val"]} == {s.name for s in split_by_source(samples[::-1], shares, 1)["val"]}
    assert {s.name for s in one["val"]} != {s.name for s in split_by_source(samples, shares, seed=2)["val"]}


def test_every_split_gets_a_photograph_however_small_its_share() -> None:
    dealt = split_by_source(tiles(3, 40), {"train": 0.98, "val": 0.01, "test": 0.01}, seed=0)
    assert all(dealt.values())


def test_impossible_splits_are_refused() -> None:
    with pytest.raises(DatasetError, match="sum to 1"):
        split_by_source(tiles(5, 1), {"train": 0.8, "val": 0.1})
    with pytest.raises(DatasetError, match="1 photographs cannot be dealt out to 2 splits"):
        split_by_source(tiles(1, 9), {"train": 0.5, "val": 0.5})
