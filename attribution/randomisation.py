"""Sanity check: a heat map that stays the same while the weights are made random explains no model."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from attribution.heatmap import heat_of
from attribution.result import Attribution
from attribution.score import Progress

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class RandomisedStage:
    """The answer after the weights of this stage and of all above it became random.

    Attributes:
        name: of the module.
        similarity: rank correlation with the map of the trained model, in ``[-1, 1]``; near 0 is sane, and
            exactly 0 where one of the maps is flat.
    """

    name: str
    similarity: float


def randomisation_check(
    model: Model,
    explain: Callable[[Model], Attribution | npt.ArrayLike],
    *,
    stages: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[RandomisedStage, ...]:
    """Make the weights random from the top down and explain again after every stage.

    Explains one copy all the time; the model itself and the global random state are never touched.

    Args:
        model: the network.
        explain: explains the copy it is given; it must keep nothing of it from call to call.
        stages: names of modules, top first; a stage takes in everything inside it. By default every module
            with weights of its own, in the opposite order of registration.
        seed: of the random weights.
        progress: called with a fraction in ``[0, 1]`` before every explanation; may raise to cancel.

    Returns:
        One similarity a stage.

    Raises:
        ValueError: if a name is no module of the model or there is nothing to make random.
    """
    scrambled = copy.deepcopy(model)
    groups = list(_weights_of_stages(scrambled, stages))
    report = progress or _ignore
    report(0.0)
    trained = heat_of(explain(scrambled))
    generator = torch.Generator().manual_seed(seed)
    checked = []
    for number, (name, weights) in enumerate(groups, start=1):
        report(number / (len(groups) + 1))
        _randomise(weights, generator)
        checked.append(RandomisedStage(name, rank_correlation(trained, heat_of(explain(scrambled)))))
    report(1.0)
    return tuple(checked)


def _ignore(fraction: float) -> None:
    pass


def _weights_of_stages(
    model: nn.Module, stages: Sequence[str] | None
) -> Iterator[tuple[str, list[nn.Parameter]]]:
    modules = dict(model.named_modules())
    names = list(modules)[::-1] if stages is None else stages
    found = False
    for name in names:
        if name not in modules:
            raise ValueError(f"{name!r} is no module of the model; its modules are {', '.join(modules)}")
        weights = list(modules[name].parameters(recurse=stages is not None))
        if weights:
            found = True
            yield name, weights
    if not found:
        raise ValueError("the stages hold no weights, so nothing can be made random")


def _randomise(weights: list[nn.Parameter], generator: torch.Generator) -> None:
    """Draw new values of the old size: matrices around 0, vectors (biases, gains) around their mean."""
    with torch.no_grad():
        for weight in weights:
            noise = torch.randn(weight.shape, generator=generator).to(weight)
            if weight.ndim > 1:
                weight.copy_(noise * weight.square().mean().sqrt())
            else:
                weight.copy_(weight.mean() + noise * weight.std(correction=0))


def rank_correlation(first: npt.ArrayLike | Tensor, second: npt.ArrayLike | Tensor) -> float:
    """Compute Spearman's rank correlation; equal values share their mean rank.

    Args:
        first: any shape.
        second: the same shape.

    Returns:
        In ``[-1, 1]``; 0 where one of them is constant.

    Raises:
        ValueError: if the shapes differ.
    """
    left, right = np.asarray(first), np.asarray(second)
    if left.shape != right.shape:
        raise ValueError(f"maps must have one shape, got {left.shape} and {right.shape}")
    left, right = (_ranks(values) - (values.size - 1) / 2 for values in (left, right))
    scale = np.sqrt((left @ left) * (right @ right))
    return float(left @ right / scale) if scale else 0.0


def _ranks(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts + 1) / 2
    ranks: npt.NDArray[np.float64] = mean_ranks[places.ravel()]
    return ranks
