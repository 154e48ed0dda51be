"""Several processes on one data set: who takes which pictures, and how their counts become one.

Each process that ``torchrun`` starts takes every n-th picture and counts on its own; sums of int64 counts
over all processes are exactly those of one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

T = TypeVar("T")
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rank:
    """One process among several.

    Attributes:
        index: its number, from 0.
        size: how many there are.
        local: its number on its machine.
    """

    index: int = 0
    size: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """Whether this process writes the results."""
        return self.index == 0


def this_rank(environment: Mapping[str, str] | None = None) -> Rank:
    """This process's place among those that ``torchrun`` started; alone without it.

    Args:
        environment: variables ``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``; None takes those of this process.
    """
    variables = os.environ if environment is None else environment
    return Rank(
        int(variables.get("RANK", 0)),
        int(variables.get("WORLD_SIZE", 1)),
        int(variables.get("LOCAL_RANK", 0)),
    )


@contextmanager
def join_ranks() -> Iterator[Rank]:
    """Join the processes that ``torchrun`` started, for the time of the ``with`` block.

    Yields:
        This process's place. Counts travel over gloo, so that machines without a GPU take part.
    """
    rank = this_rank()
    if rank.size == 1:
        yield rank
        return
    torch.distributed.init_process_group("gloo", rank=rank.index, world_size=rank.size)
    try:
        yield rank
    finally:
        torch.distributed.destroy_process_group()


def shard(items: Sequence[T], rank: Rank) -> Sequence[T]:
    """What this process works on: every ``rank.size``-th item from its own number on."""
    return items[rank.index :: rank.size]


def add_counts(counts: Sequence[Counts], rank: Rank) -> list[Counts]:
    """Sum int64 arrays over all processes, array by array; every process gets the sums.

    Raises:
        TypeError: an array holds something else than int64, whose sum would not be exact.
    """
    for array in counts:
        if array.dtype != np.int64:
            raise TypeError(f"counts must be int64 to be added exactly, got {array.dtype}")
    if rank.size == 1:
        return list(counts)
    return [_sum(array) for array in counts]


def gather(items: Sequence[T], rank: Rank) -> list[T]:
    """The items of all processes in the order in which :func:`shard` dealt them out."""
    if rank.size == 1:
        return list(items)
    parts: list[Sequence[T] | None] = [None] * rank.size
    torch.distributed.all_gather_object(parts, list(items))
    held = [part or () for part in parts]
    longest = max(map(len, held))
    return [part[place] for place in range(longest) for part in held if place < len(part)]


def device_of(name: str | None, rank: Rank) -> str | None:
    """The device for this process: with ``auto`` on a machine with GPUs, the one of its own number."""
    if name in (None, "auto") and torch.cuda.is_available():
        return f"cuda:{rank.local % torch.cuda.device_count()}"
    return None if name == "auto" else name


def _sum(array: Counts) -> Counts:
    total = torch.from_numpy(np.ascontiguousarray(array).copy())
    torch.distributed.all_reduce(total)
    return np.asarray(total.numpy())
