"""The chooser of further models: what is on this machine, what can be fetched, and the progress of it."""

from __future__ import annotations

from typing import Any, Final

import gradio as gr

from pipelines import DEFAULT_CHECKPOINT, DEFAULT_METHOD, PipelineRegistry
from pipelines.download import Ticket

from .models_handlers import ENGLISH_ONLY, ModelHandlers, more_choices, tower_line
from .text import say
from .wiring import Page

LOOK_SECONDS: Final = 0.7
ANSWERED: Final = ("checkpoint", "more", "model_card", "model_stop", "waiting", "model_timer")
LABELS: Final = {"more": {"label": "models.more"}, "glossary": {"label": "models.glossary"}}
"""Component -> its property -> key of ``ui.text.PAGE``; joined to ``ui.words.PLACES``."""


def add_models_panel(registry: PipelineRegistry) -> Page:
    """Components below the checkpoint pills."""
    own = registry.catalogue[DEFAULT_CHECKPOINT]
    with gr.Row(elem_id="models"):
        tower = gr.HTML(tower_line(own), elem_id="tower", apply_default_css=False, js_on_load=None)
        glossary = gr.Checkbox(
            True,
            label=say("models.glossary"),
            visible=own.languages == ENGLISH_ONLY or DEFAULT_METHOD == "pnp_ovss",
            container=False,
            elem_id="glossary",
        )
        more = gr.Dropdown(
            more_choices(registry, "en"),
            value="",
            label=say("models.more"),
            container=False,
            elem_id="more-models",
        )
    card = gr.HTML(
        "",
        visible=False,
        elem_id="model-card",
        apply_default_css=False,
        js_on_load=None,
        elem_classes=["card"],
    )
    stop = gr.Button(say("models.stop"), size="sm", visible=False, elem_id="model-stop")
    return {
        "tower": tower,
        "glossary": glossary,
        "more": more,
        "model_card": card,
        "model_stop": stop,
        "waiting": gr.State(None),
        "model_timer": gr.Timer(LOOK_SECONDS, active=False),
    }


def wire_models_panel(page: Page, handlers: ModelHandlers) -> None:
    """Connect the chooser; none of its events waits for model work."""
    outputs = [page[name] for name in ANSWERED]
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    waiting = [page["waiting"], page["language"]]

    def named(updates: dict[str, Any]) -> dict[Any, Any]:
        return {page[name]: value for name, value in updates.items()} or gr.skip()

    def choose(
        identifier: str | None, language: str, ticket: Ticket | None, request: gr.Request
    ) -> dict[Any, Any]:
        return named(handlers.choose(identifier, language, ticket, request.session_hash or ""))

    def look(ticket: Ticket | None, language: str) -> dict[Any, Any]:
        return named(handlers.look(ticket, language))

    def stop(ticket: Ticket | None, language: str) -> dict[Any, Any]:
        return named(handlers.stop(ticket, language))

    def describe(checkpoint: str | None, method: str) -> dict[Any, Any]:
        return named(handlers.describe(checkpoint, method))

    page["more"].input(choose, [page["more"], page["language"], page["waiting"]], outputs, **private)
    page["model_timer"].tick(look, waiting, outputs, **private)
    page["model_stop"].click(stop, waiting, outputs, **private)
    chosen = [page["checkpoint"], page["method"]]
    gr.on([item.change for item in chosen], describe, chosen, [page["tower"], page["glossary"]], **private)
