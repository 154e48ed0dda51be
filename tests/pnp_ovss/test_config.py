from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pnp_ovss import PnPOVSSConfig


def test_defaults_are_the_published_values() -> None:
    config = PnPOVSSConfig()
    assert (config.image_side, config.layer, config.head) == (336, 7, 9)
    assert (config.rounds, config.drop_count, config.threshold) == (4, 10, 0.15)
    assert (config.postprocess, config.blur_sigma, config.crf_iterations) == ("blur+crf", 0.05, 10)
    assert (config.crf_gaussian_sxy, config.crf_gaussian_compat) == (3, 7)
    assert (config.crf_bilateral_sxy, config.crf_bilateral_srgb, config.crf_bilateral_compat) == (50, 5, 10)


def test_a_mapping_overrides_only_what_it_names() -> None:
    config = PnPOVSSConfig.from_mapping({"rounds": 1, "background": "never"})
    assert config == dataclasses.replace(PnPOVSSConfig(), rounds=1, background="never")


def test_an_unknown_key_is_refused_by_name_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match=r"no setting 'treshold'. Did you mean 'threshold'\?"):
        PnPOVSSConfig.from_mapping({"treshold": 0.2})


def test_a_key_like_nothing_gets_the_list() -> None:
    with pytest.raises(ValueError, match="Settings are image_side, layer"):
        PnPOVSSConfig.from_mapping({"zzz": 1})


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"threshold": 1.5}, ValueError, "threshold must lie between 0.0 and 1.0, got 1.5"),
        ({"threshold": float("nan")}, ValueError, "threshold must lie between"),
        ({"rounds": 0}, ValueError, "rounds must lie between 1 and 64, got 0"),
        ({"rounds": 2.5}, TypeError, "rounds must be a whole number, got 2.5"),
        ({"head": True}, TypeError, "head must be a whole number, got True"),
        ({"blur_sigma": "wide"}, TypeError, "blur_sigma must be a number, got 'wide'"),
        ({"background": "maybe"}, ValueError, "background must be one of auto, always, never, got 'maybe'"),
    ],
)
def test_values_out_of_range_are_refused(
    settings: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        PnPOVSSConfig.from_mapping(settings)


def test_a_configuration_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PnPOVSSConfig().rounds = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("data_type", "expected"),
    [
        ("voc", ("always", True, False, "keep")),
        ("psc", ("auto", True, False, "keep")),
        ("ade20k", ("auto", False, False, "spaces")),
        ("coco_object", ("always", True, True, "spaces and hyphens")),
        ("coco_stuff", ("auto", True, True, "spaces and hyphens")),
    ],
)
def test_published_settings_of_each_data_set(data_type: Any, expected: tuple[object, ...]) -> None:
    config = PnPOVSSConfig.published(data_type, "crf")
    assert (config.background, config.normalise, config.rescale, config.join_words) == expected
    assert config.quirks
    assert config.postprocess == "crf"


def test_an_unknown_data_set_is_refused() -> None:
    with pytest.raises(ValueError, match="data_type must be one of voc, psc, ade20k"):
        PnPOVSSConfig.published("coco")  # type: ignore[arg-type]


def test_a_switch_is_no_number() -> None:
    with pytest.raises(TypeError, match="quirks must be true or false, got 1"):
        PnPOVSSConfig.from_mapping({"quirks": 1})


def test_a_mapping_comes_back_as_it_went_out() -> None:
    config = PnPOVSSConfig.published("ade20k").replace(rounds=2)
    assert PnPOVSSConfig.from_mapping(config.to_mapping()) == config


def test_a_changed_copy_knows_its_settings() -> None:
    with pytest.raises(ValueError, match="Did you mean 'rounds'"):
        PnPOVSSConfig().replace(round=2)
