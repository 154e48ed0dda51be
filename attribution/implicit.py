"""Gradients and influences through the solution of ``(I - alpha S) x = y``.

``S`` is treated as a constant: what the picture changes in the graph is left out of the gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Solve = Callable[[Tensor], Tensor]

SOLVE_TOLERANCE = 1e-3  # of the answer; conjugate gradients stopped at 1e-6 stay far below


class _ImplicitSolve(torch.autograd.Function):
    """``x = A y`` with a symmetric ``A``: the gradient with respect to ``y`` is ``A`` times that of ``x``."""

    @staticmethod
    def forward(ctx: Any, seeds: Tensor, solve: Solve) -> Tensor:
        ctx.solve = solve
        return solve(seeds)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return implicit_solve(ctx.solve, gradients[0]), None


def implicit_solve(solve: Solve, seeds: Tensor) -> Tensor:
    """Solve, and let gradients flow back to the seeds by solving once more.

    Nothing of the solver is recorded, so it may run without gradients, iterate or call other libraries.
    A solver that stops early (the published ten steps) is not linear in its seeds, and its gradient would
    not be this one: see :func:`check_solve`.

    Args:
        solve: applies ``(I - alpha S)^-1``, symmetric, to columns ``(C, N)``; ``S`` counts as constant.
        seeds: one column a row, shape ``(C, N)``.

    Returns:
        The solution, shape ``(C, N)``.
    """
    answer: Tensor = _ImplicitSolve.apply(seeds, solve)
    return answer


def influence(solve: Solve, weights: Tensor) -> Tensor:
    """Compute what every seed adds to a score ``w . x``, exactly: the row ``w^T (I - alpha S)^-1``.

    Times the seeds of a class, and summed, it is the score: no baseline, no approximation.

    Args:
        solve: applies ``(I - alpha S)^-1``, linear and symmetric, to columns ``(C, N)``.
        weights: how much of the score each node's solution is, shape ``(N,)``, or ``(P, N)`` for P scores: 1
            at one node, or the interpolation weights of a pixel.

    Returns:
        Influence of the seed of each node, shape of ``weights``.

    Raises:
        ValueError: if the weights have another shape.
    """
    if weights.ndim not in (1, 2):
        raise ValueError(f"weights must have shape (N,) or (P, N), got {tuple(weights.shape)}")
    with torch.no_grad():
        rows = solve(weights.detach().reshape(-1, weights.shape[-1]))
    return rows.reshape(weights.shape)


def check_solve(
    solve: Solve, nodes: int, *, tolerance: float = SOLVE_TOLERANCE, like: Tensor | None = None
) -> float:
    """Measure whether a solver is linear and symmetric, on which influence and gradients rest.

    Three solves of random seeds: ``A (u + v) = A u + A v`` and ``u . A v = v . A u``.

    Args:
        solve: maps columns ``(C, N)`` to columns.
        nodes: ``N``.
        tolerance: largest error allowed, in parts of the answers.
        like: a tensor of the dtype and on the device of the seeds; float32 on the CPU by default.

    Returns:
        The larger of the two errors.

    Raises:
        ValueError: if it is above the tolerance.
    """
    generator = torch.Generator().manual_seed(0)
    seeds = torch.randn(2, nodes, generator=generator)
    seeds = seeds if like is None else seeds.to(like)
    with torch.no_grad():
        first, second, both = (solve(part)[0] for part in (seeds[:1], seeds[1:], seeds.sum(0, keepdim=True)))
    linear = (first + second - both).norm() / both.norm()
    symmetric = (seeds[0] @ second - seeds[1] @ first).abs() / (seeds[0].norm() * second.norm())
    error = float(torch.maximum(linear, symmetric))
    if not error <= tolerance:
        raise ValueError(
            f"the solver must be linear and symmetric to {tolerance:g}, its error is {error:.2g}; "
            "pass one that converges, such as the exact solver, not one that stops after a few steps"
        )
    return error
