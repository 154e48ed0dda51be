"""The panel of explanations: its events without a browser, and one visit with one."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import ui.explain_handlers
from attribution import load_attribution
from pipelines import PipelineRegistry
from ui.explain_handlers import ExplainHandlers
from ui.explain_text import EXPLAIN
from ui.handlers import FORM_FIELDS, Handlers
from ui.images import Upload

OWN: dict[str, Any] = {"short_side": 64, "crop": 64, "stride": 32, "k": 12}


@pytest.fixture
def panel(registry: PipelineRegistry, served_files: Path) -> ExplainHandlers:
    return ExplainHandlers(Handlers(registry, ()))


@pytest.fixture
def form(drawings: Path, registry: PipelineRegistry) -> dict[str, Any]:
    """The page's inputs at a small working size."""
    from ui.settings import shown_settings

    own = shown_settings(registry.catalogue["tiny-finetuned"].settings)
    shown = {**own, **OWN}
    pnp = registry.catalogue["tiny-finetuned"].pnp_settings
    given = dict.fromkeys(FORM_FIELDS)
    given |= {"pnp_rounds": pnp.rounds, "pnp_threshold": pnp.threshold, "pnp_postprocess": pnp.postprocess}
    return (
        given
        | shown
        | {
            "image": Upload(drawings / "facade_3.png"),
            "prompts": "wall; window; sky",
            "method": "lposs",
            "checkpoint": "tiny-finetuned",
            "precision": "fp32",
            "threshold": 0.0,
            "language": "en",
            "own_settings": own,
            "glossary": True,
        }
    )


def values(form: dict[str, Any], **question: Any) -> tuple[Any, ...]:
    asked = {"class_name": "wall", "kinds": ["influence"], "both": False, "randomise": False, "point": None}
    asked |= {"job": "mine", **question}
    names = ("class_name", "kinds", "both", "randomise", "point", "job")
    return (*(form[name] for name in FORM_FIELDS), *(asked[name] for name in names))


def test_opening_shows_the_segmentation_and_its_classes(panel: ExplainHandlers, form):
    updates = panel.open(*values(form, class_name=None, job=None))
    assert updates["explain_class"]["choices"] == ["wall", "window", "sky"]
    assert updates["explain_class"]["value"] in ("wall", "window", "sky")
    assert len(updates["explain_view"]["bases"]) == 1
    assert updates["explain_view"]["cards"] == []
    assert updates["explain_job"]


def test_a_run_ends_with_cards_that_hold_map_figures_and_raw_values(panel: ExplainHandlers, form):
    seen = [step["explain_view"] for step in panel.run(*values(form, kinds=["grad_cam", "influence"]))]
    last = seen[-1]
    assert last["pending"] == []
    assert last["done"] == 1.0
    done = [value["done"] for value in seen]
    assert done == sorted(done)
    assert [card["kind"] for card in last["cards"]] == ["grad_cam", "influence"]
    for card in last["cards"]:
        raw = load_attribution(card["raw"]["path"])
        assert raw.heatmap.shape == (240, 320)
        assert len(card["random"]) == 4
        assert set(card["faithfulness"]) >= {"deletion", "insertion"}
    assert [card["signed"] for card in last["cards"]] == [True, False]
    assert "mine" not in panel._jobs


def test_stock_and_fine_tuned_share_one_scale(panel: ExplainHandlers, form):
    *_, last = panel.run(*values(form, both=True))
    first, second = last["explain_view"]["cards"]
    assert (first["checkpoint"], second["checkpoint"]) == ("tiny-stock", "tiny-finetuned")
    assert first["scale"] == second["scale"]
    assert [base["checkpoint"] for base in last["explain_view"]["bases"]] == ["tiny-stock", "tiny-finetuned"]


def test_a_clicked_pixel_of_another_picture_is_forgotten(panel: ExplainHandlers, form):
    event = SimpleNamespace(x=20, y=30, name="sky")
    kept = panel.pick(*values(form), event=event)
    assert kept["explain_class"] == "sky"
    *_, last = panel.run(*values(form, point=kept["explain_point"]))
    assert last["explain_view"]["cards"][0]["explained"]["x"] == 20
    elsewhere = {**kept["explain_point"], "image": "another.png"}
    *_, last = panel.run(*values(form, point=elsewhere))
    assert last["explain_view"]["cards"][0]["explained"]["where"] != "pixel"
    assert panel.pick(*values(form), event=SimpleNamespace(x=None, y=None, name=None)) == {
        "explain_point": None
    }


def test_a_refusal_is_a_sentence_in_both_languages(panel: ExplainHandlers, form):
    *_, last = panel.run(*values(form, class_name="door"))
    message = last["explain_view"]["message"]
    assert "no class 'door'" in message["en"]
    assert "Среди классов" in message["ru"]


def test_stopping_frees_the_model_within_one_step(panel: ExplainHandlers, form, monkeypatch):
    """The run stops at the step being computed; the next visitor's run then starts."""
    steps: list[float] = []
    started = threading.Event()

    def slow(request: Any, registry: Any, report: Any) -> None:
        for number in range(1000):
            report("explain", number / 1000)
            steps.append(number)
            started.set()
            time.sleep(0.02)

    monkeypatch.setattr(ui.explain_handlers, "explain", slow)
    run = panel.run(*values(form, kinds=["grad_cam"]))
    next(run)
    assert started.wait(30)
    panel.stop("another")
    assert not panel._jobs["mine"].stopped.is_set()
    panel.stop("mine")
    counted = len(steps)
    *_, last = run
    assert last["explain_view"]["stopped"]
    assert len(steps) <= counted + 2
    assert not panel._model.locked()


def test_a_visitor_who_leaves_stops_the_run(panel: ExplainHandlers, form):
    run = panel.run(*values(form, kinds=["integrated_gradients"]))
    next(run)
    run.close()
    assert not panel._model.locked()
    assert "mine" not in panel._jobs


def test_every_word_of_the_panel_begins_with_its_name():
    assert all(key.startswith("explain.") for key in EXPLAIN)


@pytest.mark.ui
def test_a_visitor_asks_why(visit):
    visitor = visit()
    page = visitor.page
    page.locator("#explain-panel .label-wrap").click()
    page.wait_for_function(
        "Number(document.querySelector('#explain [data-rev]')?.dataset.rev) > 0", timeout=60_000
    )
    page.locator("#explain-kinds label").nth(0).click()
    page.locator("#explain-kinds label").nth(1).click()
    page.locator("#explain canvas").first.click(position={"x": 120, "y": 120})
    page.wait_for_selector("#explain [data-part=whole]:not([hidden])")
    page.locator("#explain-run").click()
    page.wait_for_selector("#explain [data-cards='1']", timeout=120_000)
    card = page.locator("#explain .card[data-kind=influence]")
    assert card.locator(".verdict strong").inner_text() in ("Believable", "Doubtful")
    assert card.locator(".chart").count() == 2
    with page.expect_download(timeout=30_000) as waiting:
        card.locator(".raw").click()
    assert load_attribution(waiting.value.path()).method == "influence"
