import time
from pathlib import Path

import pytest

from pipelines.errors import PromptError
from pipelines.prompt_files import load_prompt_file, parse_prompt_file
from pipelines.types import ClassPrompt, PromptSet

LOOSE = {  # other words for the manifest's reason that are just as right
    "too_large": {"too_large", "too_deep"},
    "schema": {"schema"},
    "too_many": {"too_many", "too_large"},
}


def refusal(path: Path) -> PromptError | None:
    try:
        load_prompt_file(path)
    except PromptError as error:
        return error
    return None


def test_every_prompt_row_of_the_manifest_gets_its_outcome(manifest, badinputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [row for row in manifest["cases"] if row["kind"] == "prompt"]
    assert len(rows) > 40
    for row in rows:
        started = time.perf_counter()
        error = refusal(badinputs / row["file"])
        assert time.perf_counter() - started < min(row.get("max_seconds", 2), 2), row["id"]
        expected = {"accept": [False], "reject": [True], "either": [True, False]}[row["expect"]]
        assert (error is not None) in expected, f"{row['id']}: {error}"
        if error is not None:
            assert len(str(error)) < 400, row["id"]
            assert error.text("ru") != error.text("en")
        if error is not None and row["expect"] == "reject":
            allowed = LOOSE.get(row["reason"], {row["reason"]})
            assert error.code in allowed, f"{row['id']}: {error.code} {error}"
    assert not list(tmp_path.iterdir())


def test_rows_that_must_agree_agree(manifest, badinputs):
    for row in manifest["cases"]:
        check = row.get("check", {})
        if row["kind"] == "prompt" and "same_answer_as" in check:
            assert load_prompt_file(badinputs / row["file"]) == load_prompt_file(
                badinputs / check["same_answer_as"]
            )
        if "class_names_if_accept" in check:
            assert list(load_prompt_file(badinputs / row["file"]).names) == check["class_names_if_accept"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{"wall": ["brick wall", "plaster"], "window": "window"}'),
        ("a.yaml", "wall: [brick wall, plaster]\nwindow: window\n"),
        ("a.yml", "wall:\n- brick wall\n- plaster\nwindow: 'window'\n"),
        ("a.txt", "wall = brick wall, plaster\nwindow"),
    ],
)
def test_all_formats_say_the_same(name, content):
    expected = PromptSet((ClassPrompt("wall", ("brick wall", "plaster")), ClassPrompt("window", ("window",))))
    assert parse_prompt_file(content.encode(), name) == expected


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.yaml", "wall: [a]\nwindow: [b]\nwall: [c]\n", "Line 3, column 1"),
        ("a.yaml", "wall: [a]\nwindow: {x: y}\n", "Line 2, column 1"),
        ("a.yaml", "wall: [a]\nyes: [b]\n", "Line 2, column 1"),
        ("a.yaml", "wall: [a]\nroof: !!binary aGk=\n", "Line 2, column 7"),
        ("a.json", '{"wall": "a",\n "wall": "b"}', "Class 2"),
        ("a.json", '{"wall": "a",\n "roof": 7}', "'roof'"),
        ("a.json", '{"wall": "a",\n "roof" "b"}', "Line 2, column 9"),
        ("a.json", '{"a": [[[[[1]]]]]}', "column 10"),
    ],
)
def test_refusals_name_the_place(name, content, place):
    with pytest.raises(PromptError) as caught:
        parse_prompt_file(content.encode(), name)
    assert place in str(caught.value)


def test_brackets_inside_texts_are_no_nesting():
    text = '{"wall": "[[[[[[{{{{ \\" [[[["}'
    assert parse_prompt_file(text.encode(), "a.json").classes[0].texts == ('[[[[[[{{{{ " [[[[',)


def test_other_suffixes_and_missing_files_are_refused(tmp_path):
    with pytest.raises(PromptError, match=r"Name it \.json"):
        parse_prompt_file(b"wall", "prompts.exe")
    with pytest.raises(PromptError, match="cannot be opened"):
        load_prompt_file(tmp_path / "none.json")


def test_files_above_256_kilobytes_are_refused_unread(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(256 * 1024 + 1)
    with pytest.raises(PromptError, match="at most 256 kB"):
        load_prompt_file(path)
