from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pnp_ovss import PnPOVSSConfig, Stack, has_background, postprocess, smoothed_stack, to_labels

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8)
PLAIN = PnPOVSSConfig(postprocess="none", background="never")


def test_the_threshold_keeps_raw_values_of_what_reaches_it() -> None:
    """Scaled to [0, 1] the map is 0, 0.1, 0.2, 1; corners coincide, so they are the pixels' corners."""
    maps = np.array([[[1.0, 1.1], [1.2, 2.0]]], np.float32)
    scores = smoothed_stack(maps, PICTURE, PLAIN.replace(threshold=0.15)).scores[0]
    assert scores[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == pytest.approx([0, 0, 1.2, 2.0])


def test_a_constant_map_is_nowhere() -> None:
    assert not smoothed_stack(np.ones((1, 3, 3)), PICTURE, PLAIN).scores.any()


@pytest.mark.parametrize(
    ("background", "classes", "expected"),
    [("auto", 2, True), ("auto", 3, False), ("always", 9, True), ("never", 1, False)],
)
def test_the_background_rule(background: Any, classes: int, expected: bool) -> None:
    config = PLAIN.replace(background=background)
    assert has_background(classes, config) is expected
    stack = smoothed_stack(RNG.random((classes, 3, 3)), PICTURE, config)
    assert stack.background is expected
    assert len(stack.scores) == classes + expected


def test_the_background_is_where_no_class_is() -> None:
    maps = np.zeros((2, 3, 3), np.float32)
    maps[0, 0, 0] = maps[1, 2, 2] = 1
    index_map = postprocess(maps, PICTURE, PLAIN.replace(background="always"))
    assert (index_map[0, 0], index_map[-1, -1], index_map[0, -1], index_map[-1, 0]) == (1, 2, 0, 0)


def test_the_blur_is_scipys_and_scaled_to_the_unit_interval() -> None:
    maps = RNG.random((2, 4, 4)).astype(np.float32)
    plain = smoothed_stack(maps, PICTURE, PLAIN).scores
    blurred = smoothed_stack(maps, PICTURE, PLAIN.replace(postprocess="blur")).scores
    for before, after in zip(plain, blurred, strict=True):
        wanted = gaussian_filter(before, 0.05 * 32)
        np.testing.assert_allclose(after, (wanted - wanted.min()) / np.ptp(wanted), atol=1e-5)


def test_nothing_that_ever_comes_out_is_nan() -> None:
    for maps in (np.zeros((2, 3, 3)), np.ones((2, 3, 3)), np.full((3, 1, 1), 5.0)):
        for how in ("none", "blur", "blur+crf"):
            config = PnPOVSSConfig(postprocess=how)  # type: ignore[arg-type]
            assert np.isfinite(smoothed_stack(maps, PICTURE, config).scores).all()
            assert postprocess(maps, PICTURE, config).min() >= 0


def test_a_large_picture_is_processed_small_and_labelled_at_its_size() -> None:
    big = PICTURE.repeat(20, 0).repeat(20, 1)
    maps = RNG.random((3, 4, 4)).astype(np.float32)
    config = PLAIN.replace(long_side=64, postprocess="blur")
    assert smoothed_stack(maps, big, config).scores.shape == (3, 48, 64)
    found = postprocess(maps, big, config)
    assert found.shape == (480, 640)
    whole = postprocess(maps, big, config.replace(long_side=640))
    assert (found == whole).mean() > 0.97


def test_an_index_map_of_another_size_is_that_of_the_resized_scores() -> None:
    import torch
    import torch.nn.functional as F

    scores = RNG.random((4, 5, 7)).astype(np.float32)
    grown = F.interpolate(torch.from_numpy(scores)[None], (11, 13), mode="bilinear", align_corners=False)
    np.testing.assert_array_equal(Stack(scores, False).index_map(11, 13), grown[0].argmax(0).numpy())


def test_labels_that_do_not_ascend_stay_apart_and_merge_as_published() -> None:
    index_map = np.array([[0, 1, 2]])
    assert to_labels(index_map, [2, 1], background=True).tolist() == [[0, 2, 1]]
    # from the last class to the first: 2 -> 1, then every 1 -> 2
    assert to_labels(index_map, [2, 1], background=True, quirks=True).tolist() == [[0, 2, 2]]


def test_labels_without_background_begin_with_the_first_class() -> None:
    assert to_labels(np.array([[0, 1]]), [7, 3], background=False).tolist() == [[7, 3]]


@pytest.mark.parametrize("maps", [np.zeros((2, 3)), np.zeros((0, 3, 3)), np.full((1, 2, 2), np.nan)])
def test_maps_that_are_none_are_refused(maps: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"maps must be finite and have shape \(C, P, P\), got"):
        postprocess(maps, PICTURE, PLAIN)
