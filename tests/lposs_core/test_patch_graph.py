import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lposs_core import patch_graph
from lposs_core.config import LPOSSConfig
from lposs_core.patch_graph import build_patch_graph


def cloud(nodes: int, size: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    return F.normalize(torch.randn(nodes, size), dim=1), torch.rand(nodes, 2) * 200


def brute_force(features: np.ndarray, positions: np.ndarray, config: LPOSSConfig) -> np.ndarray:
    nodes = len(features)
    weights = np.zeros((nodes, nodes))
    for i in range(nodes):
        for j in np.argsort(-(features @ features[i]))[: config.k]:
            distance = math.dist(positions[i], positions[j])
            looks = max(features[i] @ features[j], 0) ** config.gamma
            weights[i, j] = looks * math.exp(-config.sigma * distance**config.pix_dist_pow)
    weights = weights + weights.T
    np.fill_diagonal(weights, 0)
    degrees = weights.sum(1)
    degrees[degrees == 0] = 1
    return weights / np.sqrt(np.outer(degrees, degrees))


@pytest.mark.parametrize("dense_nodes", [1000, 1])
@pytest.mark.parametrize("pix_dist_pow", [1.0, 2.0])
def test_the_graph_equals_its_formula(dense_nodes: int, pix_dist_pow: float):
    features, positions = cloud(40)
    config = LPOSSConfig(k=9, gamma=2.0, sigma=0.003, pix_dist_pow=pix_dist_pow)
    graph = build_patch_graph(features, positions, config, dense_nodes=dense_nodes)
    expected = brute_force(features.double().numpy(), positions.double().numpy(), config)
    np.testing.assert_allclose(graph.dense().numpy(), expected, atol=1e-6)


def test_dense_and_sparse_graphs_are_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patch_graph, "_ROWS", 64)  # several blocks, the last one short
    features, positions = cloud(300)
    config = LPOSSConfig(k=30)
    dense = build_patch_graph(features, positions, config)
    sparse = build_patch_graph(features, positions, config, dense_nodes=10)
    assert sparse.affinity.layout == torch.sparse_csr
    assert sparse.nbytes < dense.nbytes
    torch.testing.assert_close(sparse.dense(), dense.affinity, rtol=0, atol=1e-7)
    columns = torch.randn(5, 300)
    torch.testing.assert_close(sparse.multiply(columns), dense.multiply(columns))


@pytest.mark.parametrize("dense_nodes", [1000, 1])
def test_the_affinity_is_symmetric_and_ties_nobody_to_itself(dense_nodes: int):
    affinity = build_patch_graph(*cloud(120), LPOSSConfig(k=12), dense_nodes=dense_nodes).dense()
    torch.testing.assert_close(affinity, affinity.T, rtol=0, atol=1e-7)
    assert affinity.diagonal().abs().max() == 0
    assert affinity.min() >= 0
    assert torch.linalg.eigvalsh(affinity.double()).abs().max() <= 1 + 1e-6


@pytest.mark.parametrize("dense_nodes", [10, 1])
def test_a_patch_unlike_all_others_stays_alone(dense_nodes: int):
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    graph = build_patch_graph(features, torch.zeros(3, 2), LPOSSConfig(), dense_nodes=dense_nodes)
    expected = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(graph.dense(), expected)


def test_a_single_patch_has_no_ties():
    graph = build_patch_graph(torch.ones(1, 3), torch.zeros(1, 2), LPOSSConfig())
    assert graph.affinity.tolist() == [[0.0]]


def test_wrong_shapes_and_too_many_patches_are_named(monkeypatch: pytest.MonkeyPatch):
    features, positions = cloud(20)
    with pytest.raises(ValueError, match=r"\(N, 2\) with N = 20"):
        build_patch_graph(features, positions[:5], LPOSSConfig())
    with pytest.raises(ValueError, match=r"\(N, D\)"):
        build_patch_graph(features[0], positions, LPOSSConfig())
    monkeypatch.setattr(patch_graph, "MAX_NODES", 19)
    with pytest.raises(ValueError, match="larger stride"):
        build_patch_graph(features, positions, LPOSSConfig())
