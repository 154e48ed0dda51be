"""The public endpoints through gradio_client, and the door in front of them."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

PROMPTS = "wall = wall, стена\nwindow = window, окно\nsky"


@pytest.fixture(scope="module")
def client(site: str) -> Client:
    return Client(site, verbose=False, analytics_enabled=False)


def test_only_the_named_endpoints_are_public(demo: gr.Blocks):
    public = {block.api_name for block in demo.fns.values() if block.api_visibility == "public"}
    assert public == {"compare", "explain", "inspect", "models", "prompt_sets", "segment"}


def test_segment_answers_with_label_map_and_report(client: Client, drawings: Path):
    path = drawings / "facade_3.png"
    label_map, report = client.predict(handle_file(str(path)), PROMPTS, api_name="/segment")
    with Image.open(label_map) as image:
        labels = np.asarray(image)
    assert labels.dtype == np.uint8
    assert labels.shape == (240, 320) == tuple(report["size"])
    assert set(np.unique(labels)) <= {0, 1, 2}
    assert report["method"] == "lposs"
    assert report["checkpoint"]["id"] == "tiny-finetuned"
    assert len(report["checkpoint"]["sha256"]) == 64
    assert [item["name"] for item in report["classes"]] == ["wall", "window", "sky"]
    for item in report["classes"]:
        assert item["share"] == pytest.approx(float((labels == item["index"]).mean()), abs=1e-6)
    assert report["seconds"]["propagate"] >= 0


@pytest.mark.parametrize(
    ("prompts", "method", "checkpoint", "words"),
    [
        ("", "lposs", "tiny-stock", "class"),
        (None, "lposs", "tiny-stock", "class"),
        ("wall", "magic", "tiny-stock", "magic"),
        ("wall", "lposs", "../../etc/passwd", "tiny-stock"),
    ],
)
def test_refusals_reach_the_client(client: Client, drawings: Path, prompts, method, checkpoint, words):
    picture = handle_file(str(drawings / "facade_3.png"))
    with pytest.raises(AppError, match=words):
        client.predict(picture, prompts, method, checkpoint, api_name="/segment")


def test_a_file_that_is_no_picture_is_refused(client: Client, noise: Path):
    with pytest.raises(AppError, match="PNG, JPEG, WebP or GIF"):
        client.predict(handle_file(str(noise)), "wall", api_name="/segment")


def test_a_picture_inside_the_request_is_refused(client: Client):
    inside = {"url": "data:image/png;base64,iVBORw0KGgo=", "meta": {"_type": "gradio.FileData"}}
    with pytest.raises((AppError, ValueError, httpx.HTTPError)):
        client.predict(inside, "wall", api_name="/segment")


def test_lists_name_what_can_be_chosen(client: Client):
    models = client.predict(api_name="/models")
    assert {"tiny-stock", "tiny-finetuned"} <= {row["id"] for row in models}
    sets = client.predict(api_name="/prompt_sets")
    assert "facade-damage-ru" in {row["id"] for row in sets}


def test_the_door_limits_bodies_and_forbids_sniffing(site: str):
    with httpx.Client(base_url=site, trust_env=False) as http:
        page = http.get("/")
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in page.headers["content-security-policy"]
        refused = http.post("/gradio_api/upload", content=b"x" * 25_000_000)
        assert refused.status_code == 413
        assert http.get("/monitoring/summary").status_code >= 400
