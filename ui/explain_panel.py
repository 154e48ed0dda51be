"""Why a class has its score: maps beside the segmentation, and whether each can be believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import gradio as gr

from pipelines import DEFAULT_METHOD, EXPLANATION_KINDS

from .endpoints import EXPLAIN_QUEUE, MODEL_QUEUE
from .explain_handlers import ExplainHandlers
from .handlers import Handlers
from .panel_view import PanelView
from .text import PAGE, say
from .wiring import Component, Page, by_name

QUESTION: Final = (
    "explain_class",
    "explain_kinds",
    "explain_both",
    "explain_randomise",
    "explain_point",
    "explain_job",
)
LABELS: Final[dict[str, Mapping[str, str]]] = {
    "explain_panel": {"label": "explain.title"},
    "explain_class": {"label": "explain.class"},
    "explain_kinds": {"label": "explain.kinds"},
    "explain_both": {"label": "explain.both"},
    "explain_randomise": {"label": "explain.randomise"},
    "explain_run": {"value": "explain.run"},
    "explain_stop": {"value": "explain.stop"},
}


class ExplainView(PanelView):
    """Segmentation and maps in one grid. Its value is what ``ui.explain_handlers`` makes, or None."""

    def __init__(self, value: Mapping[str, Any] | None = None, **options: Any) -> None:
        phrases = {
            key.removeprefix("explain."): phrase for key, phrase in PAGE.items() if key.startswith("explain.")
        }
        super().__init__("explain", phrases, value, **options)


def kinds_of(method: str | None) -> list[str]:
    """Explanations that exist for a method."""
    return [name for name, kind in EXPLANATION_KINDS.items() if method in kind.methods]


def kind_choices(method: str | None, language: Any) -> list[tuple[str, str]]:
    """(words, kind) of every explanation that exists for a method."""
    return [(say(f"explain.kind.{kind}", language), kind) for kind in kinds_of(method)]


def offer_kinds(method: str | None, language: Any, chosen: list[str] | None) -> list[dict[str, Any]]:
    """Offer what exists for the method; where nothing that was ticked does, tick all of it.

    Returns:
        Updates of the kinds and of the check against random weights.
    """
    offered = kinds_of(method)
    kept = [kind for kind in offered if kind in (chosen or [])]
    checkable = any(EXPLANATION_KINDS[kind].checkable for kind in offered)
    return [
        gr.update(choices=kind_choices(method, language), value=kept or offered),
        gr.update(visible=checkable),
    ]


def add_explain_panel() -> Page:
    """Add the panel's components to the Blocks that are being built."""
    panel = gr.Accordion(
        open=False, elem_id="explain-panel", elem_classes=["sheet", "fold"], **_words("explain_panel")
    )
    page: Page = {"explain_panel": panel}
    with panel:
        with gr.Row(elem_id="explain-question"):
            page["explain_class"] = gr.Dropdown(
                [], allow_custom_value=True, elem_id="explain-class", min_width=150, **_words("explain_class")
            )
            page["explain_kinds"] = gr.CheckboxGroup(
                kind_choices(DEFAULT_METHOD, "en"),
                value=kinds_of(DEFAULT_METHOD),
                elem_id="explain-kinds",
                min_width=280,
                **_words("explain_kinds"),
            )
        with gr.Row(elem_id="explain-options"):
            for name in ("explain_both", "explain_randomise"):
                page[name] = gr.Checkbox(False, elem_id=name.replace("_", "-"), min_width=180, **_words(name))
            page["explain_stop"] = gr.Button(
                size="sm", elem_id="explain-stop", interactive=False, **_words("explain_stop")
            )
            page["explain_run"] = gr.Button(
                size="sm", elem_id="explain-run", elem_classes=["primary-action"], **_words("explain_run")
            )
        page["explain_view"] = ExplainView(elem_id="explain")
    return page | {"explain_point": gr.State(None), "explain_job": gr.State(None)}


def wire_explain_panel(page: Page, page_handlers: Handlers, form: Sequence[Component]) -> None:
    """Connect the panel's buttons and clicks.

    Args:
        page: all components.
        page_handlers: of the page.
        form: its inputs, in the order of ``handlers.FORM_FIELDS``.
    """
    handlers = ExplainHandlers(page_handlers)
    inputs = [*form, *(page[name] for name in QUESTION)]
    heavy: dict[str, Any] = {"concurrency_id": MODEL_QUEUE, "concurrency_limit": 1}
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on(
        [page["method"].change, page["language"].change],
        offer_kinds,
        [page["method"], page["language"], page["explain_kinds"]],
        [page["explain_kinds"], page["explain_randomise"]],
        queue=False,
        **quiet,
    )
    opening = ["explain_class", "explain_view", "explain_job"]
    shown = [page[name] for name in opening]
    page["explain_panel"].expand(by_name(handlers.open, page), inputs, shown, **quiet, **heavy)
    page["explain_view"].refresh(_told(handlers.follow, page), inputs, shown, **quiet, **heavy)
    page["explain_view"].pick(
        _told(handlers.pick, page),
        inputs,
        [page["explain_point"], page["explain_class"]],
        queue=False,
        **quiet,
    )
    page["explain_stop"].click(handlers.stop, page["explain_job"], None, queue=False, **quiet)
    buttons = [page["explain_run"], page["explain_stop"]]
    page["explain_run"].click(_enable(stop=True), None, buttons, queue=False, **quiet)
    running = page["explain_run"].click(
        _streamed(handlers.run, page),
        inputs,
        page["explain_view"],
        trigger_mode="once",
        concurrency_id=EXPLAIN_QUEUE,
        concurrency_limit=1,
        **quiet,
    )
    running.then(_enable(stop=False), None, buttons, queue=False, **quiet)


def _words(place: str) -> dict[str, Any]:
    return {prop: say(key) for prop, key in LABELS[place].items()}


def _told(handler: Callable[..., dict[str, Any]], page: Page) -> Callable[..., dict[Component, Any]]:
    """``by_name`` for a handler that is told what the browser said."""

    def answer(event: gr.EventData, *values: Any) -> dict[Component, Any]:
        return {page[name]: value for name, value in handler(*values, event=event).items()}

    return answer


def _streamed(handler: Callable[..., Any], page: Page) -> Callable[..., Any]:
    def stream(*values: Any) -> Any:
        for updates in handler(*values):
            yield updates["explain_view"]

    return stream


def _enable(*, stop: bool) -> Callable[[], list[dict[str, Any]]]:
    return lambda: [gr.update(interactive=not stop), gr.update(interactive=stop)]
