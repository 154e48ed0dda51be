"""Find the parts of a fine-tuned family in a state dict: prefixes, adapters, a trained head, text vectors."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

WRAPPERS = ("module.", "base_model.", "model.")  # DataParallel, the facade forks' wrapper, usual attributes
TEXT_VECTORS = ("class_embeddings", "text_embeddings", "text_features")
BASE_NAMES = (
    "base_layer.",
    "base.",
    "linear.",
    "original.",
    "conv.",
    "",
)  # where adapters keep the layer itself

_ADAPTER = re.compile(r"(?P<layer>.+)\.lora_(?P<half>A|B|down|up)(\.[^.]+)*?(\.weight)?")
_ALPHA = re.compile(r"(?P<layer>.+)\.(lora_)?alpha(\.[^.]+)?")
_MIXER = re.compile(r"(^|\.)(embedding_)?mixers?\.")
_HEAD = re.compile(r"(^|\.)decode_head\.(proj|conv_seg|head)\.(?P<kind>weight|bias)$")
_BLOCK = re.compile(r"(?P<tower>visual\.(trunk\.blocks|transformer\.resblocks))\.(?P<index>\d+)\.")
_TAIL = ("visual.ln_post.", "visual.proj", "visual.head.", "visual.trunk.norm.", "visual.trunk.fc_norm.")


class LayoutError(ValueError):
    """A state dict that no plain network can stand for; the message says why."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What became of a state dict.

    Attributes:
        state: the rest, under plain names.
        dropped: text vectors, which never belong to a checkpoint.
        merged: layers into which an adapter was merged.
        head: key of a trained head that takes the projection's place; empty where there is none.
    """

    state: dict[str, Tensor]
    dropped: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    head: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """The keys of one network inside a larger state dict.

    Attributes:
        prefix: what stood before its keys.
        state: its tensors under its own keys.
        rest: everything else.
    """

    prefix: str
    state: dict[str, Tensor]
    rest: dict[str, Tensor] = field(repr=False)


def plain_layout(state: Mapping[str, Tensor], *, lora_alpha: float | None = None) -> Layout:
    """Bring a published fine-tuning layout to the names of plain networks.

    Wrapper prefixes are taken off, text vectors dropped, LoRA adapters merged (``W + alpha / r * B A``), and
    a 1 x 1 convolution ``decode_head.proj`` put in the place of the projection that it was initialised from.

    Args:
        state: tensors by key.
        lora_alpha: of the adapters, where the file does not hold it.

    Raises:
        LayoutError: an embedding mixer, a head with a bias, an adapter without its layer or its alpha.
    """
    plain = _unwrapped(state)
    if mixers := [key for key in plain if _MIXER.search(key)]:
        raise LayoutError(
            f"an embedding mixer ({mixers[0]}) changes image vectors after the projection, which no plain "
            "CLIP does. Train without it, or export the model without the mixer"
        )
    dropped = tuple(key for key in plain if key.rpartition(".")[2] in TEXT_VECTORS)
    plain = {key: value for key, value in plain.items() if key not in dropped}
    plain, merged = _merge_adapters(plain, lora_alpha)
    plain, head = _head_as_projection(plain)
    return Layout(plain, dropped, merged, head)


def find_part(state: Mapping[str, Tensor], wanted: Collection[str]) -> Part:
    """Find a network's keys behind the prefix under which most of them stand.

    Args:
        state: tensors by key.
        wanted: keys of the network.

    Raises:
        LayoutError: two prefixes hold the network, with different weights.
    """
    names = set(wanted)
    counts: dict[str, int] = {}
    for key in state:
        places = [0, *(match.end() for match in re.finditer(r"\.", key))]
        for place in places:
            if key[place:] in names:
                counts[key[:place]] = counts.get(key[:place], 0) + 1
    ranked = sorted(counts, key=lambda prefix: (-counts[prefix], len(prefix)))
    if not ranked:
        return Part("", {}, dict(state))
    best = ranked[0]
    for other in ranked[1:]:
        if counts[other] == counts[best] and not _same(state, best, other, names):
            raise LayoutError(
                f"the network stands twice, under {best!r} and {other!r}, with different weights"
            )
    own = {key.removeprefix(best): value for key, value in state.items() if key.startswith(best)}
    part = {key: value for key, value in own.items() if key in names}
    twins = [prefix for prefix in ranked if counts[prefix] == counts[best]]
    used = {prefix + key for prefix in twins for key in part}
    return Part(best, part, {key: value for key, value in state.items() if key not in used})


def equal_first_blocks(state: Mapping[str, Tensor], base: Mapping[str, Tensor]) -> int:
    """Count the first image blocks that two dual encoders have in common; 0 where their entries differ."""
    differing = [key for key in state if key.startswith("visual.") and not _equal(state, base, key)]
    blocks = [_BLOCK.match(key) for key in differing]
    if any(not block and not key.startswith(_TAIL) for key, block in zip(differing, blocks, strict=True)):
        return 0
    depth = 1 + max((int(found["index"]) for key in state if (found := _BLOCK.match(key))), default=-1)
    return min((int(block["index"]) for block in blocks if block), default=depth)


def _equal(state: Mapping[str, Tensor], base: Mapping[str, Tensor], key: str) -> bool:
    other = base.get(key)
    return (
        other is not None
        and state[key].shape == other.shape
        and torch.equal(state[key].float(), other.float())
    )


def _same(state: Mapping[str, Tensor], one: str, other: str, names: Collection[str]) -> bool:
    pairs = ((state.get(one + name), state.get(other + name)) for name in names)
    return all(
        (mine is None) == (theirs is None)
        and (mine is None or theirs is None or (mine.shape == theirs.shape and torch.equal(mine, theirs)))
        for mine, theirs in pairs
    )


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take off wrappers that stand before all keys, an embedding mixer's set aside."""
    plain = dict(state)
    while True:
        core = [key for key in plain if not _MIXER.search(key)]
        prefix = next((p for p in WRAPPERS if core and all(key.startswith(p) for key in core)), None)
        if prefix is None:
            return plain
        plain = {key.removeprefix(prefix): value for key, value in plain.items()}


def _merge_adapters(
    state: dict[str, Tensor], alpha: float | None
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    halves: dict[str, dict[str, Tensor]] = {}
    alphas: dict[str, float] = {}
    plain: dict[str, Tensor] = {}
    for key, value in state.items():
        if found := _ADAPTER.fullmatch(key):
            half = "A" if found["half"] in ("A", "down") else "B"
            halves.setdefault(found["layer"], {})[half] = value
        elif (found := _ALPHA.fullmatch(key)) and value.numel() == 1:
            alphas[found["layer"]] = float(value)
        else:
            plain[key] = value
    for layer, pair in halves.items():
        scale = alphas.get(layer, alpha)
        if scale is None:
            raise LayoutError(
                f"{layer} has a LoRA adapter, and the file does not say its alpha. Pass --lora-alpha"
            )
        _merge(plain, layer, pair, scale)
    return plain, tuple(halves)


def _merge(plain: dict[str, Tensor], layer: str, pair: Mapping[str, Tensor], alpha: float) -> None:
    """Add ``alpha / r * B A`` to a layer's weight, and give the layer its plain name."""
    own = next((f"{layer}.{name}" for name in BASE_NAMES if f"{layer}.{name}weight" in plain), None)
    if own is None or pair.keys() != {"A", "B"}:
        raise LayoutError(f"{layer} has a LoRA adapter that lacks a half or the layer's own weight")
    weight = plain.pop(f"{own}weight")
    down, up = pair["A"].float().flatten(1), pair["B"].float().flatten(1)
    if up.shape[1] != down.shape[0] or up.shape[0] * down.shape[1] != weight.numel():
        raise LayoutError(
            f"the LoRA adapter of {layer} has shapes {tuple(up.shape)} and {tuple(down.shape)}, which do not "
            f"give {tuple(weight.shape)}"
        )
    delta = (up @ down) * (alpha / len(down))
    plain[f"{layer}.weight"] = (weight.float() + delta.reshape(weight.shape)).to(weight.dtype)
    if own != f"{layer}." and f"{own}bias" in plain:
        plain[f"{layer}.bias"] = plain.pop(f"{own}bias")


def _head_as_projection(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Put a trained 1 x 1 head in the place of ``visual.proj``, of which it is the transpose."""
    found = {match["kind"]: key for key in state if (match := _HEAD.search(key))}
    if "weight" not in found:
        return state, ""
    bias = state.get(found.get("bias", ""))
    if bias is not None and bool(bias.any()):
        raise LayoutError(f"{found['bias']} is not zero, and CLIP's projection has no bias to take it")
    weight = state[found["weight"]]
    projections = [key for key in state if key.endswith("visual.proj")]
    if weight.flatten(1).shape[1] * len(weight) != weight.numel() or weight.shape[2:] not in ((), (1, 1)):
        raise LayoutError(f"{found['weight']} has shape {tuple(weight.shape)}, which is no 1 x 1 projection")
    plain = {key: value for key, value in state.items() if key not in found.values()}
    for key in projections or ["visual.proj"]:
        plain[key] = weight.flatten(1).T.contiguous()
    return plain, found["weight"]
