import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lposs_core.windows import (
    check_image,
    cut_windows,
    merge_columns,
    merge_windows,
    patch_centres,
    resize_image,
    window_boxes,
    working_size,
)


@pytest.fixture(scope="module")
def tables(golden_lposs: Path):
    return np.load(golden_lposs / "t01_tables.npz")


def test_working_sizes_equal_the_published_rule(tables):
    for height, width, *expected in tables["resize"].tolist():
        assert working_size(height, width) == tuple(expected)


def test_resizing_equals_the_published_pixels(tables):
    for name in ("up", "down"):
        expected = tables[name]
        np.testing.assert_array_equal(resize_image(tables["src"], *expected.shape[:2]), expected)


def test_window_lists_equal_the_published_ones(tables):
    for size, expected in json.loads(str(tables["meta"]))["windows"].items():
        height, width = map(int, size.split("x"))
        np.testing.assert_array_equal(window_boxes(height, width), expected)


@pytest.mark.parametrize(("height", "width"), [(448, 448), (224, 225), (40, 56), (448, 2048), (1, 700)])
def test_windows_have_one_size_and_cover_the_picture(height: int, width: int):
    boxes = window_boxes(height, width)
    cover = np.zeros((height, width), int)
    for y1, y2, x1, x2 in boxes:
        cover[y1:y2, x1:x2] += 1
        assert (y2 - y1, x2 - x1) == (min(224, height), min(224, width))
    assert cover.min() >= 1


def test_a_window_is_padded_with_zeros_right_and_bottom():
    image = np.full((40, 56, 3), 51, np.uint8)
    crops = cut_windows(image, window_boxes(40, 56), 16)
    assert crops.shape == (1, 3, 48, 64)
    assert crops.dtype == torch.float32
    torch.testing.assert_close(crops[:, :, :40, :56], torch.full((1, 3, 40, 56), 0.2))
    assert crops[:, :, 40:].abs().max() == 0
    assert crops[:, :, :, 56:].abs().max() == 0


def test_windows_show_their_part_of_the_picture():
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
    boxes = window_boxes(70, 90, crop=32, stride=24)
    for crop, (y1, y2, x1, x2) in zip(cut_windows(image, boxes, 16), boxes, strict=True):
        expected = torch.from_numpy(image[y1:y2, x1:x2]).permute(2, 0, 1) / 255
        torch.testing.assert_close(crop, expected, rtol=0, atol=0)


def test_patch_centres_are_row_major_and_shifted_by_the_window():
    boxes = np.array([[0, 32, 0, 32], [0, 32, 20, 52]])
    expected = [[8, 8], [8, 24], [24, 8], [24, 24], [8, 28], [8, 44], [24, 28], [24, 44]]
    assert patch_centres(boxes, 16, 2, 2).tolist() == expected


def test_merging_averages_overlapping_windows():
    boxes = window_boxes(48, 70, crop=32, stride=16)
    scores = torch.randn(len(boxes), 2, 2, 3)
    total, cover = torch.zeros(48, 70, 3), torch.zeros(48, 70, 1)
    for window, (y1, y2, x1, x2) in zip(scores, boxes.tolist(), strict=True):
        blown_up = F.interpolate(window.permute(2, 0, 1)[None], (32, 32), mode="bilinear")[0]
        total[y1:y2, x1:x2] += blown_up.permute(1, 2, 0)
        cover[y1:y2, x1:x2] += 1
    torch.testing.assert_close(merge_windows(scores, boxes, 48, 70), total / cover)


def test_merging_stays_inside_the_picture_and_keeps_a_constant():
    boxes = window_boxes(40, 56)  # the grid covers 48 x 64 pixels, padding included
    merged = merge_windows(torch.full((1, 3, 4, 2), 0.7), boxes, 40, 56)
    assert merged.shape == (40, 56, 2)
    torch.testing.assert_close(merged, torch.full((40, 56, 2), 0.7))


def test_a_merged_class_has_the_same_bits_beside_any_others():
    boxes = window_boxes(100, 130, crop=64, stride=48)
    column = torch.randn(1, len(boxes), 4, 4)
    alone = merge_columns(column, boxes, 100, 130)[0]
    for width in (2, 5, 7):
        others = torch.randn(width, len(boxes), 4, 4)
        for place in range(width):
            others[place] = column[0]
            assert torch.equal(merge_columns(others, boxes, 100, 130)[place], alone)


def test_the_gradient_of_a_pixel_is_its_bilinear_weights():
    boxes = window_boxes(32, 32)
    scores = torch.zeros(1, 2, 2, 1, requires_grad=True)
    merge_windows(scores, boxes, 32, 32)[12, 8, 0].backward()
    row, column = (12.5 / 16 - 0.5), (8.5 / 16 - 0.5)  # place of the pixel's centre on the grid
    expected = torch.outer(torch.tensor([1 - row, row]), torch.tensor([1 - column, column]))
    torch.testing.assert_close(scores.grad[0, :, :, 0], expected)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"\(H, W, 3\)"):
        check_image(np.zeros((4, 4), np.uint8))
    with pytest.raises(TypeError, match="float64"):
        check_image(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match="n = 2 windows"):
        merge_windows(torch.zeros(1, 2, 2, 1), np.array([[0, 32, 0, 32], [0, 32, 16, 48]]), 32, 48)
    with pytest.raises(ValueError, match="one size"):
        merge_windows(torch.zeros(2, 2, 2, 1), np.array([[0, 32, 0, 32], [0, 32, 16, 64]]), 32, 64)
