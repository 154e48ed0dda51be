import importlib.util

import numpy as np
import pytest
import scipy.sparse
import torch
import torch.nn.functional as F

from lposs_core import LPOSSConfig, cupy_product
from lposs_core.patch_graph import PatchGraph, build_patch_graph


def sparse_graph(device: str = "cpu") -> PatchGraph:
    features = F.normalize(torch.randn(300, 16), dim=1).to(device)
    positions = (torch.rand(300, 2) * 448).to(device)
    return build_patch_graph(features, positions, LPOSSConfig(k=40), dense_nodes=100)


def test_the_product_equals_torch_on_the_same_graph():
    # NumPy and SciPy speak the interface that CuPy copies, so the path runs without a GPU.
    graph, columns = sparse_graph(), torch.randn(7, 300)
    product = cupy_product.product_with(np, scipy.sparse, graph.affinity, columns)
    assert product.is_contiguous()
    torch.testing.assert_close(product, columns @ graph.dense(), rtol=1e-5, atol=1e-6)


def test_graphs_on_the_cpu_stay_with_torch():
    assert not cupy_product.is_usable(sparse_graph().affinity)


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.cuda.is_available() or importlib.util.find_spec("cupy") is None, reason="needs CUDA and cupy"
)
def test_cupy_and_torch_agree_on_cuda():
    graph, columns = sparse_graph("cuda"), torch.randn(7, 300, device="cuda")
    assert cupy_product.is_usable(graph.affinity)
    torch.testing.assert_close(
        graph.multiply(columns), (graph.affinity @ columns.T).T.contiguous(), rtol=1e-5, atol=1e-6
    )
