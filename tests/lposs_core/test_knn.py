import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lposs_core import knn
from lposs_core.knn import nearest_neighbours


def unit_vectors(nodes: int, size: int = 24) -> torch.Tensor:
    return F.normalize(torch.randn(nodes, size), dim=1)


@pytest.mark.parametrize("backend", ["torch", "faiss", "auto"])
def test_neighbours_equal_a_full_sort(backend: knn.Knn):
    features = unit_vectors(1300)  # more rows than are held at a time
    similarities, indices = nearest_neighbours(features, 50, backend)
    products = features.double().numpy() @ features.double().numpy().T
    expected = np.argsort(-products, axis=1)[:, :50]
    np.testing.assert_array_equal(indices.numpy(), expected)
    np.testing.assert_allclose(similarities.numpy(), np.take_along_axis(products, expected, 1), atol=1e-6)


def test_faiss_and_torch_give_the_same_numbers():
    features = unit_vectors(600)
    for ours, theirs in zip(*(nearest_neighbours(features, 100, b) for b in ("torch", "faiss")), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=3e-7)


def test_no_more_neighbours_than_nodes():
    similarities, indices = nearest_neighbours(unit_vectors(7), 400)
    assert similarities.shape == indices.shape == (7, 7)
    assert indices.sort(1).values.tolist() == [list(range(7))] * 7


def test_auto_does_without_faiss(monkeypatch: pytest.MonkeyPatch):
    features = unit_vectors(60)
    monkeypatch.setattr(knn, "_FAISS_PAYS_FROM", 10)
    with_faiss = nearest_neighbours(features, 5, "auto")
    monkeypatch.setattr(knn, "_faiss_is_installed", lambda: False)
    without = nearest_neighbours(features, 5, "auto")
    assert torch.equal(with_faiss[1], without[1])
    with pytest.raises(RuntimeError, match="faiss-cpu or faiss-gpu"):
        nearest_neighbours(features, 5, "faiss")
