from __future__ import annotations

import numpy as np
import pytest

from evaluation.boundary import BoundaryIoU, boundary, boundary_width, count_near


def _distance_to_outside(mask: np.ndarray) -> np.ndarray:
    """Chessboard distance of each pixel to the nearest pixel that is not in the mask, by search."""
    padded = np.pad(mask, 1)
    outside = np.argwhere(~padded) - 1
    distances = np.zeros(mask.shape, dtype=int)
    for y, x in np.argwhere(mask):
        distances[y, x] = np.abs(outside - (y, x)).max(1).min()
    return distances


@pytest.mark.parametrize("width", [1, 2, 4])
def test_outline_is_what_lies_near_the_outside(width: int) -> None:
    draw = np.random.default_rng(5)
    mask = np.kron(draw.random((4, 5)) < 0.6, np.ones((6, 6))).astype(bool)
    distances = _distance_to_outside(mask)
    np.testing.assert_array_equal(boundary(mask, width), mask & (distances <= width))


def test_a_full_picture_has_its_border_as_outline() -> None:
    outline = boundary(np.ones((5, 6), dtype=bool), 1)
    assert outline.sum() == 2 * 6 + 2 * 3
    assert not outline[1:-1, 1:-1].any()


def test_width_is_at_least_one_pixel() -> None:
    assert boundary_width(4, 4) == 1


def test_absent_classes_count_as_zero_only_in_the_facade_figure() -> None:
    labels = np.zeros((8, 8), dtype=np.uint8)
    outlines = BoundaryIoU(4)
    outlines.update(labels, labels)
    figures = outlines.compute()
    assert figures["boundary_mIoU"] == 1.0
    assert figures["boundaryIoU"] == 0.25


def test_a_shifted_square_matches_the_count_by_hand() -> None:
    # outlines of two 4 x 4 squares, one pixel apart: 12 pixels each, 6 in common (2 rows of 3)
    gt, pred = np.full((20, 20), 1), np.full((20, 20), 1)
    gt[5:9, 5:9] = 0
    pred[5:9, 6:10] = 0
    outlines = BoundaryIoU(2)
    outlines.update(pred, gt)
    assert (outlines.intersection[0], outlines.union[0]) == (6, 18)


def test_merged_parts_equal_one_count() -> None:
    draw = np.random.default_rng(6)
    whole, first, second = BoundaryIoU(3), BoundaryIoU(3), BoundaryIoU(3)
    for part in (first, second):
        pred, gt = draw.integers(0, 3, (2, 12, 12))
        whole.update(pred, gt)
        part.update(pred, gt)
    first.merge(second)
    assert str(first.compute()) == str(whole.compute())


def test_ignored_pixels_take_part_in_no_outline() -> None:
    gt = np.zeros((10, 10), dtype=np.uint8)
    gt[:, 5:] = 255
    outlines = BoundaryIoU(2)
    outlines.update(np.zeros((10, 10), dtype=np.uint8), gt)
    assert outlines.compute()["boundary_iou"][0] == 1.0


def test_batches_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one shape \(H, W\), got \(1, 4, 4\)"):
        BoundaryIoU(2).update(np.zeros((1, 4, 4), int), np.zeros((1, 4, 4), int))


def test_parallel_lines_agree_within_their_distance() -> None:
    pred, gt = np.zeros((2, 10, 20), bool)
    gt[:, 5] = True
    pred[:, 7] = True
    assert count_near(pred, gt, (1, 2, 3)).tolist() == [[0, 10, 0, 10], [10, 10, 10, 10], [10, 10, 10, 10]]


def test_nearness_is_that_of_all_pairs() -> None:
    draw = np.random.default_rng(0)
    pred, gt = draw.random((2, 17, 23)) < 0.02
    places = [np.argwhere(mask) for mask in (pred, gt)]
    distances = np.hypot(*(places[0][:, None] - places[1]).transpose(2, 0, 1))
    for limit, row in zip((1, 2, 5), count_near(pred, gt, (1, 2, 5)).tolist(), strict=True):
        assert row == [
            (distances.min(1) <= limit).sum(),
            len(places[0]),
            (distances.min(0) <= limit).sum(),
            len(places[1]),
        ]


def test_nothing_is_near_an_empty_line() -> None:
    line = np.eye(8, dtype=bool)
    nothing = np.zeros_like(line)
    assert count_near(line, nothing, (3,)).tolist() == [[0, 8, 0, 0]]
    assert count_near(nothing, line, (3,)).tolist() == [[0, 0, 0, 8]]
