from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.analysis.prompt_sets import merge_group, read_prompt_sets
from evaluation.analysis.question import read_focus, read_words
from evaluation.commands import UsageError
from evaluation.facades.config import load_config
from pipelines import parse_prompts

CONFIG = load_config()


def test_the_default_set_comes_first_and_a_set_replaces_only_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"crack": ["трещина", "щель"]}', encoding="utf-8")
    sets = read_prompt_sets(CONFIG, [f"mine={file}"], ["rust=red rust"])
    assert list(sets) == ["default", "inline", "mine"]
    assert sets["default"] == CONFIG.prompts
    texts = dict(zip(sets["mine"].names, sets["mine"].texts, strict=True))
    assert texts["CRACK"] == ("трещина", "щель")
    assert texts["SPALLING"] == dict(zip(CONFIG.classes, CONFIG.prompts.texts, strict=True))["SPALLING"]
    assert dict(zip(sets["inline"].names, sets["inline"].texts, strict=True))["CORROSION"] == ("red rust",)


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("CRACK: x\n", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be called 'mine'"):
        read_prompt_sets(CONFIG, [f"mine={file}", f"mine={file}"], [])


def test_a_group_is_one_class_with_all_texts_in_the_place_of_its_first() -> None:
    merged = merge_group(parse_prompts("wall; a = x, y; b = y, z; sky"), "damage", ("a", "b"))
    assert merged.names == ("wall", "damage", "sky")
    assert merged.texts[1] == ("x", "y", "z")


def test_methods_and_focus_classes_have_the_published_names() -> None:
    assert read_words(["integrated_gradients", "ig", "gradcam"]) == ("ig", "gradcam")
    damage = ("CRACK", "SPALLING", "DELAMINATION", "MISSING_ELEMENT", "EFFLORESCENCE", "CORROSION")
    assert read_focus(None, CONFIG) == damage
    assert read_focus(["crack", "alligator crack"], CONFIG) == ("CRACK",)
