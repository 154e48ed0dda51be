"""``/explain`` through gradio_client."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

PROMPTS = "wall = wall, стена\nwindow = window, окно\nsky"
CHOSEN = ("lposs", "tiny-finetuned")


@pytest.fixture(scope="module")
def client(site: str) -> Client:
    return Client(site, verbose=False, analytics_enabled=False)


@pytest.fixture
def drawing(drawings: Path):
    return handle_file(str(drawings / "facade_3.png"))


def test_a_pixel_is_explained_with_map_and_figures(client: Client, drawing):
    path, report = client.predict(
        drawing, PROMPTS, "wall", "influence", *CHOSEN, 160, 120, api_name="/explain"
    )
    with Image.open(path) as image:
        assert image.mode == "L"
        heat = np.asarray(image)
    assert heat.shape == (240, 320)
    assert heat.max() > 200
    low, high = report["scale"]
    assert low == 0 < high
    assert set(report["faithfulness"]) == {"deletion", "insertion", "random_deletion", "random_insertion"}
    assert report["completeness"]["relative_gap"] < 0.01
    assert report["seconds"]["total"] > 0
    assert (report["explained"]["x"], report["explained"]["y"]) == (160, 120)
    asked = client.predict(drawing, 160, 120, PROMPTS, *CHOSEN, api_name="/inspect")
    assert report["explained"]["shown"] == pytest.approx(asked["classes"][0]["probability"], abs=2e-3)


@pytest.mark.parametrize(
    ("name", "kind", "place", "words"),
    [
        ("door", "grad_cam", (None, None), "door"),
        ("wall", "magic", (None, None), "integrated_gradients"),
        ("wall", "grad_cam", (320, 0), "x from 0 to 319"),
        ("wall", "grad_cam", (3, None), "both x and y"),
        ("wall", "grad_cam", (1.5, 2), "whole numbers"),
    ],
)
def test_refusals_reach_the_client(client: Client, drawing, name, kind, place, words):
    with pytest.raises(AppError, match=words):
        client.predict(drawing, PROMPTS, name, kind, *CHOSEN, *place, api_name="/explain")


def test_influence_needs_a_method_that_propagates(client: Client, drawing):
    with pytest.raises(AppError, match="Choose the method lposs"):
        client.predict(drawing, PROMPTS, "wall", "influence", "maskclip", "tiny-stock", api_name="/explain")
