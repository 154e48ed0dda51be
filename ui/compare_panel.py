"""Two checkpoints or methods side by side, zoomed and moved together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import gradio as gr

from pipelines import DEFAULT_CHECKPOINT, DEFAULT_METHOD, PipelineRegistry

from .compare_endpoint import FIRST_CHECKPOINT
from .compare_handlers import CompareHandlers
from .endpoints import MODEL_QUEUE
from .handlers import Handlers
from .panel_view import PanelView
from .text import PAGE
from .viewer import METHOD_NAMES
from .wiring import Component, Page
from .words import compare_choices, words

VIEW_WORDS: Final = (
    "empty", "stale", "view", "side", "swipe", "difference", "opacity", "divider", "canvas", "changed",
    "class", "share_a", "share_b", "per_class", "same", "first", "second", "working",
)  # fmt: skip
SIDES: Final = (("a", FIRST_CHECKPOINT), ("b", DEFAULT_CHECKPOINT))
CHOICES: Final = tuple(f"compare_{what}_{side}" for side, _ in SIDES for what in ("method", "checkpoint"))
METHODS: Final = tuple(METHOD_NAMES)


class CompareView(PanelView):
    """Two label maps over one photo, and their difference. Its value is a comparison, a message or None."""

    def __init__(self, value: Mapping[str, Any] | None = None, **options: Any) -> None:
        phrases = {word: PAGE[f"compare.{word}"] for word in VIEW_WORDS}
        super().__init__("compare", phrases, value, **options)


def add_compare_panel(registry: PipelineRegistry) -> Page:
    """Add the panel's components to the Blocks that are being built.

    Args:
        registry: whose checkpoints can be compared.
    """
    panel = gr.Accordion(
        open=False, elem_id="compare-panel", elem_classes=["sheet", "fold"], **words("compare_panel")
    )
    page: Page = {"compare_panel": panel}
    with panel:
        with gr.Row(elem_id="compare-choices"):
            for side, checkpoint in SIDES:
                with gr.Column(min_width=260):
                    page |= _add_side(registry, side, checkpoint)
        page["compare_run"] = gr.Button(
            size="sm", elem_id="compare-run", elem_classes=["primary-action"], **words("compare_run")
        )
        page["compare_view"] = CompareView(elem_id="compare")
    return page


def _add_side(registry: PipelineRegistry, side: str, checkpoint: str) -> Page:
    return {
        f"compare_checkpoint_{side}": gr.Dropdown(
            compare_choices(registry, "en"),
            value=checkpoint,
            filterable=False,
            elem_id=f"compare-checkpoint-{side}",
            **words(f"compare_checkpoint_{side}"),
        ),
        f"compare_method_{side}": gr.Radio(
            [(METHOD_NAMES[name], name) for name in METHODS],
            value=DEFAULT_METHOD,
            elem_id=f"compare-method-{side}",
            elem_classes=["pills"],
            **words(f"compare_method_{side}"),
        ),
    }


def wire_compare_panel(page: Page, handlers: Handlers, form: Sequence[Component]) -> None:
    """Connect the panel's button and choices.

    Args:
        page: all components.
        handlers: of the page.
        form: its inputs, in the order of ``handlers.FORM_FIELDS``.
    """
    compare = CompareHandlers(handlers).compare
    inputs = [*form, *(page[name] for name in CHOICES)]
    busy = "(on) => document.dispatchEvent(new CustomEvent('facadelens:comparing', { detail: on }))"
    page["compare_run"].click(None, js=f"() => {{ ({busy})(true); }}", api_visibility="private")
    page["compare_run"].click(
        compare,
        inputs,
        page["compare_view"],
        api_name="compare_panel",  # the public endpoint is named after what it does
        trigger_mode="always_last",
        show_progress="hidden",
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
        api_visibility="private",
    ).then(None, js=f"() => {{ ({busy})(false); }}", api_visibility="private")
