"""The inspector: clicks into the viewer, answered beside the queue from kept results."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from pipelines import InferenceRequest, PipelineRegistry, infer, inspect_pixel, parse_prompts, read_image
from ui.inspect_panel import read_pixel
from ui.inspect_store import ResultStore

REVISION = "Number(document.querySelector('#readout section')?.dataset.rev || 0)"


@pytest.fixture(scope="module")
def result(registry: PipelineRegistry, drawings: Path):
    image = read_image(drawings / "facade_3.png")
    return infer(InferenceRequest(image, parse_prompts("wall; window = window, окно; sky")), registry)


def test_a_kept_result_answers_as_the_pipeline_does(result):
    store = ResultStore()
    key = store.keep(result)
    assert read_pixel(store, key, 10, 20) == inspect_pixel(result, 10, 20).report()


def test_equal_results_share_a_place_and_others_do_not(result):
    store = ResultStore()
    other = dataclasses.replace(result, label_map=np.zeros_like(result.label_map))
    assert store.keep(result) == store.keep(dataclasses.replace(result))
    assert store.keep(other) != store.keep(result)


@pytest.mark.parametrize(
    ("x", "y", "key"),
    [(-1, 0, None), (10**7, 0, None), ("1", 2, None), (1, None, None), (1, 2, "x"), (1, 2, 3)],
)
def test_what_is_no_pixel_of_a_kept_result_is_gone(result, x, y, key):
    store = ResultStore()
    kept = store.keep(result)
    assert read_pixel(store, key or kept, x, y) == {"gone": True}


def test_the_store_is_bounded_in_bytes(result):
    size = result.label_map.nbytes + result.scores.scores.nbytes
    size += sum(plane.nbytes for plane in result.scores.texts.values())
    store = ResultStore(max_bytes=int(2.5 * size))
    maps = [
        dataclasses.replace(result, label_map=np.full_like(result.label_map, value)) for value in range(3)
    ]
    keys = [store.keep(each) for each in maps]
    assert store.get(keys[0]) is None
    assert store.get(keys[2]) is maps[2]
    assert ResultStore(max_bytes=10).keep(result) == ""


def test_a_lookup_takes_milliseconds(result):
    store = ResultStore()
    key = store.keep(result)
    started = time.perf_counter()
    for place in range(20):
        read_pixel(store, key, place, place)
    assert (time.perf_counter() - started) / 20 < 0.05


def test_clicks_pass_the_queue_of_model_work(demo: gr.Blocks):
    (event,) = (block for block in demo.fns.values() if ("viewer", "pick") in _targets(demo, block))
    assert event.queue is False
    assert event.api_visibility == "private"


def _targets(demo: gr.Blocks, block) -> set[tuple[str, str]]:
    return {(demo.blocks[place].elem_id, name) for place, name in block.targets if place in demo.blocks}


@pytest.mark.ui
def test_a_click_shows_scores_of_every_class_and_text(visit, encoder_calls: Counter[str]):
    visitor = visit()
    page, encoded = visitor.page, Counter(encoder_calls)
    canvas = page.locator("#viewer canvas")
    assert page.locator("#readout section").is_hidden()
    canvas.click(position={"x": 200, "y": 150})
    page.wait_for_function(f"{REVISION} > 0", timeout=30_000)
    rows = page.locator("#readout [data-part=rows] > li")
    assert set(rows.evaluate_all("all => all.map(row => row.dataset.name)")) == set(visitor.names())
    assert page.locator("#readout .texts li", has_text="plaster wall").count() == 1
    shown = page.locator("#readout .won").get_attribute("data-name")
    canvas.focus()
    under = page.locator("#viewer .legend .under .name").all_inner_texts()
    assert under in ([], [shown])
    assert encoder_calls == encoded

    before = page.evaluate(REVISION)
    page.locator("#language").get_by_text("RU").click()
    canvas.press("ArrowRight")
    canvas.press("Enter")
    page.wait_for_function(f"{REVISION} > {before}", timeout=30_000)
    page.wait_for_selector("#readout h3:has-text('Точка')")
    page.locator("#readout [data-part=close]").click()
    assert page.locator("#readout section").is_hidden()


@pytest.mark.ui
def test_the_picked_pixel_is_asked_for_again_after_an_edit(visit):
    visitor = visit()
    page = visitor.page
    page.locator("#viewer canvas").click(position={"x": 150, "y": 120})
    page.wait_for_selector("#readout .won")
    title = page.locator("#readout h3").inner_text()
    editor, before = page.locator("#prompts textarea"), visitor.revision
    editor.fill("")
    editor.press_sequentially("<b>bold</b>\nsky", delay=3)
    visitor.wait_for_result_after(before)
    page.wait_for_function(
        "document.querySelectorAll('#readout [data-part=rows] > li').length === 2", timeout=30_000
    )
    assert page.locator("#readout h3").inner_text() == title
    assert page.locator("#readout [data-name='<b>bold</b>']").count() == 1
    assert page.locator("#readout .name b").count() == 0, "names stay text"


@pytest.mark.ui
def test_a_drag_is_no_click(visit):
    visitor = visit()
    page = visitor.page
    box = page.locator("#viewer canvas").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 140, steps=4)
    page.mouse.up()
    page.wait_for_timeout(400)
    assert page.evaluate(REVISION) == 0
