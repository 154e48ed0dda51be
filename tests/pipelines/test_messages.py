import re
import string

import pytest

import pipelines
from pipelines.errors import ImageError, PipelineError
from pipelines.messages import MESSAGES, Phrase, render_message


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_fill_in_the_same_values():
    for key, phrase in MESSAGES.items():
        assert fields(phrase.en) == fields(phrase.ru), key
        assert key == "settings.syntax" or re.search("[а-яё]", phrase.ru), key


def test_every_sentence_belongs_to_an_error_or_a_note():
    kinds = {error.kind for error in PipelineError.__subclasses__()} | {"note"}
    assert {key.partition(".")[0] for key in MESSAGES} <= kinds


def test_an_error_speaks_both_languages():
    error = ImageError.of("too_small", width=9, height=12, limit=16)
    assert error.code == "too_small"
    assert error.key == "image.too_small"
    assert error.values == {"width": 9, "height": 12, "limit": 16}
    assert (
        str(error)
        == error.text()
        == "The picture is too small: 9 x 12 pixels. Each side needs at least 16 pixels."
    )
    assert "9 x 12" in error.text("ru")
    assert "мало" in error.text("ru")


def test_a_phrase_among_the_values_is_put_in_its_own_language():
    place = Phrase("Line 3", "Строка 3")
    values = {"place": place, "seen": "'= x'"}
    assert render_message("prompt.empty.name", "en", values).startswith("Line 3: ")
    assert render_message("prompt.empty.name", "ru", values).startswith("Строка 3: ")


def test_a_plain_message_serves_where_there_is_no_translation():
    error = PipelineError("Something is wrong.")
    assert error.text("ru") == "Something is wrong."
    assert error.code == "failed"


@pytest.mark.parametrize("name", pipelines.__all__)
def test_every_public_name_exists(name):
    assert hasattr(pipelines, name)
