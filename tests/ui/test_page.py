"""The page as a visitor meets it: a real browser, a real server, the bundled model."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from PIL import Image
from playwright.sync_api import expect

from tiny_vlm.facades import draw_facade

pytestmark = pytest.mark.ui


def test_an_example_is_segmented_when_the_page_opens(visit):
    visitor = visit()
    assert visitor.page.locator("#prompts textarea").input_value().startswith("wall")
    assert "window" in visitor.names()
    shares = visitor.page.locator("#viewer .legend li[data-name] .share").all_inner_texts()
    assert sum(float(text.rstrip("%")) for text in shares) == pytest.approx(100, abs=3)
    assert visitor.page.locator("#examples img").count() >= 2
    assert visitor.page.locator("#examples .chosen").get_attribute("data-index") == "0"


def test_photo_prompt_and_checkpoint_change_the_overlay(visit, picture: Path, encoder_calls: Counter[str]):
    visitor = visit()
    before = visitor.revision
    visitor.upload(picture)
    visitor.wait_for_result_after(before)
    assert visitor.page.locator("#examples .chosen").count() == 0
    uploaded, encoded = visitor.pixels(), Counter(encoder_calls)

    before = visitor.revision
    editor = visitor.page.locator("#prompts textarea")
    editor.fill("")
    editor.press_sequentially("sky = sky\nbuilding = wall, facade\nглазок = окно, window", delay=4)
    visitor.wait_for_result_after(before)
    visitor.page.wait_for_function(
        "document.querySelectorAll('#viewer .legend li[data-name]').length === 3", timeout=30_000
    )
    visitor.settle()
    assert set(visitor.names()) == {"sky", "building", "глазок"}
    edited = visitor.pixels()
    assert edited != uploaded
    assert encoder_calls == encoded, "an edit of the prompts must encode nothing of the picture"

    before = visitor.revision
    visitor.page.locator("#method").get_by_text("MaskCLIP").click()
    visitor.wait_for_result_after(before)
    edited, before = visitor.pixels(), visitor.revision
    visitor.page.locator("#checkpoint").get_by_text("Stock").click()
    visitor.wait_for_result_after(before)
    assert "tiny-stock" in visitor.page.locator("#viewer .facts").inner_text()
    assert visitor.pixels() != edited
    assert encoder_calls["OpenCLIPEncoder"] > encoded["OpenCLIPEncoder"]
    assert encoder_calls["TimmPatchEncoder"] == encoded["TimmPatchEncoder"], "both share the patch encoder"


def test_toggles_opacity_and_views_ask_nothing_of_the_server(visit):
    visitor = visit()
    visitor.page.wait_for_timeout(500)
    asked = len(visitor.requests)
    seen = [visitor.pixels()]
    visitor.page.locator("#viewer .legend li[data-name] .toggle").first.click()
    seen.append(visitor.pixels())
    visitor.page.locator("#viewer [data-part=opacity]").fill("90")
    seen.append(visitor.pixels())
    visitor.page.locator("#viewer .modes [data-mode=outline]").click()
    seen.append(visitor.pixels())
    visitor.page.locator("#viewer [data-zoom=in]").click()
    seen.append(visitor.pixels())
    visitor.page.locator("#viewer .modes [data-mode=split]").click()
    seen.append(visitor.pixels())
    visitor.page.locator("#viewer .legend li[data-name] .only").nth(1).click()
    seen.append(visitor.pixels())
    assert len(visitor.requests) == asked
    assert sum(a != b for a, b in itertools.pairwise(seen)) >= 5


def test_the_picture_can_be_read_with_the_keyboard(visit):
    visitor = visit()
    canvas = visitor.page.locator("#viewer canvas")
    canvas.focus()
    canvas.press("ArrowRight")
    canvas.press("ArrowDown")
    readout = visitor.page.locator("#viewer [aria-live=polite]").inner_text()
    assert readout.split(" · ")[0] in visitor.names()


def test_refusals_show_a_sentence_and_keep_the_result(visit, noise: Path):
    visitor = visit()
    drawn, pixels = visitor.revision, visitor.pixels()
    editor = visitor.page.locator("#prompts textarea")
    kept = editor.input_value()
    editor.press("ControlOrMeta+End")
    editor.press_sequentially("\n= nothing")
    visitor.page.wait_for_selector("#notice p.error")
    assert "class name" in visitor.page.locator("#notice").inner_text()
    assert editor.input_value() == f"{kept}\n= nothing"
    assert visitor.pixels() == pixels

    for _ in range(len("\n= nothing")):
        editor.press("Backspace")
    visitor.page.wait_for_selector("#notice p.error", state="detached")
    visitor.upload(noise)
    toast = visitor.page.wait_for_selector(".toast-body")
    assert "PNG, JPEG, WebP or GIF" in toast.inner_text()
    visitor.settle()
    assert visitor.page.locator(".toast-body").inner_text().count("PNG, JPEG, WebP or GIF") == 1
    assert visitor.page.locator("#viewer [data-state=ready]").count() == 1
    assert visitor.pixels() == pixels
    assert visitor.revision == drawn
    visitor.page.wait_for_function("document.querySelector('#picture img')?.naturalWidth > 0")


def test_russian_is_spoken_and_remembered(visit):
    visitor = visit("?lang=ru")
    assert visitor.page.locator("#method [data-testid=block-info]").inner_text() == "Метод"
    assert "окно" in visitor.names()
    visitor.page.locator("#language").get_by_text("EN").click()
    visitor.page.wait_for_function(
        "document.querySelector('#method [data-testid=block-info]').innerText === 'Method'"
    )
    assert visitor.page.locator("#viewer h2").inner_text() == "Classes"
    visitor.page.locator("#language").get_by_text("RU").click()
    visitor.page.wait_for_function("document.documentElement.lang === 'ru'")
    visitor.open()
    assert visitor.page.locator("#viewer h2").inner_text() == "Классы"


def test_built_in_prompts_follow_the_language_and_own_ones_stay(visit):
    visitor = visit()
    page, before = visitor.page, visitor.revision
    page.locator("#language").get_by_text("RU").click()
    visitor.wait_for_result_after(before)
    assert "окно" in visitor.names()
    before = visitor.revision
    page.locator("#prompts textarea").fill("стена\nглазок")
    visitor.wait_for_result_after(before)
    page.locator("#language").get_by_text("EN").click()
    expect(page.locator("#viewer h2")).to_have_text("Classes")
    visitor.settle()
    assert page.locator("#prompts textarea").input_value() == "стена\nглазок"


def test_every_method_says_what_it_does(visit):
    visitor = visit()
    for name in ("MaskCLIP", "LPOSS+", "PnP-OVSS"):
        visitor.page.locator("#method").get_by_text(name, exact=True).click()
        expect(visitor.page.locator("#method-note")).to_have_text(
            re.compile(f"^{re.escape(name)} "), use_inner_text=True
        )


def test_an_empty_page_asks_for_a_picture(visit, picture: Path):
    visitor = visit()
    page, before = visitor.page, visitor.revision
    page.locator("#picture .icon-button-wrapper button").last.click()
    expect(page.locator("#viewer .empty")).to_be_visible()
    expect(page.locator("#viewer .side")).to_be_hidden()
    with page.expect_file_chooser() as chooser:
        page.locator("#viewer .empty").click()
    chooser.value.set_files(str(picture))
    visitor.wait_for_result_after(before)
    expect(page.locator("#viewer .side")).to_be_visible()


def test_who_waits_for_others_is_told_so(visit, site: str, tmp_path: Path):
    visitor = visit()
    client = Client(site, verbose=False, analytics_enabled=False)
    for seed in range(6):
        path = tmp_path / f"{seed}.png"
        Image.fromarray(draw_facade(20 + seed, 480, 640).image).save(path)
        client.submit(handle_file(str(path)), "wall\nsky", "lposs_plus", api_name="/segment")
    visitor.page.wait_for_timeout(200)
    visitor.page.locator("#prompts textarea").press_sequentially("x")
    expect(visitor.page.locator("#viewer .working")).to_contain_text("place in the queue", timeout=20_000)
    visitor.settle()
    expect(visitor.page.locator("#viewer .working")).not_to_contain_text("place in the queue")


def test_a_wide_screen_keeps_the_page_in_the_middle(visit):
    page = visit(viewport={"width": 1920, "height": 1080}).page
    box = page.locator("#header").bounding_box()
    assert box["x"] == pytest.approx(1920 - box["x"] - box["width"], abs=16)


def test_a_phone_in_the_dark_has_no_sideways_scroll(visit):
    visitor = visit(
        "?__theme=dark", viewport={"width": 390, "height": 844}, device_scale_factor=2, has_touch=True
    )
    width = visitor.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    order = [
        visitor.page.locator(f"#{name}").bounding_box()["y"] for name in ("picture", "viewer", "prompts")
    ]
    assert order == sorted(order)
    background = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in background.strip("rgb()").split(",")) < 60
    ratio = visitor.page.evaluate(
        "(canvas => canvas.width / canvas.clientWidth)(document.querySelector('#viewer canvas'))"
    )
    assert ratio == pytest.approx(2, abs=0.02), "the canvas has one pixel for each pixel of the screen"


def test_settings_change_the_result_and_reset_brings_the_row_back(visit):
    visitor = visit()
    original = visitor.pixels()
    visitor.page.locator("#settings-panel .label-wrap").click()
    box = visitor.page.locator("#knob-alpha input[type=number]")
    own, before = box.input_value(), visitor.revision
    box.fill("0.1")
    box.press("Tab")
    visitor.wait_for_result_after(before)
    assert visitor.pixels() != original
    before = visitor.revision
    visitor.page.locator("#reset").click()
    visitor.wait_for_result_after(before)
    assert box.input_value() == own
    assert visitor.pixels() == original


def test_the_label_map_can_be_saved(visit):
    visitor = visit()
    with visitor.page.expect_download(timeout=30_000) as waiting:
        visitor.page.locator("#viewer [data-part=save-label]").click()
    assert waiting.value.suggested_filename == "label-map.png"
    assert Path(waiting.value.path()).read_bytes().startswith(b"\x89PNG")
    with visitor.page.expect_download(timeout=30_000) as waiting:
        visitor.page.locator("#viewer [data-part=save-overlay]").click()
    assert Path(waiting.value.path()).read_bytes().startswith(b"\x89PNG")
