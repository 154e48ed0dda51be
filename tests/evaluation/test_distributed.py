import itertools

import numpy as np
import pytest

from evaluation.distributed import Rank, add_counts, device_of, gather, join_ranks, shard, this_rank


def test_shards_share_out_everything_once() -> None:
    items = list(range(11))
    parts = [list(shard(items, Rank(index, 4))) for index in range(4)]
    assert parts[1] == [1, 5, 9]
    assert sorted(itertools.chain(*parts)) == items


def test_alone_nothing_is_sent() -> None:
    with join_ranks() as rank:
        counts = np.arange(6).reshape(2, 3)
        assert rank.first
        assert add_counts([counts], rank)[0] is counts
        assert gather(["a", "b"], rank) == ["a", "b"]


def test_the_place_is_read_from_torchruns_variables() -> None:
    assert this_rank({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}) == Rank(3, 4, 1)
    assert this_rank({}) == Rank(0, 1, 0)


def test_only_exact_counts_are_added() -> None:
    with pytest.raises(TypeError, match=r"int64.*float32"):
        add_counts([np.zeros(2, np.float32)], Rank())  # type: ignore[list-item]


def test_a_named_device_is_kept() -> None:
    assert device_of("cpu", Rank(1, 2, 1)) == "cpu"
