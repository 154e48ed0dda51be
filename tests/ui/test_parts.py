"""The page's parts without a browser."""

from __future__ import annotations

import logging
import string
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lposs_core import LPOSSConfig
from pipelines import ImageError, PromptError, prompt_sets
from ui.files import write_once, write_unique
from ui.handlers import FORM_FIELDS, split_words
from ui.images import PictureStore, find_examples, write_thumbnail
from ui.refusals import explain, notice
from ui.settings import KNOBS, NAMES, read_settings, shown_settings
from ui.text import LANGUAGES, PAGE, say
from ui.viewer_text import VIEWER
from ui.words import PLACES, topics, variant_choices


@pytest.fixture(autouse=True)
def own_served_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))


@pytest.mark.parametrize(
    "phrase", [*PAGE.values(), *VIEWER.values()], ids=[*PAGE, *(f"viewer.{k}" for k in VIEWER)]
)
def test_both_languages_fill_the_same_fields(phrase):
    fields = [
        {name for _, name, _, _ in string.Formatter().parse(phrase.text(code)) if name} for code in LANGUAGES
    ]
    assert fields[0] == fields[1]
    assert all(phrase.text(code).strip() for code in LANGUAGES)


def test_every_place_of_the_page_has_words():
    assert {key for place in PLACES.values() for key in place.values()} <= set(PAGE)
    assert set(NAMES) <= set(PLACES)
    assert set(NAMES) <= set(FORM_FIELDS)


def test_every_prompt_set_can_be_chosen():
    reachable = {f"{topic}-{variant}" for topic in topics() for _, variant in variant_choices()}
    assert reachable == {item.id for item in prompt_sets()}
    assert all(f"topic.{topic}" in PAGE for topic in topics())


def test_settings_come_back_as_they_were_shown():
    own = LPOSSConfig(sigma=0.0123, k=250, stride=96)
    assert read_settings(shown_settings(own), own) == own


def test_sigma_is_a_length_on_the_page_and_a_rate_in_the_method():
    own = LPOSSConfig(sigma=0.01)
    shown = shown_settings(own)
    assert shown["sigma"] == 100
    assert read_settings({**shown, "sigma": 50}, own).sigma == pytest.approx(0.02)


def test_published_values_lie_on_the_sliders(registry):
    shown = shown_settings(LPOSSConfig())
    for row in registry.catalogue.values():
        own = shown_settings(row.settings)
        assert all(knob.low <= own[knob.name] <= knob.high for knob in KNOBS), row.id
    for knob in KNOBS:
        assert knob.low <= shown[knob.name] <= knob.high
        steps = (shown[knob.name] - knob.low) / knob.step
        assert steps == pytest.approx(round(steps), abs=1e-6), knob.name


def test_background_words_are_split_and_trimmed():
    assert split_words(" people, cars;\nsky ,") == ("people", "cars", "sky")
    assert split_words(None) == ()


def test_users_read_their_language_and_never_an_exception(caplog: pytest.LogCaptureFixture):
    refused = PromptError.of("empty")
    assert explain(refused, "ru") == refused.text("ru") != refused.text("en")
    with caplog.at_level(logging.ERROR):
        sentence = explain(RuntimeError("/secret/path"), "en")
    assert "/secret/path" not in sentence
    identifier = sentence.split("(id ")[1].split(")")[0]
    assert identifier in caplog.text
    assert say("failed", "ru", id=identifier) != sentence


def test_notices_are_escaped():
    assert notice("<img onerror=x>", "error") == '<p class="error">&lt;img onerror=x&gt;</p>'


def test_a_file_is_written_once_and_whole(tmp_path: Path):
    writes = []

    def write(path: Path) -> None:
        writes.append(path)
        path.write_bytes(b"all of it")

    threads = [threading.Thread(target=write_once, args=("kind", ".bin", b"same", write)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    path = write_once("kind", ".bin", b"same", lambda target: pytest.fail("it is there already"))
    assert path.read_bytes() == b"all of it"
    assert sorted(path.parent.iterdir()) == [path], "no temporary file is left"
    assert path not in writes


def test_a_failed_write_leaves_nothing():
    def fail(path: Path) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_unique("kind", ".bin", fail)
    left = write_unique("kind", ".bin", lambda path: path.write_bytes(b"1"))
    assert list(left.parent.iterdir()) == [left]


def test_a_picture_is_decoded_once(tmp_path: Path):
    path = tmp_path / "picture.png"
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(path)
    store = PictureStore()
    assert store.open(path) is store.open(path)
    Image.fromarray(np.full((40, 64, 3), 90, np.uint8)).save(path)
    assert store.open(path).pixels.shape == (40, 64, 3)
    with pytest.raises(ImageError):
        store.open(tmp_path / "absent.png")


def test_pictures_kept_are_bounded_in_bytes(tmp_path: Path):
    store = PictureStore(max_bytes=30_000)
    paths = [tmp_path / f"{index}.png" for index in range(3)]
    for index, path in enumerate(paths):
        Image.fromarray(np.full((60, 80, 3), index, np.uint8)).save(path)  # 14,400 bytes decoded
    first = store.open(paths[0])
    store.open(paths[1])
    store.open(paths[2])
    assert store.open(paths[0]) is not first


def test_examples_are_found_and_cropped(drawings: Path, tmp_path: Path):
    found = find_examples(drawings, tmp_path / "absent", None)
    assert [path.name for path in found] == ["facade_3.png", "facade_4.png"]
    with Image.open(write_thumbnail(found[0])) as small:
        assert small.size == (320, 240)
