"""The inspector: what every class and text scores at the pixel that was clicked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from pipelines import UnknownChoice, inspect_pixel

from .inspect_store import ResultStore
from .panel_view import PanelView
from .text import PAGE
from .wiring import Page

WORDS = ("title", "close", "probability", "score", "texts", "gone", "none", "hint")


class PixelReadout(PanelView):
    """Scores at one pixel as bars. Its value is what :func:`read_pixel` returns, or None."""

    def __init__(self, value: Mapping[str, Any] | None = None, **options: Any) -> None:
        phrases = {word: PAGE[f"inspect.{word}"] for word in WORDS}
        super().__init__("inspect", phrases, value, **options)


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
