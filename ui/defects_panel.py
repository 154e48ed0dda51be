"""The defect sheet on the page: search, a known length, the numbered table, and its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import gradio as gr

from pipelines.defects.types import DEFAULT_LEAST_SHARE, DEFAULT_THRESHOLD

from .defects_handlers import FILE_KINDS, OWN_FIELDS, DefectHandlers
from .endpoints import MODEL_QUEUE
from .handlers import Handlers
from .panel_view import PanelView
from .text import PAGE
from .viewer import METHOD_NAMES
from .wiring import Component, Page, by_name
from .words import words

TABLE_WORDS: Final = (
    "empty", "stale", "none", "number", "photo", "defect", "location", "area_px", "area", "severity", "score",
    "place", "length", "length_px", "scale", "no_scale", "show", "change", "left_out", "found",
)  # fmt: skip
SHEET_METHODS: Final = ("maskclip", "lposs", "lposs_plus")
BY_NAME: Final = {name: f"defects_{name}" for name in (*OWN_FIELDS, "table")}


class DefectTable(PanelView):
    """The numbered rows. Its value is a sheet, a message or None.

    It fires ``measured`` with the two ``points`` of a known length, and ``edited`` with the ``key`` of a row
    and the ``kind`` that the visitor chose.
    """

    def __init__(self, value: Mapping[str, Any] | None = None, **options: Any) -> None:
        phrases = {word: PAGE[f"defects.table.{word}"] for word in TABLE_WORDS}
        super().__init__("defects", phrases, value, **options)


def add_defects_panel() -> Page:
    """Add the panel's components to the Blocks that are being built."""
    panel = gr.Accordion(
        open=False, elem_id="defects-panel", elem_classes=["sheet", "fold"], **words("defects_panel")
    )
    with panel:
        page = _add_controls()
        page["defects_table"] = DefectTable(elem_id="defects")
        with gr.Row(elem_id="defects-files"):
            for kind in FILE_KINDS:
                page[f"defects_{kind}"] = gr.Button(
                    size="sm",
                    elem_id=f"defects-{kind}",
                    elem_classes=["quiet-action"],
                    **words(f"defects_{kind}"),
                )
    page |= {
        "defects_points": gr.State(None),
        "defects_kinds": gr.State(None),
        "defects_known": gr.State(None),
        "defects_file": gr.DownloadButton("Defects", visible="hidden", elem_id="defects-file"),
    }
    return page | {"defects_panel": panel}


def _add_controls() -> Page:
    method = gr.Radio(
        [(METHOD_NAMES[name], name) for name in SHEET_METHODS],
        value=SHEET_METHODS[0],
        elem_id="defects-method",
        elem_classes=["pills"],
        **words("defects_method"),
    )
    damage = gr.CheckboxGroup([], elem_id="defects-damage", visible=True, **words("defects_damage"))
    with gr.Row(elem_classes=["knobs"]):
        threshold = gr.Slider(
            0.01, 1, DEFAULT_THRESHOLD, step=0.01, buttons=[], min_width=120, elem_id="defects-threshold",
            **words("defects_threshold"),
        )  # fmt: skip
        least = gr.Slider(
            0, 2, 100 * DEFAULT_LEAST_SHARE, step=0.01, buttons=[], min_width=120, elem_id="defects-least",
            **words("defects_least"),
        )  # fmt: skip
        metres = gr.Number(None, min_width=120, elem_id="defects-metres", **words("defects_metres"))
    with gr.Row(elem_id="defects-actions"):
        find = gr.Button(
            size="sm", elem_id="defects-find", elem_classes=["primary-action"], **words("defects_find")
        )
        mark = gr.Button(
            size="sm", elem_id="defects-mark", elem_classes=["quiet-action"], **words("defects_mark")
        )
    return {
        "defects_method": method,
        "defects_damage": damage,
        "defects_threshold": threshold,
        "defects_least": least,
        "defects_metres": metres,
        "defects_find": find,
        "defects_mark": mark,
    }


def wire_defects_panel(page: Page, handlers: Handlers, form: Sequence[Component]) -> None:
    """Connect the panel's events.

    Args:
        page: all components.
        handlers: of the page.
        form: its inputs, in the order of ``handlers.FORM_FIELDS``.
    """
    defects = DefectHandlers(handlers)
    inputs = [*form, *(page[BY_NAME[name]] for name in OWN_FIELDS)]
    _wire_search(page, defects, inputs)
    page["defects_mark"].click(
        None,
        js="() => { document.dispatchEvent(new CustomEvent('facadelens:ruler', { detail: true })); }",
        api_visibility="private",
    )
    for kind in FILE_KINDS:
        page[f"defects_{kind}"].click(
            defects.save(kind),
            inputs,
            page["defects_file"],
            api_visibility="private",
            show_progress="hidden",
            concurrency_id=MODEL_QUEUE,
            concurrency_limit=1,
        ).success(None, js="() => document.querySelector('#defects-file').click()", api_visibility="private")


def _wire_search(page: Page, defects: DefectHandlers, inputs: list[Component]) -> None:
    outputs = {name: page[BY_NAME[name]] for name in ("table", "damage", "known")}
    find = by_name(defects.find, outputs)
    options: dict[str, Any] = {
        "trigger_mode": "always_last",
        "show_progress": "hidden",
        "concurrency_id": MODEL_QUEUE,
        "concurrency_limit": 1,
        "api_visibility": "private",
    }
    triggers = [
        page["defects_find"].click,
        page["defects_damage"].input,
        page["defects_method"].input,
        page["defects_threshold"].release,
        page["defects_least"].release,
        page["defects_metres"].submit,
        page["defects_metres"].blur,
    ]
    gr.on(triggers, find, inputs, list(outputs.values()), **options)
    quiet = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    kinds = page["defects_kinds"]
    page["defects_table"].measured(_measured, None, page["defects_points"], **quiet).then(
        find, inputs, list(outputs.values()), **options
    )
    page["defects_table"].edited(_edited, kinds, kinds, **quiet).then(
        find, inputs, list(outputs.values()), **options
    )


def _measured(event: gr.EventData) -> list[list[float]] | None:
    """Two points as the browser sent them; None for anything else."""
    try:
        (x, y), (u, v) = event.points
        return [[float(x), float(y)], [float(u), float(v)]]
    except (TypeError, ValueError):
        return None


def _edited(kinds: dict[str, str] | None, event: gr.EventData) -> dict[str, str]:
    """The visitor's choices with the newest one."""
    return {**(kinds or {}), str(event.key): str(event.kind)}
