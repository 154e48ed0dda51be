import itertools
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

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


PART = """
import json, numpy
from evaluation.distributed import add_counts, gather, join_ranks, shard
with join_ranks() as rank:
    counts = numpy.full((2, 2), 2**24 + rank.index, dtype=numpy.int64)
    found = gather(shard(range(7), rank), rank), add_counts([counts], rank)[0].tolist(), rank.first
print(json.dumps(found))
"""


def test_two_processes_gather_in_order_and_add_exactly(repository: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    place = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    parts = [
        subprocess.Popen(
            [sys.executable, "-c", PART], cwd=repository, stdout=subprocess.PIPE, env=place | {"RANK": index}
        )
        for index in "01"
    ]
    total = 2 * 2**24 + 1  # float32 would lose the 1
    for index, part in enumerate(parts):
        printed, _ = part.communicate(timeout=240)
        assert json.loads(printed) == [list(range(7)), [[total, total], [total, total]], index == 0]
