from pathlib import Path

import numpy as np
import pytest
import torch

from lposs_core.pixel_graph import build_pixel_graph, half_plane_offsets, rgb_to_lab, scaled_lab


def picture(height: int, width: int, spread: int = 40) -> np.ndarray:
    return np.random.default_rng(1).integers(100, 100 + spread, (height, width, 3), np.uint8)


def brute_force(image: np.ndarray, tau: float, r: int) -> np.ndarray:
    height, width = image.shape[:2]
    lab = scaled_lab(image).permute(1, 2, 0).double().numpy()
    weights = np.zeros((height, width, height, width))
    for y in range(height):
        for x in range(width):
            for v in range(max(y - r // 2, 0), min(y + r // 2 + 1, height)):
                for u in range(max(x - r // 2, 0), min(x + r // 2 + 1, width)):
                    weights[y, x, v, u] = np.exp(-np.linalg.norm(lab[y, x] - lab[v, u]) / tau)
    weights = weights.reshape(height * width, -1)
    np.fill_diagonal(weights, 0)
    degrees = weights.sum(1)
    degrees[degrees == 0] = 1
    return weights / np.sqrt(np.outer(degrees, degrees))


def dense(image: np.ndarray, tau: float, r: int) -> np.ndarray:
    graph = build_pixel_graph(image, tau, r)
    return graph.multiply(torch.eye(graph.nodes)).numpy()


def test_lab_equals_the_published_conversion(golden_lposs: Path):
    tables = np.load(golden_lposs / "t01_tables.npz")
    lab = rgb_to_lab(torch.from_numpy(tables["down"]).permute(2, 0, 1) / 255)
    np.testing.assert_allclose(lab.permute(1, 2, 0).numpy(), tables["lab_of_down"], atol=2e-5)


def test_lab_of_black_white_and_red():
    lab = rgb_to_lab(torch.tensor([[0.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])[:, None])
    expected = torch.tensor([[0.0, 100.0, 53.24], [0.0, 0.0, 80.09], [0.0, 0.0, 67.20]])
    torch.testing.assert_close(lab[:, 0], expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("r", [3, 5, 13])
def test_the_graph_equals_its_formula(r: int):
    image = picture(9, 11)
    np.testing.assert_allclose(dense(image, 0.02, r), brute_force(image, 0.02, r), atol=2e-6)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (40, 1), (3, 2), (2, 30)])
def test_pictures_narrower_than_the_square_work(height: int, width: int):
    image = picture(height, width)
    np.testing.assert_allclose(dense(image, 0.05, 13), brute_force(image, 0.05, 13), atol=2e-6)


def test_nothing_wraps_round_the_border():
    image = np.zeros((6, 8, 3), np.uint8)  # one colour: every tie is 1 before normalisation
    affinity = dense(image, 0.01, 3).reshape(6, 8, 6, 8)
    assert affinity[2, 7, 3, 0] == 0
    assert np.count_nonzero(affinity[2, 7]) == 5
    assert np.count_nonzero(affinity[2, 4]) == 8


def test_a_square_of_13_has_84_offsets_below_or_right_of_its_centre():
    offsets = half_plane_offsets(6)
    opposite = {(-dy, -dx) for dy, dx in offsets}
    assert len(set(offsets)) == 84
    assert set(offsets) | opposite | {(0, 0)} == {(y, x) for y in range(-6, 7) for x in range(-6, 7)}


def test_a_square_of_one_pixel_ties_nothing():
    graph = build_pixel_graph(picture(4, 5), r=1)
    assert graph.multiply(torch.ones(1, 20)).abs().max() == 0


def test_memory_is_84_float32_planes():
    graph = build_pixel_graph(picture(60, 50))
    assert graph.nbytes == 84 * 60 * 50 * 4


def test_a_column_has_the_same_bits_beside_any_others():
    graph = build_pixel_graph(picture(70, 90))
    column = torch.randn(1, graph.nodes)
    alone = graph.multiply(column)[0]
    for width in range(2, 6):
        others = torch.randn(width, graph.nodes)
        for place in range(width):
            others[place] = column[0]
            assert torch.equal(graph.multiply(others)[place], alone)
