"""The glossary word by word, and what reaches which text tower."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lposs_core import OpenCLIPEncoder
from pipelines import PipelineRegistry, infer, load_catalogue
from pipelines.glossary import Glossary, load_glossary, to_english
from pipelines.tower_language import tower_texts


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("трещина", "crack"),
        ("ТРЕЩИНЫ", "crack"),
        ("окно", "window"),
        ("оконный проём", "window opening"),  # the longest term wins over its words
        ("оконный проем", "window opening"),
        ("墙面", "wall"),
        ("fenêtre", "window"),
        ("Fenster", "window"),
        ("Wand", "wall"),
        ("ventana", "window"),
        ("Riss im Putz", "crack in plaster"),
        ("фасад из red brick", "facade of red brick"),
        ("кот", None),
        ("wall", None),
        ("store window", None),  # French "store" is an awning; this is English
        ("bank", None),
        ("cracked wall of the old house", None),
        ("", None),
        ("=;,", None),
    ],
)
def test_words_and_texts(text, english):
    assert to_english(text) == english


def test_every_term_of_the_glossary_is_found_and_english_terms_are_left_alone():
    glossary = load_glossary()
    assert len(glossary.terms) > 1500
    for words in list(glossary.terms)[::7]:
        text = " ".join(words)
        assert glossary.to_english(text) in (glossary.terms[words], None)
    assert all(glossary.to_english(english) is None for english in set(glossary.terms.values()))


def test_the_longest_match_wins_and_foreign_leftovers_are_dropped():
    glossary = Glossary({("a",): "one", ("a", "b"): "two", ("с", "в"): "three"}, frozenset())
    assert glossary.to_english("a b") == "two"
    assert glossary.to_english("a") == "one"
    assert glossary.to_english("a x") is None  # Latin letters: all or nothing
    assert glossary.to_english("ы с в z ы") == "three z"


class Heard:
    """Notes every text that a text tower is asked to encode."""

    def __init__(self, monkeypatch):
        self.texts: list[str] = []
        real = OpenCLIPEncoder.encode_texts

        def encode(encoder, texts):
            self.texts += texts
            return real(encoder, texts)

        monkeypatch.setattr(OpenCLIPEncoder, "encode_texts", encode)


@pytest.fixture
def towers(family):
    """``first`` reads English only, ``second`` six languages."""
    rows = load_catalogue(family)
    rows = rows | {"first": replace(rows["first"], languages=("en",))}
    return PipelineRegistry(rows, torch.device("cpu"))


PROMPTS = "стена = стена, brick; трещина; window = окно; кот"


def test_a_multilingual_tower_hears_every_prompt_unchanged(towers, request_for, monkeypatch):
    heard = Heard(monkeypatch)
    result = infer(request_for(PROMPTS, checkpoint="second"), towers)
    for word in ("стена", "brick", "трещина", "окно", "кот"):
        assert any(word in text for text in heard.texts), word
    assert not any("crack" in text for text in heard.texts)
    assert not [note for note in result.notes if note.key in ("note.glossary", "note.foreign")]


def test_an_english_tower_hears_the_glossary_and_both_words_are_shown(towers, request_for, monkeypatch):
    heard = Heard(monkeypatch)
    result = infer(request_for(PROMPTS), towers)
    for word in ("wall", "brick", "crack", "window", "кот"):
        assert any(word in text for text in heard.texts), word
    assert not any("стена" in text or "окно" in text for text in heard.texts)
    notes = {note.key: note for note in result.notes}
    assert "стена → wall; трещина → crack; окно → window" in notes["note.glossary"].text("en")
    assert "понимает только английский" in notes["note.glossary"].text("ru")
    assert "'кот'" in notes["note.foreign"].text("en")
    assert result.classes[0].prompts == ("стена", "brick"), "as the visitor wrote them"
    assert {"стена", "трещина", "окно", "brick"} <= set(result.scores.texts_at(5, 5))


def test_the_translated_result_is_that_of_the_english_prompts(towers, request_for):
    russian = infer(request_for("стена; окно"), towers)
    english = infer(request_for("стена = wall; окно = window"), towers)
    assert (russian.label_map == english.label_map).all()


def test_the_glossary_can_be_switched_off(towers, request_for, monkeypatch):
    heard = Heard(monkeypatch)
    result = infer(request_for(PROMPTS, glossary=False), towers)
    assert any("трещина" in text for text in heard.texts)
    assert {note.key for note in result.notes} >= {"note.foreign"}
    assert "note.glossary" not in {note.key for note in result.notes}


def test_two_texts_with_one_english_word_are_encoded_once(towers, request_for):
    request = request_for("a = трещина, трещины, crack; b = wall")
    said = tower_texts(towers.catalogue["first"], request.prompts)
    assert said.prompts(request.prompts).texts == (("crack",), ("wall",))
    assert said.as_written({"crack": 1, "wall": 2}) == {"crack": 1, "wall": 2, "трещина": 1, "трещины": 1}
