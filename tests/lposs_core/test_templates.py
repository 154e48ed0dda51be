"""Template sets: the published list, and names set in verbatim."""

from __future__ import annotations

import open_clip
import pytest

from lposs_core.templates import (
    OPENAI_IMAGENET_TEMPLATES,
    SIMPLE_TEMPLATES,
    TEMPLATE_SETS,
    fill,
    template_set,
)


def test_imagenet_templates_are_open_clips_in_their_order() -> None:
    assert (
        tuple(template("{}") for template in open_clip.OPENAI_IMAGENET_TEMPLATES) == OPENAI_IMAGENET_TEMPLATES
    )
    assert len(set(OPENAI_IMAGENET_TEMPLATES)) == 80


def test_simple_templates_are_open_clips() -> None:
    assert tuple(template("{}") for template in open_clip.SIMPLE_IMAGENET_TEMPLATES) == SIMPLE_TEMPLATES


@pytest.mark.parametrize("name", TEMPLATE_SETS)
def test_every_template_takes_one_name(name: str) -> None:
    filled = [fill(template, "окно") for template in template_set(name)]
    assert len(set(filled)) == len(filled)
    assert all("окно" in text and "{" not in text for text in filled)


def test_names_are_set_in_verbatim() -> None:
    assert fill("a photo of a {}.", "Bed_{0} {} ") == "a photo of a Bed_{0} {} ."


@pytest.mark.parametrize("template", ["a photo", "{} and {}", "{name}"])
def test_a_template_without_its_place_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"exactly one \{\}"):
        fill(template, "window")


def test_an_unknown_set_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        ValueError, match=r"one of imagenet, simple, plain, got 'imagnet'\. Did you mean \"imagenet\""
    ):
        template_set("imagnet")
