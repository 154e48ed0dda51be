from pathlib import Path

import pytest

from evaluation.facades.config import facade_prompts, load_config
from pipelines import SettingsError, UnknownChoice, load_taxonomy


def write(folder: Path, text: str) -> Path:
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    return folder


def test_the_baseline_has_the_eleven_published_classes() -> None:
    config = load_config()
    assert config.classes == load_taxonomy().names[:11]
    assert config.prompts.names == config.classes
    assert load_config(name="facade_v2.yaml").classes == load_taxonomy().names


def test_own_texts_take_the_place_of_the_terms(tmp_path: Path) -> None:
    text = "classes: [background, CRACK]\nprompts: {crack: [трещина, crack], background: wall}"
    prompts = load_config(write(tmp_path, text), "own.yaml").prompts
    assert prompts.texts == (("wall",), ("трещина", "crack"))
    assert facade_prompts(2).texts[1] == load_taxonomy().find("CRACK").terms["en"]


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("classes: [background]\nprompt_descriptions: {}", SettingsError, "no key 'prompt_descriptions'"),
        ("classes: [CRACK]", SettingsError, "the first of background, CRACK"),
        ("classes: []", SettingsError, "the first of background, CRACK"),
        ("classes: [background]\nmethods: [lpos]", SettingsError, "some of maskclip, lposs"),
        ("classes: [background]\nprompts: {moss: green}", UnknownChoice, "no facade class 'moss'"),
        ("classes: [background]\nprompts: {CRACK: []}", SettingsError, "prompts of 'CRACK'"),
        ("classes: [background]\nprompts: {CRACK: 7}", SettingsError, "a text or a list of texts"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text, error, sentence) -> None:
    with pytest.raises(error, match=sentence):
        load_config(write(tmp_path, text), "own.yaml")
