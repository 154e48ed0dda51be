"""``/inspect`` and ``/compare`` through gradio_client."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

PROMPTS = "wall = wall, стена\nwindow = window, окно\nsky"


@pytest.fixture(scope="module")
def client(site: str) -> Client:
    return Client(site, verbose=False, analytics_enabled=False)


@pytest.fixture
def drawing(drawings: Path):
    return handle_file(str(drawings / "facade_3.png"))


def labels_of(client: Client, drawing, method: str, checkpoint: str) -> np.ndarray:
    path, _ = client.predict(drawing, PROMPTS, method, checkpoint, api_name="/segment")
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("method", ["maskclip", "lposs", "lposs_plus"])
def test_inspect_names_the_class_that_segment_gives(client: Client, drawing, method: str):
    labels = labels_of(client, drawing, method, "tiny-finetuned")
    for x, y in ((0, 0), (319, 239), (160, 100)):
        report = client.predict(drawing, x, y, PROMPTS, method, "tiny-finetuned", api_name="/inspect")
        assert report["label"] == labels[y, x]
        assert [item["name"] for item in report["classes"]] == ["wall", "window", "sky"]
        best = max(report["classes"], key=lambda item: item["score"])
        assert best["score"] == pytest.approx(report["classes"][report["label"]]["score"], abs=1e-3)
        for item in report["classes"]:
            assert item["score"] == pytest.approx(max(text["score"] for text in item["prompts"]), abs=2e-3)
    assert [text["text"] for text in report["classes"][0]["prompts"]] == ["wall", "стена"]


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [(320, 0, "320 x 240"), (0, -1, "0 to 239"), (None, 3, "whole"), (1.5, 3, "whole"), ("left", 3, "whole")],
)
def test_inspect_refuses_what_is_no_pixel(client: Client, drawing, x, y, words):
    with pytest.raises(AppError, match=words):
        client.predict(drawing, x, y, PROMPTS, "lposs", "tiny-finetuned", api_name="/inspect")


def test_compare_counts_what_two_segmentations_differ_by(client: Client, drawing):
    a = labels_of(client, drawing, "lposs", "tiny-stock")
    b = labels_of(client, drawing, "lposs", "tiny-finetuned")
    path, report = client.predict(
        drawing, PROMPTS, "lposs", "tiny-stock", "tiny-finetuned", api_name="/compare"
    )
    with Image.open(path) as image:
        difference = np.asarray(image)
    assert difference.dtype == np.uint8
    assert np.array_equal(difference, np.where(a != b, 255, 0))
    assert report["changed"] == pytest.approx(float((a != b).mean()), abs=1e-9)
    for item in report["classes"]:
        here, there = a == item["index"], b == item["index"]
        either = (here | there).sum()
        assert item["changed"] == pytest.approx(float((here ^ there).sum() / either) if either else 0)
    assert (report["a"]["checkpoint"]["id"], report["b"]["checkpoint"]["id"]) == (
        "tiny-stock",
        "tiny-finetuned",
    )


def test_compare_refuses_unknown_checkpoints(client: Client, drawing):
    with pytest.raises(AppError, match="tiny-stock"):
        client.predict(drawing, PROMPTS, "lposs", "tiny-stock", "nothing", api_name="/compare")
