import numpy as np
import pytest

from evaluation.facades.shapes import decode_runs, fill_polygon, read_shape


def test_a_rectangle_covers_its_pixels() -> None:
    mask = fill_polygon([2, 1, 5, 1, 5, 4, 2, 4], 6, 7)
    expected = np.zeros((6, 7), bool)
    expected[1:4, 2:5] = True
    np.testing.assert_array_equal(mask, expected)


def test_a_pixel_belongs_to_a_polygon_when_its_centre_does() -> None:
    draw = np.random.default_rng(0)
    for _ in range(20):
        (x0, y0), (x1, y1), (x2, y2) = triangle = draw.random((3, 2)) * (40, 30)
        rows, columns = np.mgrid[:30, :40] + 0.5
        sides = [
            (bx - ax) * (rows - ay) - (by - ay) * (columns - ax)
            for (ax, ay), (bx, by) in (((x0, y0), (x1, y1)), ((x1, y1), (x2, y2)), ((x2, y2), (x0, y0)))
        ]
        inside = np.all([side > 0 for side in sides], 0) | np.all([side < 0 for side in sides], 0)
        np.testing.assert_array_equal(fill_polygon(triangle.ravel(), 30, 40), inside)


def test_a_polygon_may_reach_over_the_border() -> None:
    assert fill_polygon([-9, -9, 99, -9, 99, 99, -9, 99], 5, 6).all()
    assert not fill_polygon([-9, 0, -1, 0, -1, 5, -9, 5], 5, 6).any()


@pytest.mark.parametrize(
    ("code", "height", "width", "painted"),  # strings written by pycocotools
    [
        (";320004NN", 5, 7, [(slice(1, 4), slice(2, 5), 1), (0, 6, 1)]),
        (";630000LN123000000007", 9, 11, [(slice(2, 8), slice(1, 10), 1), (4, 4, 0)]),
    ],
)
def test_compressed_run_lengths_are_those_of_coco(code, height, width, painted) -> None:
    expected = np.zeros((height, width), bool)
    for rows, columns, value in painted:
        expected[rows, columns] = value
    np.testing.assert_array_equal(decode_runs(code, height, width), expected)


def test_run_lengths_go_column_by_column_and_begin_with_zeros() -> None:
    np.testing.assert_array_equal(decode_runs([1, 2, 1], 2, 2), [[False, True], [True, False]])
    assert decode_runs([0, 4], 2, 2).all()


def test_several_polygons_are_one_shape() -> None:
    mask = read_shape([[0, 0, 2, 0, 2, 2, 0, 2], [3, 0, 5, 0, 5, 2, 3, 2]], 2, 6)
    np.testing.assert_array_equal(mask, [[True, True, False, True, True, False]] * 2)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ([[0, 0, 1, 1]], "at least 3 corners"),
        ([[0, 0, 1, 1, 2, 2, 3]], "at least 3 corners"),
        ([["a", 0, 1, 1, 2, 2]], "numbers were expected"),
        ([], "neither polygons nor run lengths"),
        (None, "neither polygons nor run lengths"),
        ({"size": [2, 3], "counts": [6]}, r"for the size \[2, 3\]"),
        ({"size": [2, 6], "counts": [5, 5]}, "sum to 10"),
        ({"size": [2, 6], "counts": [14, -2]}, "run lengths sum to 12"),
        ({"size": [2, 6], "counts": "\t"}, "none of a run-length code"),
        ({"size": [2, 6], "counts": "P"}, "ends within a number"),
    ],
)
def test_malformed_shapes_are_refused(shape, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_shape(shape, 2, 6)
