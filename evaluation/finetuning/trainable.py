"""Which parameters of a CLIP are trained, and low-rank changes that leave its architecture as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from .settings import FineTuneError, FineTuneSettings


class LowRank(nn.Module):
    """A change of rank ``r`` to a frozen weight: ``W + alpha / r * up @ down`` (Hu et al. 2021, eq. 3).

    ``up`` starts at 0, so that training begins with the base itself.
    """

    def __init__(self, weight: Tensor, rank: int, alpha: float, generator: torch.Generator) -> None:
        super().__init__()
        rows, columns = weight.shape
        start = torch.randn(rank, columns, generator=generator) / columns**0.5
        self.down = nn.Parameter(start.to(weight))
        self.up = nn.Parameter(torch.zeros(rows, rank, dtype=weight.dtype, device=weight.device))
        self.scale = alpha / rank

    def forward(self, weight: Tensor) -> Tensor:
        """Change a weight ``(rows, columns)``."""
        return weight + self.scale * self.up @ self.down


@dataclass(frozen=True, slots=True)
class Layers:
    """Names of the parts of an image tower within its CLIP.

    Attributes:
        blocks: each residual block, from the first.
        norms: what normalises the tokens behind the last block.
        head: what projects them into the text space.
    """

    blocks: tuple[str, ...]
    norms: tuple[str, ...]
    head: tuple[str, ...]


def find_layers(model: Any) -> Layers:
    """Name the parts of the image tower of an open_clip model.

    Raises:
        FineTuneError: it is neither open_clip's own vision transformer nor one of timm.
    """
    visual = model.visual
    if hasattr(visual, "transformer") and hasattr(visual.transformer, "resblocks"):
        blocks = _numbered("visual.transformer.resblocks", visual.transformer.resblocks)
        return Layers(blocks, ("visual.ln_post",), ("visual.proj",))
    if hasattr(visual, "trunk") and hasattr(visual.trunk, "blocks"):
        norms = ("visual.trunk.norm", "visual.trunk.fc_norm")
        return Layers(_numbered("visual.trunk.blocks", visual.trunk.blocks), norms, ("visual.head",))
    raise FineTuneError(
        f"the image tower {type(visual).__name__} is no vision transformer of open_clip or timm. "
        "Choose another base."
    )


def open_for_training(model: nn.Module, settings: FineTuneSettings) -> list[str]:
    """Freeze a model but for what the settings name, and attach low-rank changes.

    Args:
        model: an open_clip CLIP; stays in evaluation mode, so that nothing is dropped or counted.
        settings: what to train.

    Returns:
        Names of the base's parameters whose values may change, in the model's order.

    Raises:
        FineTuneError: the tower has no such block or head, or two of the parts overlap.
    """
    layers = find_layers(model)
    model.eval().requires_grad_(False)
    whole = tuple(_whole_parts(layers, settings))
    names = [name for name, _ in model.named_parameters() if _is_within(name, whole)]
    if "head" in settings.tune and not any(_is_within(name, layers.head) for name in names):
        raise FineTuneError(f"{layers.head[0]} has no weights in this tower. Tune lora or blocks instead.")
    for name in names:
        model.get_parameter(name).requires_grad_(True)
    if "lora" in settings.tune:
        names += _attach_low_rank(model, _lora_blocks(layers, settings), settings)
    return names


def plain_values(model: nn.Module, names: Sequence[str]) -> dict[str, Tensor]:
    """Values of parameters under the names of the base: low-rank changes are added in.

    Returns:
        Copies by name, on the CPU.
    """
    return {name: _value(model, name).detach().cpu().clone() for name in names}


def trained_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters that an optimiser updates, by their present name."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def _whole_parts(layers: Layers, settings: FineTuneSettings) -> Iterator[str]:
    if "head" in settings.tune:
        yield from layers.head
    if "blocks" in settings.tune:
        if settings.blocks > len(layers.blocks):
            raise FineTuneError(f"this tower has {len(layers.blocks)} blocks, cannot train {settings.blocks}")
        yield from (*layers.blocks[-settings.blocks :], *layers.norms)


def _lora_blocks(layers: Layers, settings: FineTuneSettings) -> tuple[str, ...]:
    depth = len(layers.blocks)
    wrong = [index for index in settings.lora_blocks if not -depth <= index < depth]
    if wrong or not settings.lora_blocks:
        raise FineTuneError(f"lora_blocks must be indices from 0 to {depth - 1}, got {settings.lora_blocks}")
    chosen = tuple(layers.blocks[index] for index in sorted({i % depth for i in settings.lora_blocks}))
    if "blocks" in settings.tune and set(chosen) & set(layers.blocks[-settings.blocks :]):
        raise FineTuneError(
            f"blocks trains the last {settings.blocks} blocks whole, so lora cannot change them as well. "
            "Name earlier ones in lora_blocks."
        )
    return chosen


def _attach_low_rank(model: nn.Module, blocks: Sequence[str], settings: FineTuneSettings) -> list[str]:
    """Attach a low-rank change to every linear layer of some blocks; gives the names of their weights."""
    generator = torch.Generator().manual_seed(settings.seed)
    names = []
    for block in blocks:
        for path, module in list(model.get_submodule(block).named_modules(prefix=block)):
            for kind in _matrices(module):
                change = LowRank(getattr(module, kind), settings.rank, settings.alpha, generator)
                parametrize.register_parametrization(module, kind, change)
                names.append(f"{path}.{kind}")
    return names


def _matrices(module: nn.Module) -> tuple[str, ...]:
    if isinstance(module, nn.Linear):
        return ("weight",)
    if isinstance(module, nn.MultiheadAttention) and module.in_proj_weight is not None:
        return ("in_proj_weight",)
    return ()


def _value(model: nn.Module, name: str) -> Tensor:
    path, _, kind = name.rpartition(".")
    value: Tensor = getattr(model.get_submodule(path), kind)
    return value


def _numbered(name: str, modules: Sequence[nn.Module]) -> tuple[str, ...]:
    return tuple(f"{name}.{index}" for index in range(len(modules)))


def _is_within(name: str, parts: Sequence[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)
