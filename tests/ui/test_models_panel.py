"""The chooser of further models against a stand-in hub that holds the bundled weights."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from pipelines import CheckpointError, InferenceRequest, PipelineRegistry, infer, parse_prompts
from ui import build_demo, launch_options
from ui.models_handlers import ModelHandlers, more_choices, pill_choices, tower_line
from ui.models_panel import LOOK_SECONDS
from ui.settings import KNOBS, shown_settings

STOPPED = "The download was stopped. What has arrived is kept."


@pytest.fixture
def registry(registry, hub_registry) -> PipelineRegistry:
    """The bundled checkpoints and one that the stand-in hub has; features of earlier tests are kept."""
    return PipelineRegistry(hub_registry.catalogue, registry.device, cache=registry.cache)


def until_ended(handlers: ModelHandlers, ticket) -> dict:
    for _ in range(400):
        updates = handlers.look(ticket, "en")
        if "waiting" in updates:
            return updates
        time.sleep(0.05)
    raise AssertionError("the download did not end")


def test_choosing_fetches_shows_progress_and_takes_the_model(registry, hub):
    handlers = ModelHandlers(registry)
    hub.pause = 0.02
    updates = handlers.choose("far-tiny", "ru")
    ticket = updates["waiting"]
    assert ticket.checkpoint == "far-tiny"
    assert updates["model_stop"]["visible"] is True
    card = updates["model_card"]["value"]
    for words in ("Далёкая &lt;малая&gt;", "MIT", "Понимает только английский", "нет на этой машине, 35"):
        assert words in card
    assert "Far &lt;tiny&gt;" in card, "the page's language may change while one waits"
    assert "waiting" not in handlers.choose("far-tiny", "ru", ticket), "one waits once"
    hub.pause = 0.0
    updates = until_ended(handlers, ticket)
    assert updates["checkpoint"]["value"] == "far-tiny"
    assert ("Far <tiny>", "far-tiny") in updates["checkpoint"]["choices"]
    assert updates["waiting"] is None
    assert updates["model_card"]["visible"] is False
    again = handlers.choose("far-tiny", "en")
    assert again["checkpoint"]["value"] == "far-tiny", "what is here is taken at once"


def test_stopping_keeps_the_page_and_what_arrived(registry, hub):
    handlers = ModelHandlers(registry)
    hub.pause = 0.05
    ticket = handlers.choose("far-tiny", "en")["waiting"]
    updates = handlers.stop(ticket, "en")
    assert updates["waiting"] is None
    assert STOPPED in updates["model_card"]["value"]
    assert "checkpoint" not in updates
    assert handlers.look(ticket, "en") == handlers.look(None, "en") == {}, "a late look changes nothing"
    assert handlers.stop(ticket, "en")["waiting"] is None


def test_stopping_leaves_the_download_to_those_who_wait(registry, hub):
    handlers = ModelHandlers(registry)
    hub.pause = 0.02
    first, second = (handlers.choose("far-tiny", "en", visitor=name)["waiting"] for name in "ab")
    updates = handlers.stop(first, "en")
    assert updates["waiting"] is None
    assert "It goes on, since others wait for it" in updates["model_card"]["value"]
    hub.pause = 0.0
    assert until_ended(handlers, second)["checkpoint"]["value"] == "far-tiny"


def test_choosing_another_model_leaves_the_download(registry, hub):
    handlers = ModelHandlers(registry)
    hub.pause = 0.05
    ticket = handlers.choose("far-tiny", "en")["waiting"]
    updates = handlers.choose("tiny-stock", "en", ticket)
    assert updates["checkpoint"]["value"] == "tiny-stock"
    assert updates["waiting"] is None
    assert handlers.downloads.leave(ticket).state == "stopped"


@pytest.mark.parametrize(("fault", "words"), [("503", "HTTP 503"), ("wrong", "not the file expected")])
def test_a_failing_hub_is_told_and_the_bundled_model_works_on(registry, hub, fault, words, picture_pixels):
    handlers = ModelHandlers(registry)
    hub.fault = fault
    updates = until_ended(handlers, handlers.choose("far-tiny", "en")["waiting"])
    assert words in updates["model_card"]["value"]
    request = InferenceRequest(picture_pixels, parse_prompts("wall; window"), "maskclip", templates="simple")
    assert infer(request, registry).checkpoint.id == "tiny-finetuned"


def test_a_file_that_changed_after_its_download_answers_no_request(registry, hub, picture_pixels):
    handlers = ModelHandlers(registry)
    until_ended(handlers, handlers.choose("far-tiny", "en")["waiting"])
    prompts = parse_prompts("wall; window")
    request = InferenceRequest(picture_pixels, prompts, "maskclip", "far-tiny", templates="simple")
    weights = registry.catalogue["far-tiny"].parts["patches"].file
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"patches.safetensors .* has changed since it was downloaded"):
        infer(request, registry)
    weights.unlink()
    until_ended(handlers, handlers.choose("far-tiny", "en")["waiting"])
    assert infer(request, registry).checkpoint.id == "far-tiny"


def test_offline_is_told_at_once(registry, hub, monkeypatch):
    monkeypatch.setenv("FACADE_LENS_OFFLINE", "1")
    updates = ModelHandlers(registry).choose("far-tiny", "ru")
    assert "а скачивание здесь выключено" in updates["model_card"]["value"]
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
    assert ("Far <tiny> · 35\u00a0MB to download", "far-tiny") in more_choices(registry, "en")


def test_the_tower_line_and_the_glossary_follow_the_checkpoint(registry):
    handlers = ModelHandlers(registry)
    bundled = handlers.describe("tiny-stock", "lposs")
    assert "Russian, German" in bundled["tower"]
    assert "русский, немецкий" in bundled["tower"]
    assert bundled["glossary"]["visible"] is False
    far = handlers.describe("far-tiny", "lposs")
    assert "Reads English only" in far["tower"]
    assert far["glossary"]["visible"] is True
    captions = handlers.describe("tiny-stock", "pnp_ovss")
    assert "PnP-OVSS reads English only" in captions["tower"]
    assert "Russian" not in captions["tower"]
    assert captions["glossary"]["visible"] is True
    assert handlers.describe("gone", "lposs") == {}


def test_the_settings_of_every_row_lie_on_the_sliders(registry):
    """A value outside would be refused by the slider at every request."""
    for spec in registry.catalogue.values():
        shown = shown_settings(spec.settings)
        outside = {
            knob.name: shown[knob.name] for knob in KNOBS if not knob.low <= shown[knob.name] <= knob.high
        }
        assert outside == {}, spec.id


def test_pills_stay_two_and_take_in_the_chosen_one(registry):
    assert [value for _, value in pill_choices(registry, "en")] == ["tiny-finetuned", "tiny-stock"]
    assert [value for _, value in pill_choices(registry, "ru", "far-tiny")][2:] == ["far-tiny"]
    assert tower_line(registry.catalogue["far-tiny"]).count("<span") == 2


SENTENCE_LIMIT = 10_000  # ms from a choice to the message that says why it cannot be had


@pytest.fixture
def site(registry, drawings: Path, served_files: Path) -> Iterator[str]:
    """Address of a page whose catalogue has a row of the stand-in hub; serves the ``visit`` of this file."""
    demo = build_demo(registry, drawings)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield url.rstrip("/")
    demo.close()
    del demo
    gc.collect()


def choose_far(page: Page) -> None:
    page.evaluate("document.activeElement.blur()")
    page.locator("#more-models input").click()
    page.get_by_role("option", name=re.compile("^(Far|Далёкая)")).click()


def card(page: Page) -> Locator:
    return page.locator("#model-card")


def chosen_checkpoint(page: Page) -> str:
    return page.locator("#checkpoint input:checked").input_value()


def test_a_hub_model_is_fetched_with_progress_and_segments_russian_by_the_glossary(visit, hub):
    visitor = visit("?lang=ru", locale="ru-RU")
    page = visitor.page
    expect(page.locator("#glossary")).to_have_count(0)
    hub.pause = 0.05
    choose_far(page)
    expect(card(page).locator("progress")).to_be_visible()
    expect(card(page)).to_contain_text("Далёкая <малая>", use_inner_text=True)
    expect(card(page)).to_contain_text(re.compile(r"\d+ из \d+ МБ"))
    before = visitor.revision
    hub.pause = 0.0
    visitor.wait_for_result_after(before)
    assert chosen_checkpoint(page) == "far-tiny"
    expect(card(page)).to_have_count(0)
    expect(page.locator("#tower")).to_have_text("Понимает только английский", use_inner_text=True)
    expect(page.locator("#prompts textarea")).to_have_value(re.compile("окно"))
    expect(page.locator("#notice")).to_contain_text("окно → window")
    before = visitor.revision
    page.locator("#glossary input").click()
    visitor.wait_for_result_after(before)
    expect(page.locator("#notice")).not_to_contain_text("→")
    expect(page.locator("#notice")).to_contain_text("в глоссарии нет")


def test_a_multilingual_model_of_the_hub_gets_russian_as_it_is(visit, registry, hub):
    rows = registry.catalogue._rows
    rows["far-tiny"] = replace(rows["far-tiny"], languages=("en", "ru"))
    visitor = visit("?lang=ru", locale="ru-RU")
    before = visitor.revision
    choose_far(visitor.page)
    visitor.wait_for_result_after(before)
    assert chosen_checkpoint(visitor.page) == "far-tiny"
    expect(visitor.page.locator("#tower")).to_have_text(
        "Понимает языки: английский, русский", use_inner_text=True
    )
    expect(visitor.page.locator("#glossary")).to_have_count(0)
    expect(visitor.page.locator("#notice")).not_to_contain_text("→")


def test_a_hub_that_fails_is_told_within_ten_seconds_and_the_rest_works(visit, hub, monkeypatch):
    visitor = visit("?lang=ru", locale="ru-RU")
    page = visitor.page
    hub.fault = "hang"
    choose_far(page)
    expect(card(page).get_by_role("alert")).to_contain_text("не отвечает", timeout=SENTENCE_LIMIT)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    choose_far(page)
    expect(card(page).get_by_role("alert")).to_contain_text("недоступен", timeout=SENTENCE_LIMIT)
    assert chosen_checkpoint(page) == "tiny-finetuned"
    page.locator("#language label").first.click()
    expect(card(page)).to_contain_text("Far <tiny>", use_inner_text=True)
    before = visitor.revision
    page.locator("#checkpoint label").nth(1).click()
    visitor.wait_for_result_after(before)
    assert chosen_checkpoint(page) == "tiny-stock"


def test_a_visitor_who_stops_leaves_and_the_last_one_stops_the_download(visit, hub):
    first, second = visit(), visit()
    hub.pause = 0.2
    for visitor in (first, second):
        choose_far(visitor.page)
        expect(card(visitor.page).locator("progress")).to_be_visible()
    first.page.locator("#model-stop").click()
    expect(card(first.page)).to_contain_text("It goes on, since others wait for it")
    expect(first.page.locator("#model-stop")).to_have_count(0)
    expect(card(second.page)).to_contain_text(re.compile(r"[1-9]\d* of \d+ MB"), timeout=60_000)
    second.page.locator("#model-stop").click()
    expect(card(second.page)).to_contain_text(STOPPED)
    second.page.wait_for_timeout(2000 * LOOK_SECONDS)
    expect(card(second.page), "a late look leaves the sentence alone").to_contain_text(STOPPED)
    assert chosen_checkpoint(second.page) == "tiny-finetuned"
    before = second.revision
    hub.pause = 0.0
    choose_far(second.page)
    second.wait_for_result_after(before)
    assert chosen_checkpoint(second.page) == "far-tiny"
    assert any(asked for _, asked in hub.requests), "it went on where it had ended"


@pytest.fixture
def picture_pixels():
    import numpy as np

    return np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
