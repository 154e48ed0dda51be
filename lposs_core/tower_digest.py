"""Names for the first part of an image tower, so that towers with equal beginnings can share its work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import partial

import torch
from torch import Tensor, nn

from lposs_core.checkpoint import digest_state
from lposs_core.image_tower import ImageTower

_ENTRY = ("patch_size", "stem", "prefix", "positions", "scale_offset", "pre_norm", "mean", "std", "dtype")


def prefix_digest(tower: ImageTower, blocks: int) -> str:
    """Name all that decides the tokens behind the first blocks of a tower.

    Two towers with one digest give the same tokens there, whatever follows.

    Args:
        tower: the network.
        blocks: how many blocks, from the first; 0 names the entry alone.

    Returns:
        32 hexadecimal digits.
    """
    entry = [(name, getattr(tower, name)) for name in _ENTRY]
    tensors: dict[str, Tensor] = {}
    words = []
    for place, fact in _facts("tower", [*entry, ("blocks", tower.blocks[:blocks])]):
        if isinstance(fact, Tensor):
            tensors[place] = fact
        else:
            words.append(f"{place}={fact}")
    return digest_state(tensors, *words)


def shared_blocks(one: ImageTower, other: ImageTower) -> int:
    """Count the blocks from the first that two towers have in common; 0 where their entries differ."""
    if prefix_digest(one, 0) != prefix_digest(other, 0):
        return 0
    count = 0
    for mine, theirs in zip(one.blocks, other.blocks, strict=False):
        if not _equal(mine, theirs):
            break
        count += 1
    return count


def _equal(one: object, other: object) -> bool:
    pairs = list(_facts("", one)), list(_facts("", other))
    if [place for place, _ in pairs[0]] != [place for place, _ in pairs[1]]:
        return False
    return all(
        torch.equal(mine, theirs)
        if isinstance(mine, Tensor) and isinstance(theirs, Tensor)
        else mine == theirs
        for (_, mine), (_, theirs) in zip(*pairs, strict=True)
    )


def _facts(place: str, value: object) -> Iterator[tuple[str, Tensor | str]]:
    """Every tensor and every setting inside a value, with its place; the order is that of the fields."""
    if isinstance(value, Tensor):
        yield place, value
    elif isinstance(value, nn.Module):
        yield place, repr(value)
        yield from ((f"{place}.{name}", tensor) for name, tensor in value.state_dict().items())
    elif is_dataclass(value):
        for item in fields(value):
            yield from _facts(f"{place}.{item.name}", getattr(value, item.name))
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from _facts(f"{place}.{index}", part)
    elif isinstance(value, partial):
        yield place, f"{value.func.__qualname__}{value.keywords}"
    else:
        yield place, getattr(value, "__qualname__", None) or repr(value)
