"""Two ways to solve ``(I - alpha S) x = y`` for several seeds at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from lposs_core.patch_graph import PatchGraph

EXACT_TOLERANCE = 1e-6  # relative residual at which conjugate gradients count as converged
_EXACT_STEPS = 10_000  # alpha = 0.95 needs about 40, alpha = 0.9999 about 1 000
FACTOR_NODES = 12_000  # a factor of more nodes passes 576 MB; the longest working image has 10 584

Solve = Callable[[Tensor], Tensor]


class Graph(Protocol):
    """A symmetric, degree-normalised affinity ``S`` that can be multiplied with columns."""

    def multiply(self, columns: Tensor) -> Tensor:
        """Compute ``S x`` for columns of shape ``(C, N)``."""
        ...


def conjugate_gradients(graph: Graph, seeds: Tensor, alpha: float, tol: float, steps: int) -> Tensor:
    """Run conjugate gradients from zero, all columns together with a step size of their own each.

    A column stops as soon as its relative residual reaches ``tol``. Inner products are summed in float64,
    column by column, so that a column does not depend on the others.

    Args:
        graph: multiplies with ``S``.
        seeds: one column a row, float32, shape ``(C, N)``.
        alpha: share kept from neighbours, in ``[0, 1)``.
        tol: relative residual at which a column is done.
        steps: most steps.

    Returns:
        Scores, float32, shape ``(C, N)``.
    """
    scores = torch.zeros_like(seeds)
    residual, direction = seeds.clone(), seeds.clone()
    power = _inner(residual, residual)
    goal = power * tol**2
    for _ in range(steps):
        active = power > goal
        if not bool(active.any()):
            break
        product = torch.sub(direction, graph.multiply(direction), alpha=alpha)
        step = _ratio(power, _inner(direction, product), active)
        scores.addcmul_(step, direction)
        residual.addcmul_(step, product, value=-1)
        previous, power = power, torch.where(active, _inner(residual, residual), power)
        direction = torch.addcmul(residual, _ratio(power, previous, active), direction)
    return scores


def _inner(left: Tensor, right: Tensor) -> Tensor:
    return torch.stack([(a * b).sum(dtype=torch.float64) for a, b in zip(left, right, strict=True)])


def _ratio(numerator: Tensor, denominator: Tensor, active: Tensor) -> Tensor:
    """``numerator / denominator`` where a column is active, otherwise 0; float32, shape ``(C, 1)``."""
    safe = torch.where(active, denominator, torch.ones_like(denominator))
    return torch.where(active, numerator / safe, torch.zeros_like(numerator)).float()[:, None]


def converge(graph: Graph, seeds: Tensor, alpha: float) -> Tensor:
    """Run conjugate gradients until the relative residual of every column is 1e-6.

    Args:
        graph: multiplies with ``S``.
        seeds: one column a row, float32, shape ``(C, N)``.
        alpha: share kept from neighbours, in ``[0, 1)``.

    Returns:
        Scores, float32, shape ``(C, N)``.
    """
    return conjugate_gradients(graph, seeds, alpha, EXACT_TOLERANCE, _EXACT_STEPS)


@dataclass(frozen=True, slots=True)
class Factor:
    """The Cholesky factor of ``I - alpha S``: made once an image, then every seed costs two substitutions.

    Attributes:
        lower: lower triangular, float32, shape ``(N, N)``.
    """

    lower: Tensor

    @property
    def nbytes(self) -> int:
        """Memory of the factor, in bytes."""
        return self.lower.nbytes

    def solve(self, seeds: Tensor) -> Tensor:
        """Apply ``(I - alpha S)^-1``, which is symmetric: the row of a node is the answer to its unit seed.

        Args:
            seeds: one column a row, float32, shape ``(C, N)``.

        Returns:
            Scores, linear in the seeds, float32, shape ``(C, N)``.
        """
        return torch.cholesky_solve(seeds.T, self.lower).T


def factorise(graph: PatchGraph, alpha: float) -> Factor:
    """Factorise ``I - alpha S`` of a patch graph.

    Args:
        graph: at most ``FACTOR_NODES`` nodes.
        alpha: share kept from neighbours, in ``[0, 1)``.

    Returns:
        The factor, on the device of the graph.

    Raises:
        ValueError: if the graph is too large to be held densely.
    """
    if graph.nodes > FACTOR_NODES:
        raise ValueError(
            f"a factor is held for at most {FACTOR_NODES} nodes, got {graph.nodes}; use converge"
        )
    system = graph.dense() * -alpha
    system.diagonal().add_(1)
    return Factor(torch.linalg.cholesky(system))


def solve_in_chunks(solve: Solve, columns: Tensor, width: int) -> Tensor:
    """Solve columns in chunks that are always ``width`` wide, the last one filled up with zeros.

    A matrix product may sum in another order for another width. With one width a column gets the same bits
    alone, beside others and at any place, so a kept column equals one computed afresh.

    Args:
        solve: maps ``(width, ...)`` to one row a column.
        columns: shape ``(C, ...)``.
        width: columns of a chunk.

    Returns:
        The answers, one row a column.
    """
    answers = []
    for chunk in torch.split(columns, width):
        padded = columns.new_zeros(width, *columns.shape[1:])
        padded[: len(chunk)] = chunk
        answers.append(solve(padded)[: len(chunk)])
    return torch.cat(answers)
