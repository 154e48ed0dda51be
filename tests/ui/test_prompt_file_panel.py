"""Prompt files through the page's door, and back out."""

from pathlib import Path

import gradio as gr
import pytest

from pipelines import find_prompt_set, format_prompts, load_prompt_file, parse_prompts
from pipelines.prompts import NAME_TO_FULL_WIDTH
from ui.prompt_file_panel import read_prompts, save_prompts


def test_every_prompt_row_of_the_manifest_gets_its_outcome(manifest, badinputs: Path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [row for row in manifest["cases"] if row["kind"] == "prompt"]
    assert len(rows) > 40
    for row in rows:
        answer = read_prompts(str(badinputs / row["file"]), "ru")
        refused = "prompts" not in answer
        assert refused in {"accept": [False], "reject": [True], "either": [True, False]}[row["expect"]], row[
            "id"
        ]
        if refused:
            assert answer["notice"].startswith('<p class="error">'), row["id"]
            assert "unexpected" not in answer["notice"]
            assert "<script" not in answer["notice"]
        else:
            assert parse_prompts(answer["prompts"])
    assert not list(tmp_path.iterdir())


def test_markup_stays_text(badinputs: Path):
    content = read_prompts(str(badinputs / "prompts/html_prompts.json"), "en")["prompts"]
    names = load_prompt_file(badinputs / "prompts/html_prompts.json").names
    assert parse_prompts(content).names == tuple(name.translate(NAME_TO_FULL_WIDTH) for name in names)


@pytest.mark.parametrize("name", ["facade-damage-mixed", "facade-parts-zh", "facade-grouped-fr"])
def test_saved_prompts_are_read_back_as_they_were(name: str, served_files: Path):
    prompts = find_prompt_set(name).prompts
    path = Path(save_prompts(format_prompts(prompts), "en"))
    assert path.suffix == ".yaml"
    assert load_prompt_file(path) == prompts
    assert read_prompts(str(path), "en")["prompts"] == format_prompts(prompts)


@pytest.mark.parametrize("name", ["yes", "1.5", "null", "a: b", "# x", "- y", "!tag", "&anchor", "'", "[x]"])
def test_names_that_yaml_reads_otherwise_survive(name: str, served_files: Path):
    path = save_prompts(f"{name} = {name}; other", "en")
    assert load_prompt_file(path) == parse_prompts(f"{name} = {name}; other")


def test_prompts_that_cannot_be_used_are_refused_in_the_visitors_language():
    with pytest.raises(gr.Error, match="Нет ни одного класса"):
        save_prompts(" ", "ru")
    assert read_prompts(None, "en") == {}


@pytest.mark.ui
def test_a_file_fills_the_box_and_a_refused_one_leaves_it(visit, tmp_path: Path):
    visitor = visit()
    page = visitor.page
    bad, good = tmp_path / "bad.yaml", tmp_path / "own.yaml"
    bad.write_text("wall: [a\n")
    good.write_text("masonry: [brick wall, стена]\nsky: sky\n", encoding="utf-8")
    before = page.locator("#prompts textarea").input_value()
    inputs = page.locator("input[type=file][accept*='.yaml']")
    inputs.set_input_files(str(bad))
    page.wait_for_selector("#notice p.error")
    assert "not valid YAML" in page.locator("#notice p.error").inner_text()
    assert page.locator("#prompts textarea").input_value() == before
    revision = visitor.revision
    inputs.set_input_files(str(good))
    visitor.wait_for_result_after(revision)
    assert visitor.names() == ["masonry", "sky"]
    with page.expect_download() as download:
        page.click("#prompt-save")
    saved = tmp_path / "saved.yaml"
    download.value.save_as(saved)
    assert load_prompt_file(saved) == load_prompt_file(good)
