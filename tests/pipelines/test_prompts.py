import string

import pytest

from pipelines.errors import PromptError
from pipelines.prompts import format_prompts, parse_prompts
from pipelines.types import ClassPrompt, PromptSet


def test_the_grammar_of_the_prompt_box():
    prompts = parse_prompts("wall = brick wall, plaster ; window\n\n  дверь = door, дверь  \r\nsky;")
    assert prompts == PromptSet(
        (
            ClassPrompt("wall", ("brick wall", "plaster")),
            ClassPrompt("window", ("window",)),
            ClassPrompt("дверь", ("door", "дверь")),
            ClassPrompt("sky", ("sky",)),
        )
    )
    assert prompts.names == ("wall", "window", "дверь", "sky")
    assert prompts.texts[2] == ("door", "дверь")
    assert len(prompts) == 4


def test_a_comma_in_a_lone_name_stays_and_a_second_equals_sign_belongs_to_the_text():
    assert parse_prompts("red, white flag").classes[0] == ClassPrompt("red, white flag", ("red, white flag",))
    assert parse_prompts("sum = 1=1").classes[0] == ClassPrompt("sum", ("1=1",))


def test_blank_texts_are_dropped_and_spaces_joined():
    assert parse_prompts("wall =  brick \t wall , , plaster,").classes[0].texts == ("brick wall", "plaster")


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("", "empty", "There are no prompts"),
        (" ;\n; \u200b", "empty", "There are no prompts"),
        (
            "wall\n\n= spalling",
            "empty",
            "Line 3 of the prompts: there is no class name before \"=\" in '= spalling'",
        ),
        ("wall = , ,", "empty", "Line 1 of the prompts: the class 'wall' has no text"),
        ("wall\nWALL", "duplicate", "Line 2 of the prompts: the class 'WALL' is there already (Line 1"),
        ("café\ncafe\u0301", "duplicate", "Line 2"),
        ("straße; STRASSE", "duplicate", "Line 1"),
        ("wall = " + "x" * 301, "too_long", "301 characters; at most 300"),
        ("x" * 301, "too_long", "301 characters"),
        (";".join(f"c{n}" for n in range(65)), "too_many", "65 classes; at most 64"),
        ("wall = " + ",".join("x" * 33), "too_many", "33 texts; at most 32"),
        ("wall\nwin\u202edow", "invisible", "Line 2 of the prompts: 'win\\u202edow' holds"),
        ("wall\x07", "invisible", "U+0007"),
        ("x" * 262145, "too_large", "at most 256 kB"),
    ],
)
def test_refusals_say_what_and_where(text, code, sentence):
    with pytest.raises(PromptError) as caught:
        parse_prompts(text)
    assert caught.value.code == code
    assert sentence in str(caught.value)
    assert caught.value.text("ru") != str(caught.value)


def test_the_limits_themselves_are_accepted():
    texts = ",".join(f"{n} ".ljust(299, "x") + "y" for n in range(32))
    prompts = parse_prompts("\n".join(f"c{n} = a" for n in range(63)) + "\nlast = " + texts)
    assert len(prompts) == 64
    assert len(prompts.classes[-1].texts) == 32
    assert {len(text) for text in prompts.classes[-1].texts} == {300}


def test_scripts_and_emoji_survive_and_pasted_leftovers_go():
    text = "🏚\ufe0f дом\n👨\u200d👩\u200d👧\nटूटी दीवार\n外墙剥落\nпотё\u00adки\u200b воды"
    assert parse_prompts(text).names == (
        "🏚\ufe0f дом",
        "👨\u200d👩\u200d👧",
        "टूटी दीवार",
        "外墙剥落",
        "потёки воды",
    )


def test_formatting_and_parsing_are_inverse():
    text = "wall = brick wall, plaster\nwindow\nдверь = door, дверь"
    assert format_prompts(parse_prompts(text)) == text


def test_grammar_characters_inside_names_and_texts_survive_formatting_in_full_width():
    letters = string.punctuation
    prompts = PromptSet((ClassPrompt(letters, (letters, "b")),))
    again = parse_prompts(format_prompts(prompts))
    assert len(again) == 1
    assert len(again.classes[0].texts) == 2
    assert again.classes[0].name == letters.replace("=", "＝").replace(";", "；")
