"""Which parameters two states of one architecture differ in, and by how much."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

LAYER = re.compile(r"^(.*?\.(?:resblocks|blocks|layers?)\.\d+|visual\.trunk\.\w+|visual\.\w+|[^.]+)")

COUNTER = "num_batches_tracked"


@dataclass(frozen=True, slots=True)
class Delta:
    """How far one parameter, or all of one layer, moved.

    Attributes:
        name: of the parameter or the layer.
        values: how many numbers it has.
        changed: how many of them are no longer the same.
        norm: Euclidean length of the change.
        relative: the same as a part of the length before; None where that was 0.
        largest: of the absolute changes.
    """

    name: str
    values: int
    changed: int
    norm: float
    relative: float | None
    largest: float


def parameter_deltas(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[Delta]:
    """Compare two states parameter by parameter, in the order of ``before``.

    Raises:
        ValueError: the states have other names or shapes, so they are not of one architecture.
    """
    _require_one_architecture(before, after)
    return [_delta(name, [(before[name], after[name])]) for name in before]


def layer_deltas(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[Delta]:
    """Compare two states layer by layer: residual blocks, stem, norms, projection and the text tower's parts.

    The image tower comes first, blocks in their order. Counters of batch normalisation are no weights and are
    left out.

    Raises:
        ValueError: as :func:`parameter_deltas`.
    """
    _require_one_architecture(before, after)
    layers: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for name in sorted(before, key=_place):
        if name.endswith(COUNTER):
            continue
        layers.setdefault(layer_of(name), []).append((before[name], after[name]))
    return [_delta(name, pairs) for name, pairs in layers.items()]


def layer_of(name: str) -> str:
    """The layer a parameter belongs to, such as ``visual.transformer.resblocks.11``."""
    match = LAYER.match(name)
    return match[1] if match else name


def changed_names(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> list[str]:
    """Names of the parameters of which at least one number differs."""
    return [delta.name for delta in parameter_deltas(before, after) if delta.changed]


def rows(deltas: Sequence[Delta]) -> list[dict[str, Any]]:
    """The deltas as objects for JSON."""
    return [asdict(delta) for delta in deltas]


def _place(name: str) -> tuple[bool, list[tuple[str, int]]]:
    """Order of names: the image tower first, numbers by value."""
    pieces = re.findall(r"(\D+)(\d*)", name)
    return not name.startswith("visual."), [(text, int(number or -1)) for text, number in pieces]


def _require_one_architecture(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> None:
    if odd := sorted(before.keys() ^ after.keys()):
        raise ValueError(f"the states are of different networks: {odd[0]} is in one of them only")
    for name in before:
        if before[name].shape != after[name].shape:
            shapes = f"{tuple(before[name].shape)} and {tuple(after[name].shape)}"
            raise ValueError(f"the states are of different networks: {name} has the shapes {shapes}")


def _delta(name: str, pairs: Sequence[tuple[Tensor, Tensor]]) -> Delta:
    before = torch.cat([one.detach().double().flatten().cpu() for one, _ in pairs])
    change = torch.cat([other.detach().double().flatten().cpu() for _, other in pairs]) - before
    norm, start = float(change.norm()), float(before.norm())
    return Delta(
        name=name,
        values=before.numel(),
        changed=int(change.count_nonzero()),
        norm=norm,
        relative=norm / start if start else None,
        largest=float(change.abs().max()) if change.numel() else 0.0,
    )
