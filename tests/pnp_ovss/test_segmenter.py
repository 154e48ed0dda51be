from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnp_ovss import BlipBackbone, BridgeTowerBackbone, PnPOVSS, PnPOVSSConfig, crf

QUICK = PnPOVSSConfig(image_side=128, postprocess="blur")
WORDS = ["dog", "cat", "sky", "wall", "tree", "house", "car", "person", "sofa", "train"]
WORDS += ["bird", "crack", "damage", "window", "door", "roof", "road", "grass", "water", "boat"]


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("postprocess", ["none", "blur", "crf", "blur+crf"])
def test_shapes_and_meaning_of_a_result(blip: BlipBackbone, postprocess: Any) -> None:
    config = QUICK.replace(postprocess=postprocess, rounds=3)
    result = PnPOVSS(blip, config).segment(picture(40, 60), [["dog"], ["tvmonitor"]])
    assert result.scores.shape == (2, 40, 60)
    assert result.background is not None
    assert result.background.shape == (40, 60)
    assert result.class_maps.shape == (2, 8, 8)
    assert result.rounds.shape == (3, 2, 8, 8)
    assert result.dropped.sum((1, 2)).tolist() == [0, 10, 20]
    assert not result.rounds[1][:, result.dropped[1]].any()
    assert result.match_logits.shape == (3, 1)
    assert set(result.seconds) == {"encode_image", "cross_attention", "postprocess", "crf"}
    labels = np.where(result.index_map == 0, 255, result.index_map - 1)
    np.testing.assert_array_equal(result.label_map, labels)
    stack = np.concatenate([result.background[None], result.scores])
    np.testing.assert_array_equal(result.index_map, stack.argmax(0))


def test_without_a_background_labels_are_indices(blip: BlipBackbone) -> None:
    result = PnPOVSS(blip, QUICK).segment(picture(40, 60), [["dog"], ["sky"], ["wall"]])
    assert result.background is None
    np.testing.assert_array_equal(result.label_map, result.index_map)


def test_class_maps_are_the_rounds_added_up_with_the_first_twice(blip: BlipBackbone) -> None:
    result = PnPOVSS(blip, QUICK).segment(picture(40, 60), [["dog"], ["tvmonitor"], ["wall"]])
    np.testing.assert_allclose(result.class_maps, result.rounds[0] + result.rounds.sum(0), rtol=1e-5)


def test_twenty_classes_on_one_picture(blip: BlipBackbone) -> None:
    result = PnPOVSS(blip, QUICK).segment(picture(50, 70), [[word] for word in WORDS])
    assert result.scores.shape == (20, 50, 70)
    assert np.isfinite(result.scores).all()


def test_classes_that_do_not_fit_one_caption_take_several(bridgetower: BridgeTowerBackbone) -> None:
    config = PnPOVSSConfig(image_side=64, layer=1, head=0, postprocess="blur", rounds=2, drop_count=3)
    segmenter = PnPOVSS(bridgetower, config)
    many = segmenter.segment(picture(30, 30), [[f"window {index}"] for index in range(20)])
    assert many.scores.shape == (20, 30, 30)
    assert many.match_logits.shape[1] > 1
    assert many.dropped[1].sum() == 3


def test_a_class_takes_the_largest_of_its_texts(blip: BlipBackbone) -> None:
    segmenter = PnPOVSS(blip, QUICK.replace(rounds=1))
    apart = segmenter.salience(picture(40, 60), [["dog"], ["brick wall"], ["sky"]]).class_maps
    joined = segmenter.salience(picture(40, 60), [["dog", "brick wall"], ["sky"]]).class_maps
    np.testing.assert_array_equal(joined, [apart[:2].max(0), apart[2]])


def test_a_name_of_two_words_is_the_mean_of_both(blip: BlipBackbone) -> None:
    segmenter = PnPOVSS(blip, QUICK.replace(rounds=1))
    apart = segmenter.salience(picture(40, 60), [["brick"], ["wall"], ["sky"]]).class_maps
    joined = segmenter.salience(picture(40, 60), [["brick wall"], ["sky"]]).class_maps
    np.testing.assert_allclose(joined, [apart[:2].mean(0), apart[2]], rtol=1e-6)


def test_the_published_rule_joins_words_for_coco(blip: BlipBackbone) -> None:
    config = PnPOVSSConfig.published("coco_object", "none").replace(image_side=128, rounds=1)
    joined = PnPOVSS(blip, config).salience(picture(40, 60), [["tv-mon itor"], ["dog"]])
    whole = PnPOVSS(blip, config).salience(picture(40, 60), [["tvmonitor"], ["dog"]])
    np.testing.assert_array_equal(joined.class_maps, whole.class_maps)


@pytest.mark.parametrize("size", [(1, 1), (1, 10000), (10000, 1), (3, 2)])
def test_pictures_of_any_shape_get_a_result(blip: BlipBackbone, size: tuple[int, int]) -> None:
    config = PnPOVSSConfig(image_side=128, rounds=2)
    result = PnPOVSS(blip, config).segment(picture(*size), [["dog"], ["wall"]])
    assert result.label_map.shape == size
    assert np.isfinite(result.scores).all()
    assert not result.crf_failure


@pytest.mark.parametrize("value", [0, 128, 255])
def test_constant_pictures_get_a_result(blip: BlipBackbone, value: int) -> None:
    config = PnPOVSSConfig(image_side=128, rounds=2)
    result = PnPOVSS(blip, config).segment(np.full((20, 30, 3), value, np.uint8), [["dog"], ["wall"]])
    assert np.isfinite(result.scores).all()
    assert set(np.unique(result.label_map)) <= {0, 1, 255}


def test_a_crf_without_answer_is_left_out_and_named(
    blip: BlipBackbone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(crf, "_WORKER", worker)
    config = QUICK.replace(postprocess="blur+crf", crf_seconds=0.2)
    result = PnPOVSS(blip, config).segment(picture(20, 30), [["dog"], ["wall"]])
    assert "took longer than 0.2 s" in result.crf_failure
    blurred = PnPOVSS(blip, QUICK).segment(picture(20, 30), [["dog"], ["wall"]])
    np.testing.assert_array_equal(result.label_map, blurred.label_map)


def test_progress_grows_and_may_cancel(blip: BlipBackbone) -> None:
    seen: list[tuple[str, float]] = []
    PnPOVSS(blip, QUICK).segment(picture(20, 30), [["dog"]], progress=lambda *step: seen.append(step))
    assert [stage for stage, _ in seen[::2]] == ["encode_image"] * 4 + ["postprocess", "crf"]
    assert [done for stage, done in seen if stage == "encode_image"] == [0, 0.25, 0.5, 0.75]
    assert seen[-1] == ("crf", 1.0)


@pytest.mark.parametrize(
    ("prompts", "error", "words"),
    [
        ([], ValueError, "at least one class, got none"),
        ([["dog"], []], ValueError, "class 1 has no text"),
        (["dog"], TypeError, "class 0 must be a sequence of texts, got the bare text 'dog'"),
    ],
)
def test_requests_without_texts_are_refused(
    blip: BlipBackbone, prompts: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        PnPOVSS(blip, QUICK).segment(picture(20, 30), prompts)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layer": 12}, "layer must be 0 to 11 in this model, got 12"),
        ({"head": 12}, "head must be 0 to 11 in this model, got 12"),
        ({"image_side": 100}, "image_side must be a multiple of the patch size 16, got 100"),
    ],
)
def test_settings_that_the_model_does_not_have_are_refused(
    blip: BlipBackbone, changes: dict[str, int], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        PnPOVSS(blip, QUICK.replace(**changes))
