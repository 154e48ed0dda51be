import math

import numpy as np
import pytest

from pipelines.defects import measure_extent, skeleton_length, thin, zone


def bar(length, width):
    mask = np.zeros((width + 6, length + 6), bool)
    mask[3 : 3 + width, 3 : 3 + length] = True
    return mask


@pytest.mark.parametrize(("length", "width"), [(100, 1), (100, 3), (100, 5), (61, 7), (40, 2)])
def test_a_bar_has_its_own_length_and_width(length, width):
    for mask in (bar(length, width), bar(length, width).T):
        found = measure_extent(mask)
        assert found.length == pytest.approx(length, rel=0.03)
        assert found.width == pytest.approx(width, rel=0.03)


def test_a_diagonal_is_longer_than_its_pixels():
    found = measure_extent(np.eye(80, dtype=bool))
    assert found.length == pytest.approx(79 * math.sqrt(2), rel=0.02)


def test_a_ring_has_no_ends():
    rows, columns = np.mgrid[-60:61, -60:61]
    distance = np.hypot(rows, columns)
    found = measure_extent((distance > 46) & (distance < 54))
    assert found.length == pytest.approx(2 * math.pi * 50, rel=0.06)  # steps of 45 degrees overstate a circle
    assert found.width == pytest.approx(8, rel=0.06)


def test_a_long_crack_is_measured_on_a_smaller_copy():
    assert measure_extent(bar(2400, 12)).length == pytest.approx(2400, rel=0.03)


def test_one_pixel_is_one_long_and_one_wide():
    found = measure_extent(np.ones((1, 1), bool))
    assert (found.length, found.width) == (1, 1)


def test_thinning_keeps_connections_and_is_one_pixel_wide():
    mask = np.zeros((40, 60), bool)
    mask[18:23, 5:55] = True
    mask[5:36, 28:32] = True
    line = thin(mask)
    assert not (line & ~mask).any()
    blocks = line[1:, 1:] & line[1:, :-1] & line[:-1, 1:] & line[:-1, :-1]
    assert not blocks.any(), "no 2 x 2 block is left"
    left, stack = set(zip(*np.nonzero(line), strict=True)), []
    stack.append(left.pop())
    while stack:
        row, column = stack.pop()
        near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
        left -= near
        stack.extend(near)
    assert not left, "the cross stays in one piece"
    assert line[:, 10:25].any(0).all()
    assert line[8:15].any(1).all()


def test_lengths_of_lines_by_hand():
    line = np.zeros((5, 6), bool)
    line[0, 0:3] = True  # two steps aside, then a corner
    line[1:3, 2] = True  # two steps down
    line[3, 3] = True  # one diagonal step
    assert skeleton_length(line) == pytest.approx(4 + math.sqrt(2))


@pytest.mark.parametrize(
    ("point", "words"),
    [((0, 0), "upper left"), ((150, 50), "middle"), ((299.9, 0), "upper right"), ((150, 99.9), "bottom")],
)
def test_zones_are_ninths_of_the_picture(point, words):
    assert zone(point, (100, 300)).en == words
