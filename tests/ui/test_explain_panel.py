"""The panel of explanations: its events without a browser, and one visit with one."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import expect

from attribution import load_attribution
from pipelines import EXPLANATION_KINDS, METHODS, PipelineRegistry
from ui.explain_handlers import ExplainHandlers
from ui.explain_panel import kinds_of, offer_kinds
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
    """Not one more batch of Integrated Gradients is differentiated than the one in flight."""
    begun: list[int] = []
    inside, stopped = threading.Event(), threading.Event()
    steps = importlib.import_module("attribution.integrated_gradients")  # its name is also the function's
    plain = steps.score_gradient

    def counted(score: Any, batch: Any) -> Any:
        begun.append(len(batch))
        inside.set()
        assert stopped.wait(60)
        return plain(score, batch)

    monkeypatch.setattr(steps, "score_gradient", counted)
    run = panel.run(*values(form, kinds=["integrated_gradients"]))
    next(run)
    assert inside.wait(60)
    panel.stop("another")
    assert not panel._jobs["mine"].stopped.is_set()
    panel.stop("mine")
    stopped.set()
    *_, last = run
    assert last["explain_view"]["stopped"]
    assert len(begun) == 1
    assert not panel._model.locked()


def test_pnp_ovss_is_explained_by_its_rounds_with_the_settings_of_the_page(panel: ExplainHandlers, form):
    form |= {"method": "pnp_ovss", "pnp_rounds": 2, "pnp_postprocess": "none"}
    *_, last = panel.run(*values(form, kinds=["salience_dropout"], point=None))
    value = last["explain_view"]
    assert value["pending"] == []
    assert not value["bases"][0]["spots"]
    (card,) = value["cards"]
    assert card["explained"]["quantity"] == "match"
    assert card["faithfulness"]
    raw = load_attribution(card["raw"]["path"])
    *_, last = panel.run(*values({**form, "pnp_rounds": 1}, kinds=["salience_dropout"]))
    fewer = load_attribution(last["explain_view"]["cards"][0]["raw"]["path"])
    assert raw.heatmap.sum() > fewer.heatmap.sum()


def test_a_click_where_the_whole_picture_is_explained_chooses_a_class(panel: ExplainHandlers, form):
    event = SimpleNamespace(x=None, y=None, name="sky")
    assert panel.pick(*values(form), event=event) == {"explain_point": None, "explain_class": "sky"}


def test_new_prompts_offer_their_classes_and_leave_the_maps(panel: ExplainHandlers, form):
    asked = values({**form, "prompts": "стена; окно"}, class_name="window")
    kept = panel.follow(*asked, event=SimpleNamespace(keep=True))
    assert set(kept) == {"explain_class"}
    assert kept["explain_class"]["choices"] == ["стена", "окно"]
    assert kept["explain_class"]["value"] in ("стена", "окно")
    assert panel.follow(*asked, event=SimpleNamespace(keep=False))["explain_view"]["cards"] == []


def test_every_method_offers_what_exists_for_it():
    for method in METHODS:
        offered, checkable = offer_kinds(method, "ru", [])
        kinds = [kind for _, kind in offered["choices"]]
        assert kinds == offered["value"] == kinds_of(method)
        assert kinds == [kind for kind in EXPLANATION_KINDS if method in EXPLANATION_KINDS[kind].methods]
        assert checkable["visible"] == (method != "pnp_ovss")
        for kind in kinds:
            assert f"explain.kind.{kind}" in EXPLAIN
            assert f"explain.about.{kind}" in EXPLAIN
    assert offer_kinds("maskclip", "en", ["influence", "grad_cam"])[0]["value"] == ["grad_cam"]
    assert offer_kinds("pnp_ovss", "en", ["grad_cam"])[0]["value"] == ["salience_dropout"]


def test_a_visitor_who_leaves_stops_the_run(panel: ExplainHandlers, form):
    run = panel.run(*values(form, kinds=["integrated_gradients"]))
    next(run)
    run.close()
    assert not panel._model.locked()
    assert "mine" not in panel._jobs


def test_every_word_of_the_panel_begins_with_its_name():
    assert all(key.startswith("explain.") for key in EXPLAIN)


def opened(visitor: Any) -> Any:
    """The page with the panel open and its segmentation drawn."""
    page = visitor.page
    page.locator("#explain-panel .label-wrap").click()
    page.wait_for_function(
        "Number(document.querySelector('#explain [data-rev]')?.dataset.rev) > 0", timeout=60_000
    )
    return page


@pytest.mark.ui
def test_a_visitor_asks_why(visit):
    page = opened(visit())
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


@pytest.mark.ui
def test_a_visitor_stops_a_run_and_the_model_is_free(visit):
    visitor = visit()
    page = opened(visitor)
    for place in (0, 2):
        page.locator("#explain-kinds label").nth(place).click()
    page.locator("#explain-run").click()
    expect(page.locator("#explain [data-part=work-word]")).to_contain_text(
        EXPLAIN["explain.stage.explain"].en, timeout=60_000
    )
    page.locator("#explain-stop").click()
    message = page.locator("#explain [data-part=message]")
    expect(message).to_have_text(EXPLAIN["explain.stopped"].en, timeout=60_000)
    expect(page.locator("#explain-run")).to_be_enabled()
    expect(page.locator("#explain-stop")).to_be_hidden()
    expect(page.locator("#explain .card[data-kind=integrated_gradients]")).to_have_count(0)
    revision = visitor.revision
    page.locator("#checkpoint label", has_text="Stock").click()  # the model answers the next question
    visitor.wait_for_result_after(revision)


@pytest.mark.ui
def test_with_pnp_ovss_its_own_explanation_is_offered(visit):
    visitor = visit("?lang=ru")
    page, revision = visitor.page, visitor.revision
    page.locator("#method label").filter(has_text="PnP-OVSS").click()
    kinds = page.locator("#explain-kinds label")
    page.locator("#explain-panel .label-wrap").click()
    expect(kinds).to_have_count(1, timeout=60_000)
    expect(kinds).to_have_text(EXPLAIN["explain.kind.salience_dropout"].ru)
    expect(page.locator("#explain-randomise")).to_have_count(0)
    visitor.wait_for_result_after(revision)
    expect(page.locator("#explain canvas")).to_have_count(1, timeout=60_000)
    page.locator("#explain-run").click()
    card = page.locator("#explain .card[data-kind=salience_dropout]")
    expect(card.locator(".score")).to_contain_text("совпадение", timeout=120_000)
    expect(card.locator(".chart")).to_have_count(2)
    page.locator("#language label").filter(has_text="EN").click()
    expect(kinds).to_have_text(EXPLAIN["explain.kind.salience_dropout"].en)
    page.locator("#method label").filter(has_text="MaskCLIP").click()
    expect(kinds).to_have_count(2, timeout=60_000)
