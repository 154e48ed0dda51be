import numpy as np
import pytest

from pipelines.defects import outline
from pipelines.defects.outlines import signed_area


def inside(rings, height, width):
    """Which pixel centres lie inside, by counting the vertical edges to the left (even-odd rule)."""
    counts = np.zeros((height, width + 1), int)
    for ring in rings:
        for (x, y), (u, v) in zip(ring, (*ring[1:], ring[0]), strict=True):
            assert x == u or y == v, "outlines run along the edges of pixels"
            if x == u:
                counts[min(y, v) : max(y, v), x] += 1
    return (counts.cumsum(1)[:, :width] % 2).astype(bool)


def masks():
    draw = np.random.default_rng(1)
    for share in (0.2, 0.5, 0.7, 0.95):
        for _ in range(12):
            yield draw.random((17, 23)) < share
    yield np.ones((9, 9), bool)
    yield np.eye(8, dtype=bool)
    yield np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], bool)
    yield np.array([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]], bool)


@pytest.mark.parametrize("mask", list(masks()))
def test_polygons_cover_exactly_the_mask(mask):
    pieces = outline(mask)
    found = np.zeros_like(mask)
    for piece in pieces:
        covered = inside([piece.exterior, *piece.holes], *mask.shape)
        assert not (covered & found).any(), "pieces do not overlap"
        found |= covered
        assert signed_area(piece.exterior) + sum(map(signed_area, piece.holes)) == covered.sum()
    assert np.array_equal(found, mask)


@pytest.mark.parametrize("mask", list(masks()))
def test_rings_are_simple_and_turn_as_they_should(mask):
    for piece in outline(mask):
        assert signed_area(piece.exterior) > 0
        assert all(signed_area(hole) < 0 for hole in piece.holes)
        for ring in (piece.exterior, *piece.holes):
            assert len(set(ring)) == len(ring), "no corner twice"
            turns = zip(ring, (*ring[1:], ring[0]), (*ring[2:], *ring[:2]), strict=True)
            assert all((b[0] - a[0]) * (c[1] - b[1]) != (b[1] - a[1]) * (c[0] - b[0]) for a, b, c in turns)


def test_a_block_with_a_hole_by_hand():
    mask = np.ones((3, 4), bool)
    mask[1, 1] = False
    (piece,) = outline(mask, (10, 20))
    assert set(piece.exterior) == {(10, 20), (14, 20), (14, 23), (10, 23)}
    assert set(piece.holes[0]) == {(11, 21), (12, 21), (12, 22), (11, 22)}


def test_nothing_has_no_outline():
    assert outline(np.zeros((3, 3), bool)) == ()
