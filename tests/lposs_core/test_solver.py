import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lposs_core import solver
from lposs_core.config import LPOSSConfig
from lposs_core.patch_graph import PatchGraph, build_patch_graph
from lposs_core.solver import conjugate_gradients, converge, factorise, solve_in_chunks


@pytest.fixture
def graph() -> PatchGraph:
    features = F.normalize(torch.randn(150, 10) + 0.5, dim=1)
    return build_patch_graph(features, torch.rand(150, 2) * 300, LPOSSConfig(k=20))


def solve_densely(graph: PatchGraph, seeds: Tensor, alpha: float = 0.95) -> Tensor:
    system = torch.eye(graph.nodes, dtype=torch.float64) - alpha * graph.dense().double()
    return torch.linalg.solve(system, seeds.double().T).T


def plain_conjugate_gradients(matrix: np.ndarray, seed: np.ndarray, steps: int) -> np.ndarray:
    scores, residual = np.zeros_like(seed), seed.copy()
    direction = residual.copy()
    for _ in range(steps):
        if np.linalg.norm(residual) <= 1e-6 * np.linalg.norm(seed):
            break
        product = matrix @ direction
        step = residual @ residual / (direction @ product)
        scores = scores + step * direction
        smaller = residual - step * product
        direction = smaller + smaller @ smaller / (residual @ residual) * direction
        residual = smaller
    return scores


def relative(ours: Tensor, expected: Tensor) -> float:
    return float((ours.double() - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("solve", ["published", "exact", "factor"])
def test_two_linked_nodes_match_the_hand_solution(solve: str):
    graph = PatchGraph(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    seeds = torch.tensor([[1.0, 0.0]])  # only node 0 is labelled
    spread = {
        "published": lambda: conjugate_gradients(graph, seeds, 0.5, 1e-6, 10),
        "exact": lambda: converge(graph, seeds, 0.5),
        "factor": lambda: factorise(graph, 0.5).solve(seeds),
    }[solve]()
    torch.testing.assert_close(
        spread, torch.tensor([[4 / 3, 2 / 3]])
    )  # (I - S/2)^-1 (1, 0)^T by Cramer's rule


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_published_steps_equal_plain_float64_steps(graph: PatchGraph, steps: int):
    seeds = torch.randn(6, graph.nodes)
    system = np.eye(graph.nodes) - 0.95 * graph.dense().double().numpy()
    ours = conjugate_gradients(graph, seeds, 0.95, 1e-6, steps)
    for column, seed in zip(ours, seeds.double().numpy(), strict=True):
        assert relative(column, torch.from_numpy(plain_conjugate_gradients(system, seed, steps))) < 2e-6


@pytest.mark.parametrize("alpha", [0.5, 0.95, 0.99])
def test_exact_solvers_equal_a_dense_solve(graph: PatchGraph, alpha: float):
    seeds = torch.randn(6, graph.nodes)
    expected = solve_densely(graph, seeds, alpha)
    assert relative(factorise(graph, alpha).solve(seeds), expected) < 2e-5
    assert relative(converge(graph, seeds, alpha), expected) < 5e-5


def test_exact_is_linear_in_the_seeds(graph: PatchGraph):
    factor = factorise(graph, 0.95)
    one, other = torch.randn(2, 1, graph.nodes)
    together = factor.solve(2 * one - 3 * other)
    torch.testing.assert_close(together, 2 * factor.solve(one) - 3 * factor.solve(other), rtol=0, atol=1e-4)


def test_a_unit_seed_gives_the_influence_of_every_patch(graph: PatchGraph):
    factor, seeds = factorise(graph, 0.95), torch.randn(1, graph.nodes)
    unit = torch.zeros(1, graph.nodes)
    unit[0, 17] = 1
    influence = factor.solve(unit)
    torch.testing.assert_close((influence * seeds).sum(), factor.solve(seeds)[0, 17], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("steps", [1, 10])
def test_no_propagation_is_the_identity(graph: PatchGraph, steps: int):
    seeds = torch.randn(3, graph.nodes)
    assert torch.equal(conjugate_gradients(graph, seeds, 0.0, 1e-6, steps), seeds)
    assert torch.equal(converge(graph, seeds, 0.0), seeds)
    assert torch.equal(factorise(graph, 0.0).solve(seeds), seeds)


def test_empty_columns_stay_empty_beside_others(graph: PatchGraph):
    seeds = torch.zeros(3, graph.nodes)
    seeds[1] = torch.randn(graph.nodes)
    scores = conjugate_gradients(graph, seeds, 0.95, 1e-6, 10)
    assert torch.isfinite(scores).all()
    assert scores[[0, 2]].abs().max() == 0


def test_a_column_that_is_done_early_is_left_alone(graph: PatchGraph):
    easy = torch.linalg.eigh(graph.dense().double()).eigenvectors[:, 3].float()  # one step solves it
    seeds = torch.stack([easy, torch.randn(graph.nodes)])
    few, many = (conjugate_gradients(graph, seeds, 0.95, 1e-4, steps) for steps in (2, 30))
    assert torch.equal(few[0], many[0])
    assert not torch.equal(few[1], many[1])


@pytest.mark.parametrize("dense_nodes", [1000, 1])
@pytest.mark.parametrize("solver_name", ["published", "factor"])
def test_a_column_has_the_same_bits_alone_and_at_any_place(dense_nodes: int, solver_name: str):
    features = F.normalize(torch.randn(333, 10) + 0.5, dim=1)
    graph = build_patch_graph(features, torch.rand(333, 2) * 300, LPOSSConfig(k=20), dense_nodes=dense_nodes)
    factor = factorise(graph, 0.95)

    def solve(seeds: Tensor) -> Tensor:
        if solver_name == "factor":
            return factor.solve(seeds)
        return conjugate_gradients(graph, seeds, 0.95, 1e-6, 10)

    column = torch.randn(1, 333)
    alone = solve_in_chunks(solve, column, 16)[0]
    for count in (2, 16, 37):
        for place in {0, 1, count // 2, count - 1}:
            others = torch.randn(count, 333)
            others[place] = column[0]
            assert torch.equal(solve_in_chunks(solve, others, 16)[place], alone)


def test_chunks_give_what_one_solve_gives(graph: PatchGraph):
    seeds = torch.randn(21, graph.nodes)
    factor = factorise(graph, 0.9)
    torch.testing.assert_close(solve_in_chunks(factor.solve, seeds, 8), factor.solve(seeds))


def test_a_graph_too_large_for_a_factor_is_refused(graph: PatchGraph, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(solver, "FACTOR_NODES", 149)
    with pytest.raises(ValueError, match="at most 149 nodes, got 150"):
        factorise(graph, 0.95)
