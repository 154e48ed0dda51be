"""The inspector: what every class and text scores at the pixel that was clicked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from pipelines import UnknownChoice, inspect_pixel

from .inspect_store import ResultStore
from .text import LANGUAGES, PAGE
from .theme import read_static

WORDS = ("title", "close", "probability", "score", "texts", "gone", "none", "hint")
Page = dict[str, Any]


class PixelReadout(gr.HTML):
    """Scores at one pixel as bars. Its value is what :func:`read_pixel` returns, or None."""

    def __init__(self, value: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(
            value=value,
            html_template=read_static("inspect.html"),
            css_template=read_static("inspect.css"),
            js_on_load=read_static("drawing.js") + read_static("inspect.js"),
            apply_default_css=False,
            texts={code: {word: PAGE[f"inspect.{word}"].text(code) for word in WORDS} for code in LANGUAGES},
            **options,
        )

    def preprocess(self, payload: Any) -> None:
        """The readout is no input."""

    def postprocess(self, value: Mapping[str, Any] | None) -> dict[str, Any] | None:  # type: ignore[override]
        """Pass the report on."""
        return None if value is None else dict(value)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}

    def example_payload(self) -> Any:
        return None

    def example_value(self) -> Any:
        return None


def add_inspect_panel() -> Page:
    """Add the readout below the viewer; it is empty until a pixel is clicked."""
    return {"readout": PixelReadout(elem_id="readout")}


def wire_inspect_panel(page: Page, results: ResultStore) -> None:
    """Answer clicks into the viewer from the results that are kept, beside the queue of model work."""

    def answer(event: gr.EventData) -> dict[str, Any]:
        return read_pixel(results, event.key, event.x, event.y)

    page["viewer"].pick(
        answer,
        None,
        page["readout"],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def read_pixel(results: ResultStore, key: object, x: object, y: object) -> dict[str, Any]:
    """The report of a pixel; ``{"gone": True}`` when the result is no longer kept or there is no such pixel.

    Args:
        results: where the page keeps its results.
        key: of the scene that was clicked.
        x: column in the upright picture, as the browser sent it.
        y: row, likewise.
    """
    result = results.get(key) if isinstance(key, str) else None
    if result is None or not isinstance(x, int) or not isinstance(y, int):
        return {"gone": True}
    try:
        return inspect_pixel(result, x, y).report()
    except UnknownChoice:
        return {"gone": True}
