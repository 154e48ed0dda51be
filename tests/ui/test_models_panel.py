"""The chooser of further models against a stand-in hub that holds the bundled weights."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import pytest
import torch

from pipelines import InferenceRequest, PipelineRegistry, infer, parse_prompts
from pipelines.catalogue import ASSETS, CATALOGUE_FILE
from pipelines.hub import HubStore
from pipelines.hub_catalogue import build_catalogue
from ui import build_demo, launch_options
from ui.models_handlers import ModelHandlers, more_choices, pill_choices, tower_line

ROW = """
  - id: far-tiny
    label: {en: "Far <tiny>", ru: "Далёкая <малая>"}
    kind: stock
    base: test
    licence: MIT
    languages: [en]
    methods: [maskclip, lposs, lposs_plus]
    parts:
      clip:
        builder: tiny-dual
        hub: [{repo: facade/tiny, name: clip.safetensors, megabytes: 25}]
      patches:
        builder: tiny-patches
        hub: [{repo: facade/tiny, name: patches.safetensors, megabytes: 10}]
    settings: {short_side: 64, crop: 64, stride: 32, k: 12}
"""


@pytest.fixture
def registry(hub, tmp_path: Path) -> PipelineRegistry:
    """The bundled checkpoints and one that the stand-in hub has."""
    for name, file in {"clip": "tiny_clip_stock", "patches": "tiny_patches"}.items():
        hub.files["facade/tiny", f"{name}.safetensors"] = (
            ASSETS / "weights" / f"{file}.safetensors"
        ).read_bytes()
    text = CATALOGUE_FILE.read_text(encoding="utf-8").replace("file: weights/", f"file: {ASSETS}/weights/")
    (tmp_path / "catalogue.yaml").write_text(text + ROW, encoding="utf-8")
    rows = build_catalogue(tmp_path / "catalogue.yaml", store=HubStore(tmp_path / "store"))
    return PipelineRegistry(rows, torch.device("cpu"))


def until_ended(handlers: ModelHandlers) -> dict:
    for _ in range(400):
        updates = handlers.look("far-tiny", "en")
        if "waiting" in updates:
            return updates
        time.sleep(0.05)
    raise AssertionError("the download did not end")


def test_choosing_fetches_shows_progress_and_takes_the_model(registry, hub):
    handlers = ModelHandlers(registry)
    hub.pause = 0.02
    updates = handlers.choose("far-tiny", "ru")
    assert updates["waiting"] == "far-tiny"
    assert updates["model_stop"]["visible"] is True
    card = updates["model_card"]["value"]
    assert "Далёкая &lt;малая&gt;" in card
    assert "MIT" in card
    assert "Понимает только английский" in card
    assert "нет на этой машине, 35" in card
    hub.pause = 0.0
    updates = until_ended(handlers)
    assert updates["checkpoint"]["value"] == "far-tiny"
    assert ("Far <tiny>", "far-tiny") in updates["checkpoint"]["choices"]
    assert updates["waiting"] is None
    assert updates["model_card"]["visible"] is False
    again = handlers.choose("far-tiny", "en")
    assert again["checkpoint"]["value"] == "far-tiny", "what is here is taken at once"


def test_stopping_keeps_the_page_and_what_arrived(registry, hub):
    handlers = ModelHandlers(registry)
    hub.pause = 0.05
    handlers.choose("far-tiny", "en")
    updates = handlers.stop("far-tiny", "en")
    assert updates["waiting"] is None
    assert "The download was stopped. What has arrived is kept." in updates["model_card"]["value"]
    assert "checkpoint" not in updates


@pytest.mark.parametrize(("fault", "words"), [("503", "HTTP 503"), ("wrong", "not the file expected")])
def test_a_failing_hub_is_told_and_the_bundled_model_works_on(registry, hub, fault, words, picture_pixels):
    handlers = ModelHandlers(registry)
    hub.fault = fault
    handlers.choose("far-tiny", "en")
    updates = until_ended(handlers)
    assert words in updates["model_card"]["value"]
    request = InferenceRequest(picture_pixels, parse_prompts("wall; window"), "maskclip", templates="simple")
    assert infer(request, registry).checkpoint.id == "tiny-finetuned"


def test_offline_is_told_at_once(registry, hub, monkeypatch):
    monkeypatch.setenv("FACADE_LENS_OFFLINE", "1")
    updates = ModelHandlers(registry).choose("far-tiny", "ru")
    assert "Скачивание здесь выключено" in updates["model_card"]["value"]
    assert updates["waiting"] is None


def test_the_port_opens_while_the_hub_hangs(registry, hub, monkeypatch, tmp_path):
    """Nothing is asked of the hub before a visitor chooses; the page says what is missing."""
    import httpx

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    hub.fault = "hang"
    demo = build_demo(registry)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    try:
        assert httpx.get(url).status_code == 200
    finally:
        demo.close()
        del demo
        gc.collect()  # Gradio leaves its server's event loop to the collector; here its warning may pass
    assert hub.contacts == 0
    assert ("Far <tiny> · not on this machine, 35 MB", "far-tiny") in more_choices(registry, "en")


def test_the_tower_line_and_the_glossary_follow_the_checkpoint(registry):
    handlers = ModelHandlers(registry)
    bundled = handlers.describe("tiny-stock", "lposs")
    assert "Russian, German" in bundled["tower"]
    assert "русский, немецкий" in bundled["tower"]
    assert bundled["glossary"]["visible"] is False
    far = handlers.describe("far-tiny", "lposs")
    assert "Reads English only" in far["tower"]
    assert far["glossary"]["visible"] is True
    assert handlers.describe("tiny-stock", "pnp_ovss")["glossary"]["visible"] is True
    assert handlers.describe("gone", "lposs") == {}


def test_pills_stay_two_and_take_in_the_chosen_one(registry):
    assert [value for _, value in pill_choices(registry, "en")] == ["tiny-finetuned", "tiny-stock"]
    assert [value for _, value in pill_choices(registry, "ru", "far-tiny")][2:] == ["far-tiny"]
    assert tower_line(registry.catalogue["far-tiny"]).count("<span") == 2


@pytest.fixture
def picture_pixels():
    import numpy as np

    return np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
