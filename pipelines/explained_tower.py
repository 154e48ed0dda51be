"""The weights of an image tower as a module, so that they can be made random from the top down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from torch import Tensor, nn

from lposs_core.image_tower import ImageTower

STAGES: Final = ("upper", "middle", "lower")
"""Last blocks with the head, the blocks between, first blocks with stem and positions."""


class TowerWeights(nn.Module):
    """Copies of a tower's weights in three stages.

    A head that is a plain function keeps its weights.

    Args:
        tower: read, never changed.
    """

    def __init__(self, tower: ImageTower) -> None:
        super().__init__()
        self._plan = tower
        for name, parts in _stages(tower).items():
            self.add_module(name, _Weights(parts))

    def tower(self) -> ImageTower:
        """The tower with the weights that this module holds now."""
        stages = _stages(self._plan)
        rebuilt = {name: getattr(self, name).rebuild(stages[name]) for name in STAGES}
        blocks = [block for name in reversed(STAGES) for block in rebuilt[name].pop("blocks")]
        parts = {key: part for stage in rebuilt.values() for key, part in stage.items()}
        return replace(self._plan, blocks=tuple(blocks), **parts)


class _Weights(nn.Module):
    """Every tensor and module found in some parts of a tower, in the order of the search."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        super().__init__()
        self.vectors = nn.ParameterList()
        self.networks = nn.ModuleList()
        _mapped(parts, self._take)

    def _take(self, leaf: Tensor | nn.Module) -> Tensor | nn.Module:
        if isinstance(leaf, nn.Module):
            self.networks.append(leaf)
        else:
            self.vectors.append(nn.Parameter(leaf.detach(), requires_grad=False))
        return leaf

    def rebuild(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """The parts with what this module holds in the place of what was found in them."""
        vectors, networks = iter(self.vectors), iter(self.networks)

        def give(leaf: Tensor | nn.Module) -> Tensor | nn.Module:
            return next(networks) if isinstance(leaf, nn.Module) else next(vectors).detach()

        rebuilt: dict[str, Any] = _mapped(parts, give)
        return rebuilt


def _stages(tower: ImageTower) -> dict[str, dict[str, Any]]:
    third = max(len(tower.blocks) // 3, 1)
    lower, middle, upper = tower.blocks[:third], tower.blocks[third:-third], tower.blocks[-third:]
    first = {name: getattr(tower, name) for name in ("stem", "prefix", "positions", "pre_norm")}
    return {
        "upper": {"head": tower.head, "blocks": upper},
        "middle": {"blocks": middle},
        "lower": {"blocks": lower, **first},
    }


def _mapped(part: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of nested dataclasses, tuples and mappings with every tensor and module changed."""
    if isinstance(part, (Tensor, nn.Module)):
        return change(part)
    if isinstance(part, Mapping):
        return {key: _mapped(value, change) for key, value in part.items()}
    if isinstance(part, tuple):
        return tuple(_mapped(value, change) for value in part)
    if is_dataclass(part) and not isinstance(part, type):
        values = {field.name: _mapped(getattr(part, field.name), change) for field in fields(part)}
        return replace(part, **values)
    return part
