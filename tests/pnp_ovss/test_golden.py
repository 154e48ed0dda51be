"""The preset `published` against what the published code gave."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pnp_ovss import (
    BlipBackbone,
    PnPOVSS,
    PnPOVSSConfig,
    class_maps,
    confusion,
    dense_crf,
    has_background,
    mean_iou,
    merge_rounds,
    parse_reply,
    postprocess,
    prepare_image,
    score,
    smoothed_stack,
    to_labels,
    token_maps,
)

Golden = Callable[[str], dict[str, Any]]
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
POSTPROCESSED = ("b1", "b2", "b4", "b6", "b7", "b8", "b9")


def assert_near(found: NDArray[Any], wanted: NDArray[Any]) -> None:
    """Equal within 1e-4 of the largest value, NaN where NaN is wanted."""
    largest = np.nanmax(np.abs(wanted)) if np.isfinite(wanted).any() else 1.0
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * largest)


def published(case: dict[str, Any]) -> PnPOVSSConfig:
    return PnPOVSSConfig.published(case["data_type"], case.get("postprocess", "blur+crf"))


def labels_of(case: dict[str, Any], classes: list[str]) -> list[int]:
    places = [case["all_classes"].index(name) for name in classes]
    return [int(case["coco_ids"][place]) if "coco_ids" in case else place + 1 for place in places]


@pytest.mark.parametrize("name", ["a1", "a3"])
def test_rounds_are_merged_and_patches_dropped_as_published(golden: Golden, name: str) -> None:
    case, config = golden(name), PnPOVSSConfig.published()
    merged, dropped = merge_rounds(case["rounds"], config)
    np.testing.assert_array_equal(dropped, case["dropped_before_round"])
    assert_near(merged, case["merged_tokens"])
    for index, tokens in enumerate(case["tokens"]):
        assert_near(class_maps(merged[index], tokens, config), case[f"class_maps_merged_{index}"])
        alone = class_maps(case["round0_tokens"][index], tokens, config)
        assert_near(alone, case[f"class_maps_round0_{index}"])


def test_the_default_keeps_the_separator_out_of_the_salience(golden: Golden) -> None:
    """a3: the shorter caption is one word in row 3; its padded batch has [SEP] in row 4."""
    case, config = golden("a3"), PnPOVSSConfig()
    _, dropped = merge_rounds(case["rounds"], config, words=[(3, 4), (3, 9)])
    word = case["rounds"][0, 0, 3].ravel()
    expected = np.zeros(word.size, bool)
    expected[sorted(range(word.size), key=lambda place: -word[place])[: config.drop_count]] = True
    np.testing.assert_array_equal(dropped[1, 0].ravel(), expected)
    assert (dropped[1, 0] != case["dropped_before_round"][1, 0]).any()
    np.testing.assert_array_equal(dropped[:, 1], case["dropped_before_round"][:, 1])


@pytest.mark.parametrize("name", POSTPROCESSED)
def test_label_maps_are_those_of_the_published_code(golden: Golden, name: str) -> None:
    case = golden(name)
    config = published(case)
    merged, _ = merge_rounds(case["rounds"], config)
    maps = class_maps(merged[0], case["tokens"][0], config)
    assert_near(maps, case["class_maps_merged"])
    plain = smoothed_stack(maps, case["image"], config.replace(postprocess="none"))
    assert_near(plain.scores, case["stack_before_post"])
    if "blur" in config.postprocess:
        assert_near(smoothed_stack(maps, case["image"], config).scores, case["blurred"])
    index_map = postprocess(maps, case["image"], config)
    assert (index_map == case["index_map"]).mean() >= 0.995
    background = has_background(len(maps), config)
    labels = to_labels(index_map, labels_of(case, case["classes"]), background=background, quirks=True)
    assert (labels == case["label_map"]).mean() >= 0.995


@pytest.mark.parametrize("name", [name for name in POSTPROCESSED if name != "b6"])
def test_the_way_of_one_round_is_the_published_one(golden: Golden, name: str) -> None:
    case = golden(name)
    config = published(case).replace(rounds=1)
    merged, _ = merge_rounds(case["rounds"][:1], config)
    maps = class_maps(merged[0], case["tokens"][0], config)
    plain = smoothed_stack(maps, case["image"], config.replace(postprocess="none"))
    assert_near(plain.scores, case["round0_stack"])
    assert (postprocess(maps, case["image"], config) == case["round0_index_map"]).mean() >= 0.995


def test_a_picture_covered_by_its_classes_is_background_as_published_and_classes_by_default(
    golden: Golden,
) -> None:
    case = golden("b9")
    maps = case["class_maps_merged"]
    assert (case["index_map"] == 0).all()
    mended = postprocess(maps, case["image"], PnPOVSSConfig(background="always"))
    assert set(np.unique(mended)) == {1, 2}
    blurred = smoothed_stack(maps, case["image"], PnPOVSSConfig(background="always")).scores
    assert (blurred[0] == 0).all()
    assert (mended - 1 == blurred[1:].argmax(0)).mean() > 0.8  # the CRF moves borders


@pytest.mark.parametrize("name", POSTPROCESSED)
def test_histogram_and_mean_iou_are_the_published_ones(golden: Golden, name: str) -> None:
    case = golden(name)
    classes = len(case["hist"])
    np.testing.assert_array_equal(confusion(case["gt"], case["label_map"], classes), case["hist"])
    assert mean_iou(case["gt"], case["label_map"], classes) == pytest.approx(float(case["miou"]), abs=1e-12)


def test_every_figure_of_the_metric_is_the_published_one(golden: Golden) -> None:
    case = golden("d1")
    counts = confusion(case["label_true"], case["label_pred"], int(case["n_class"]))
    np.testing.assert_array_equal(counts, case["hist"])
    found = score(counts)
    assert found.mean_iou == pytest.approx(float(case["mean_iou"]), abs=1e-12)
    assert found.pixel_accuracy == pytest.approx(float(case["pixel_acc"]), abs=1e-12)
    assert found.mean_accuracy == pytest.approx(float(case["mean_acc"]), abs=1e-12)
    assert found.frequency_weighted_iou == pytest.approx(float(case["fwiou"]), abs=1e-12)
    np.testing.assert_allclose(found.iou, case["class_iou"], rtol=0, atol=1e-12)


def test_pictures_are_prepared_as_published(golden: Golden) -> None:
    case = golden("d2")
    pixels = prepare_image(case["image"], 336, MEAN, STD)[0].numpy()
    np.testing.assert_array_equal(pixels[:, 100:140, 100:140], case["voc_crop"])
    np.testing.assert_allclose(pixels, case["voc_psc_coco"].astype(np.float32), atol=2e-3)  # stored as fp16
    np.testing.assert_allclose(pixels.mean((1, 2), dtype=np.float64), case["voc_mean"], atol=1e-6)
    plain = prepare_image(case["image"], 336, MEAN, STD, normalise=False)[0].numpy()
    np.testing.assert_array_equal(plain[:, 100:140, 100:140], case["ade_crop"])
    np.testing.assert_allclose(plain.mean((1, 2), dtype=np.float64), case["ade_mean"], atol=1e-6)


@pytest.mark.parametrize("name", ["e1", "e3"])
def test_the_dense_crf_is_the_published_one(golden: Golden, name: str) -> None:
    case = golden(name)
    assert (dense_crf(case["stack"], case["image"]) == case["index_map"]).mean() >= 0.9995


@pytest.mark.parametrize("name", ["c1", "c3", "c4"])
def test_rounds_of_the_whole_model_are_the_published_ones(
    golden: Golden, blip: BlipBackbone, name: str
) -> None:
    """The golden pixels and token ids through our GradCAM, the squares of dropped patches set to 0."""
    case = golden(name)
    for turn, dropped in enumerate(case["dropped_before_round"][:, 0]):
        squares = torch.from_numpy(dropped.repeat(16, 0).repeat(16, 1))
        pixels = torch.from_numpy(case["pixel_values"]).masked_fill(squares, 0)
        ids = torch.from_numpy(case["input_ids"])
        maps, logit = token_maps(blip, blip.encode(pixels), ids, layer=7, head=9)
        np.testing.assert_allclose(logit, case["itm_logits"][turn, :, 1], rtol=1e-4)
        assert_near(maps[:, 1:].numpy(), case["gradcam_l8h9"][turn])


@pytest.mark.parametrize("name", ["c1", "c3", "c4"])
def test_segmenting_from_the_picture_gives_the_published_labels(
    golden: Golden, blip: BlipBackbone, name: str
) -> None:
    case = golden(name)
    classes = case["classes"][0]
    config = published(case).replace(image_side=128)
    result = PnPOVSS(blip, config).segment(case["image_0"], [[word] for word in classes])
    np.testing.assert_array_equal(result.dropped, case["dropped_before_round"][:, 0])
    np.testing.assert_allclose(result.match_logits[:, 0], case["itm_logits"][:, 0, 1], rtol=1e-4)
    assert_near(result.class_maps, case["class_maps_merged_0"])
    assert (result.index_map == case["index_map_0"]).mean() >= 0.995
    if name == "c4":
        case["coco_ids"] = golden("b6")["coco_ids"]
    background = has_background(len(classes), config)
    labels = to_labels(result.index_map, labels_of(case, classes), background=background, quirks=True)
    assert (labels == case["label_map_0"]).mean() >= 0.995


@pytest.mark.parametrize("name", ["c1", "c3", "c4"])
def test_captions_are_tokenised_as_published(golden: Golden, blip: BlipBackbone, name: str) -> None:
    from pnp_ovss import write_captions

    case = golden(name)
    (caption,) = write_captions(blip, case["classes"][0])
    assert list(caption.ids) == case["input_ids"][0].tolist()


def test_replies_are_read_as_published(golden_folder: Path) -> None:
    content = json.loads((golden_folder / "f1_gpt_parse.json").read_text(encoding="utf-8"))
    names = content["names_voc_style"]
    for case in content["cases"]:
        if case["data_type"].startswith("coco"):
            ids = content["coco_ids"]
            chosen = [names[one - 1] for one in ids]
        else:
            ids, chosen = None, names
        found = parse_reply(case["reply"], chosen, ids)
        assert found == case["index"], case["reply"]
        assert [chosen[index] for index in found] == case["names"]
