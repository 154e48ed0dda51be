"""Photographs of real facades through the running page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

PROMPTS = "wall = wall, стена\nwindow = window, окно\ndoor\nsignboard = signboard, вывеска\nground\ncar"
NAMES = ["wall", "window", "door", "signboard", "ground", "car"]
SOME = slice(4, None, 20)  # eight of the 160


@pytest.fixture(scope="module")
def photographs(photos: Path) -> list[Path]:
    return sorted((photos / "spb_facades" / "images").glob("*.jpg"))


def _check(photo: Path, answer: Any) -> None:
    with Image.open(photo) as picture:
        width, height = picture.size
    report, label_map = answer.report, answer.label_map
    assert answer.accepted, answer.refusal
    assert label_map.shape == (height, width)
    assert report["size"] == [height, width]
    assert [item["name"] for item in report["classes"]] == NAMES
    counted = np.bincount(label_map.ravel(), minlength=256)[: len(NAMES)] / label_map.size
    np.testing.assert_allclose([item["share"] for item in report["classes"]], counted, atol=1e-4)
    assert counted.sum() == pytest.approx(1)  # nobody asked for "none of these"
    assert (counted > 0.001).sum() >= 2  # a street is more than one thing


@pytest.mark.parametrize("place", range(8))
def test_photograph(site: Any, photographs: list[Path], place: int) -> None:
    photo = photographs[SOME][place]
    _check(photo, site.segment(photo.read_bytes(), photo.name, PROMPTS))


def test_gradio_client_gets_the_same_answer(site: Any, photographs: list[Path]) -> None:
    photo = photographs[SOME][0]
    client = Client(site.url, verbose=False)
    file, report = client.predict(handle_file(photo), PROMPTS, "lposs", "tiny-finetuned", api_name="/segment")
    raw = site.segment(photo.read_bytes(), photo.name, PROMPTS)
    np.testing.assert_array_equal(np.array(Image.open(file)), raw.label_map)
    assert report["classes"] == raw.report["classes"]
    assert report["checkpoint"]["id"] == "tiny-finetuned"
    assert len(report["checkpoint"]["sha256"]) == 64


def test_checkpoints_and_methods_give_answers_of_their_own(site: Any, photographs: list[Path]) -> None:
    photo = photographs[SOME][1]
    choices = [
        (method, checkpoint)
        for method in ("maskclip", "lposs", "lposs_plus")
        for checkpoint in ("tiny-stock", "tiny-finetuned")
    ]
    answers = [site.segment(photo.read_bytes(), photo.name, PROMPTS, *choice) for choice in choices]
    for (method, checkpoint), answer in zip(choices, answers, strict=True):
        _check(photo, answer)
        assert (answer.report["method"], answer.report["checkpoint"]["id"]) == (method, checkpoint)
    assert len({answer.label_map.tobytes() for answer in answers}) == len(choices)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", ["maskclip", "lposs", "lposs_plus"])
def test_every_photograph(site: Any, photographs: list[Path], method: str) -> None:
    assert len(photographs) == 160
    before = site.memory()
    started = time.monotonic()
    for photo in photographs:
        _check(photo, site.segment(photo.read_bytes(), photo.name, PROMPTS, method))
    seconds = (time.monotonic() - started) / len(photographs)
    print(f"{method}: {seconds:.2f} s a photograph, memory {site.memory() - before:+.0f} MB")
