import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lposs_core import LPOSSConfig, build_patch_graph, build_pixel_graph, propagate, refine

CONFIG = LPOSSConfig(k=25)


def patches(classes: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    features = F.normalize(torch.randn(90, 12) + 0.4, dim=1)
    return features, torch.randn(90, classes), torch.rand(90, 2) * 200


def picture() -> np.ndarray:
    return np.random.default_rng(2).integers(90, 130, (17, 23, 3), np.uint8)


@pytest.mark.parametrize("solver", ["published", "exact"])
def test_the_answer_is_of_the_kind_that_came_in(solver: str):
    config = CONFIG.replace(solver=solver)
    features, seeds, positions = patches()
    spread = propagate(features, seeds, positions, config)
    assert isinstance(spread, Tensor)
    arrays = propagate(features.numpy(), seeds.double().numpy(), positions.numpy(), config)
    assert isinstance(arrays, np.ndarray)
    assert arrays.dtype == np.float32
    np.testing.assert_array_equal(arrays, spread.numpy())

    scores = torch.randn(17, 23, 2)
    refined = refine(picture(), scores, config)
    assert isinstance(refined, Tensor)
    np.testing.assert_array_equal(refine(picture(), scores.numpy(), config), refined.numpy())


def test_read_only_arrays_are_read_and_not_changed():
    arrays = [array.numpy() for array in patches()] + [np.ones((17, 23, 2), np.float32), picture()]
    copies = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    features, seeds, positions, scores, image = arrays
    propagate(features, seeds, positions, CONFIG)
    refine(image, scores, CONFIG)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("solver", ["published", "exact"])
def test_the_largest_alpha_gives_finite_scores(solver: str):
    config = CONFIG.replace(alpha=0.9999, solver=solver)
    features, seeds, positions = patches()
    assert torch.isfinite(propagate(features, seeds, positions, config)).all()
    assert torch.isfinite(refine(picture(), torch.randn(17, 23, 2), config)).all()


@pytest.mark.parametrize("solver", ["published", "exact"])
def test_no_propagation_is_the_identity(solver: str):
    config = CONFIG.replace(alpha=0.0, solver=solver)
    features, seeds, positions = patches()
    assert torch.equal(propagate(features, seeds, positions, config), seeds)
    scores = torch.randn(17, 23, 3)
    assert torch.equal(refine(picture(), scores, config), scores)


@pytest.mark.parametrize("solver", ["published", "exact"])
def test_permuting_classes_permutes_scores(solver: str):
    config = CONFIG.replace(solver=solver)
    features, seeds, positions = patches(classes=20)
    order = torch.randperm(20)
    spread = propagate(features, seeds, positions, config)
    assert torch.equal(propagate(features, seeds[:, order], positions, config), spread[:, order])
    scores = torch.randn(17, 23, 20)
    refined = refine(picture(), scores, config)
    assert torch.equal(refine(picture(), scores[:, :, order], config), refined[:, :, order])


def test_exact_patch_scores_equal_a_dense_solve():
    features, seeds, positions = patches()
    affinity = build_patch_graph(features, positions, CONFIG).dense().double()
    expected = torch.linalg.solve(torch.eye(90, dtype=torch.float64) - 0.95 * affinity, seeds.double())
    spread = propagate(features, seeds, positions, CONFIG.replace(solver="exact"))
    torch.testing.assert_close(spread.double(), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def test_exact_pixel_scores_equal_a_dense_solve():
    config = CONFIG.replace(solver="exact", tau=0.02, r=5)
    graph = build_pixel_graph(picture(), config.tau, config.r)
    affinity = graph.multiply(torch.eye(graph.nodes)).double()
    scores = torch.randn(17, 23, 7)
    system = torch.eye(graph.nodes, dtype=torch.float64) - 0.95 * affinity
    expected = torch.linalg.solve(system, scores.double().flatten(0, 1)).view(scores.shape)
    refined = refine(picture(), scores, config).double()
    torch.testing.assert_close(refined, expected, rtol=0, atol=2e-5 * float(expected.abs().max()))


def test_ten_steps_come_near_the_exact_answer():
    features, seeds, positions = patches()
    ten = propagate(features, seeds, positions, CONFIG)
    forty = propagate(features, seeds, positions, CONFIG.replace(cg_maxiter=40))
    exact = propagate(features, seeds, positions, CONFIG.replace(solver="exact"))
    assert (ten - exact).abs().max() > (forty - exact).abs().max()
    torch.testing.assert_close(forty, exact, rtol=0, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("solver", ["published", "exact"])
def test_cuda_gives_the_numbers_of_the_processor(solver: str):
    config = CONFIG.replace(solver=solver)
    arrays = patches()
    spread = propagate(*(array.cuda() for array in arrays), config)
    torch.testing.assert_close(spread.cpu(), propagate(*arrays, config), rtol=0, atol=1e-4)
    scores = torch.randn(17, 23, 2)
    refined = refine(picture(), scores.cuda(), config)
    torch.testing.assert_close(refined.cpu(), refine(picture(), scores, config), rtol=0, atol=1e-4)


def test_wrong_shapes_and_values_are_named():
    features, seeds, positions = patches()
    with pytest.raises(ValueError, match=r"seeds must have shape \(N, C\) with N = 90 nodes, got \(12, 4\)"):
        propagate(features, seeds[:12], positions, CONFIG)
    with pytest.raises(ValueError, match="features must be finite, got 12 other values"):
        propagate(features.index_fill(0, torch.tensor([3]), float("nan")), seeds, positions, CONFIG)
    with pytest.raises(ValueError, match=r"\(H, W\) = \(17, 23\) of the image, got \(17, 22, 2\)"):
        refine(picture(), torch.zeros(17, 22, 2), CONFIG)
    with pytest.raises(TypeError, match="uint8"):
        refine(picture().astype(np.float32), torch.zeros(17, 23, 2), CONFIG)
