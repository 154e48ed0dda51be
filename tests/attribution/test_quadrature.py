from __future__ import annotations

import numpy as np
import pytest

from attribution.quadrature import Route, gauss_legendre


@pytest.mark.parametrize("count", [1, 2, 16, 128])
def test_gauss_legendre_is_exact_to_its_degree(count: int):
    nodes, weights = gauss_legendre(count)
    for power in (0, 1, count, 2 * count - 1):
        assert float((weights * nodes**power).sum()) == pytest.approx(1 / (power + 1), rel=1e-12)


@pytest.mark.parametrize("count", [1, 7, 16, 20])
def test_while_only_the_ends_are_known_the_quadrature_is_the_plain_one(count: int):
    for found, expected in zip(Route(0.0, 1.0).nodes(count), gauss_legendre(count), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("count", [1, 5, 8, 20, 33, 128])
@pytest.mark.parametrize("scores", [[0.0, 0.0, 0.0], [0.1, 0.9, 0.2], [1.0, 1.0, 1.0]])
def test_every_piece_is_integrated_to_its_degree(count: int, scores: list[float]):
    route = Route(0.0, 1.0)
    route.learn([0.5, 0.2, 0.7], scores)
    nodes, weights = route.nodes(count)
    assert len(nodes) == len(weights) == count
    assert (np.diff(nodes) > 0).all()
    assert (weights > 0).all()
    for power in range(2 * min(count, 8)):
        assert float((weights * nodes**power).sum()) == pytest.approx(1 / (power + 1), rel=1e-12)


def test_most_nodes_stand_where_the_score_moves():
    route = Route(0.0, 1.0)
    route.learn([0.3, 0.4, 0.8], [0.0, 1.0, 1.0])
    nodes, _ = route.nodes(32)
    # pieces end where the movement (1 in all) and a quarter of the way (0.25 in all) make equal parts
    run, places = np.array([0, 0.075, 1.1, 1.25]), np.array([0, 0.3, 0.4, 1])
    cuts = np.interp(np.arange(5) * 1.25 / 4, run, places)
    inside, _ = gauss_legendre(8)
    np.testing.assert_allclose(nodes[:8], cuts[1] * inside)
    np.testing.assert_allclose(nodes[-8:], cuts[3] + (1 - cuts[3]) * inside)
    assert ((nodes > 0.3) & (nodes < 0.4)).sum() >= 16


def test_what_is_learnt_later_moves_the_nodes():
    route = Route(0.0, 0.0)
    route.learn([0.5], [0.0])
    even = route.nodes(16)[0]
    np.testing.assert_allclose(even, 1 - even[::-1])
    route.learn([0.9], [1.0])
    assert (route.nodes(16)[0] > 0.5).sum() > (even > 0.5).sum()
