from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from attribution import check_solve, implicit_solve, influence
from lposs_core import propagate
from lposs_core.config import LPOSSConfig
from lposs_core.patch_graph import PatchGraph, build_patch_graph
from lposs_core.propagation import patch_solver
from lposs_core.solver import converge

ALPHA = 0.95
NODES = 40
EXACT = LPOSSConfig(solver="exact", k=12)


def _inverse(nodes: int) -> Tensor:
    """Dense inverse of a random symmetric system, float64."""
    weights = torch.rand(nodes, nodes, dtype=torch.float64)
    weights = (weights + weights.T).fill_diagonal_(0)
    scale = weights.sum(1).rsqrt()
    return torch.linalg.inv(torch.eye(nodes, dtype=torch.float64) - ALPHA * scale[:, None] * weights * scale)


def _scene() -> tuple[Tensor, Tensor, PatchGraph]:
    features = torch.nn.functional.normalize(torch.randn(NODES, 8), dim=1)
    positions = torch.cartesian_prod(torch.arange(8.0), torch.arange(5.0)) * 16
    return features, positions, build_patch_graph(features, positions, EXACT)


def test_two_linked_nodes_match_the_hand_solution():
    inverse = torch.tensor([[4 / 3, 2 / 3], [2 / 3, 4 / 3]])  # (I - S/2)^-1 with S = [[0, 1], [1, 0]]
    seeds = torch.tensor([[1.0, 0.0]], requires_grad=True)
    solution = implicit_solve(lambda y: y @ inverse, seeds)
    torch.testing.assert_close(solution.detach(), torch.tensor([[4 / 3, 2 / 3]]))
    (gradient,) = torch.autograd.grad(solution[0, 1], seeds)
    torch.testing.assert_close(gradient, torch.tensor([[2 / 3, 4 / 3]]))
    torch.testing.assert_close(
        influence(lambda y: y @ inverse, torch.tensor([0.0, 1.0])), torch.tensor([2 / 3, 4 / 3])
    )


def test_gradients_equal_finite_differences_to_second_order():
    inverse = _inverse(6)

    def nonlinear(seeds: Tensor) -> Tensor:
        return implicit_solve(lambda y: y @ inverse, seeds.sin()).square()

    seeds = torch.randn(2, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(nonlinear, (seeds,))
    assert torch.autograd.gradgradcheck(nonlinear, (seeds,))


def test_gradients_equal_those_of_a_recorded_solve():
    inverse = _inverse(9)
    seeds = torch.randn(3, 9, dtype=torch.float64, requires_grad=True)
    recorded = (seeds @ inverse).softmax(0)[1].mean()
    implicit = implicit_solve(lambda y: y.detach() @ inverse, seeds).softmax(0)[1].mean()
    torch.testing.assert_close(
        torch.autograd.grad(implicit, seeds)[0], torch.autograd.grad(recorded, seeds)[0]
    )


@pytest.mark.parametrize("solver", ["factor", "converge"])
def test_the_lposs_score_has_the_gradient_of_finite_differences(solver: str):
    _, _, graph = _scene()
    solve: Callable[[Tensor], Tensor] = (
        patch_solver(graph, EXACT) if solver == "factor" else partial(converge, graph, alpha=ALPHA)
    )
    texts = torch.nn.functional.normalize(torch.randn(3, 8), dim=1)

    def score(points: Tensor) -> Tensor:  # from patch features to the probability of class 1 at patch 7
        seeds = texts @ torch.nn.functional.normalize(points, dim=1).T
        return (implicit_solve(solve, seeds) * (100 * (1 - ALPHA))).softmax(0)[1, 7]

    points = torch.randn(NODES, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(score(points), points)
    for direction in torch.nn.functional.normalize(torch.randn(4, NODES * 8), dim=1).reshape(4, NODES, 8):
        with torch.no_grad():
            step = 0.02 * direction
            slope = (
                8 * (score(points + step) - score(points - step))
                - (score(points + 2 * step) - score(points - 2 * step))
            ) / 0.24
        torch.testing.assert_close((gradient * direction).sum(), slope, rtol=2e-2, atol=2e-3)


def test_influence_equals_perturbing_each_seed_and_propagating_again():
    features, positions, graph = _scene()
    solve = patch_solver(graph, EXACT)
    weights = torch.zeros(NODES)
    weights[[11, 12, 16, 17]] = torch.tensor([0.4, 0.3, 0.2, 0.1])  # a pixel between four patches
    seeds = torch.rand(NODES, 1)
    before = propagate(features, seeds, positions, EXACT)[:, 0] @ weights
    brute = []
    for node in range(NODES):
        perturbed = seeds.clone()
        perturbed[node] += 1
        brute.append(propagate(features, perturbed, positions, EXACT)[:, 0] @ weights - before)
    exact = influence(solve, weights)
    np.testing.assert_allclose(exact, torch.stack(brute), atol=1e-5)
    assert float(exact @ seeds[:, 0]) == pytest.approx(float(before), rel=1e-5)


def test_influence_equals_the_row_of_the_inverse_for_several_pixels():
    _, _, graph = _scene()
    system = torch.eye(NODES, dtype=torch.float64) - ALPHA * graph.dense().double()
    rows = torch.linalg.inv(system)[[3, 30]]
    weights = torch.eye(NODES)[[3, 30]].requires_grad_()
    exact = influence(patch_solver(graph, EXACT), weights)
    torch.testing.assert_close(exact.double(), rows, rtol=0, atol=1e-5)
    assert not exact.requires_grad
    with pytest.raises(ValueError, match=r"\(N,\) or \(P, N\), got \(1, 2, 3\)"):
        influence(patch_solver(graph, EXACT), torch.zeros(1, 2, 3))


def test_solvers_are_checked():
    _, _, graph = _scene()
    assert check_solve(patch_solver(graph, EXACT), NODES) < 1e-5
    assert check_solve(partial(converge, graph, alpha=ALPHA), NODES) < 1e-4
    few = patch_solver(graph, LPOSSConfig(cg_maxiter=2))
    with pytest.raises(ValueError, match=r"must be linear and symmetric.*exact solver"):
        check_solve(few, NODES)
    lopsided = torch.rand(NODES, NODES)
    with pytest.raises(ValueError, match="must be linear and symmetric"):
        check_solve(lambda y: y @ lopsided, NODES)
    assert check_solve(lambda y: y, 5, like=torch.zeros(1, dtype=torch.float64)) == 0


def test_the_solver_may_refuse_gradients():
    inverse = _inverse(4).numpy()

    def in_numpy(columns: Tensor) -> Tensor:
        return torch.from_numpy(columns.numpy() @ inverse)

    seeds: Any = torch.rand(1, 4, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(implicit_solve(in_numpy, seeds)[0, 2], seeds)
    np.testing.assert_allclose(gradient[0], inverse[2])
