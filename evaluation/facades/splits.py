"""Splits that keep all pictures of one photograph on one side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from .dataset import DatasetError, FacadeSample

TOLERANCE = 1e-3


def split_by_source(
    samples: Sequence[FacadeSample], shares: Mapping[str, float], seed: int = 42
) -> dict[str, list[FacadeSample]]:
    """Deal photographs out to splits; tiles follow their photograph.

    Photographs are shuffled, and each goes to the split that lacks most of its share of pictures.

    Args:
        samples: pictures or tiles with their ``group``.
        shares: split name -> part of the pictures; they sum to 1.
        seed: of the shuffle.

    Returns:
        Samples by split, each in the order given.

    Raises:
        DatasetError: shares do not sum to 1, or a split stays without a photograph.
    """
    if abs(sum(shares.values()) - 1) > TOLERANCE or min(shares.values(), default=0) <= 0:
        raise DatasetError(f"Shares of splits must be positive and sum to 1, got {dict(shares)}.")
    groups: dict[str, list[FacadeSample]] = defaultdict(list)
    for sample in samples:
        groups[sample.group].append(sample)
    if len(groups) < len(shares):
        raise DatasetError(
            f"{len(groups)} photographs cannot be dealt out to {len(shares)} splits ({', '.join(shares)}):"
            " tiles of one photograph stay together. Add photographs."
        )
    side = _deal({name: len(members) for name, members in groups.items()}, shares, seed, len(samples))
    return {split: [sample for sample in samples if side[sample.group] == split] for split in shares}


def _deal(sizes: Mapping[str, int], shares: Mapping[str, float], seed: int, total: int) -> dict[str, str]:
    order = np.random.default_rng(seed).permutation(sorted(sizes))
    lacking = {split: share * total for split, share in shares.items()}
    empty = list(shares)
    side: dict[str, str] = {}
    for position, name in enumerate(map(str, order)):
        rest = len(order) - position
        open_to = empty if rest <= len(empty) else list(shares)  # the last photographs fill empty splits
        split = max(open_to, key=lambda item: lacking[item])
        side[name] = split
        lacking[split] -= sizes[name]
        if split in empty:
            empty.remove(split)
    return side
