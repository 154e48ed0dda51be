"""A part of the page that its own script draws from a value of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from pipelines.messages import Phrase

from .text import LANGUAGES
from .theme import read_static


class PanelView(gr.HTML):
    """Draws ``static/PART.html`` with its style and script. Its value is a mapping or None; it is no input.

    Args:
        part: name of the static files.
        phrases: texts for the script, by the name it knows them by.
        value: what is drawn first.
        options: of ``gr.HTML``.
    """

    def __init__(
        self,
        part: str,
        phrases: Mapping[str, Phrase],
        value: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            value=value,
            html_template=read_static(f"{part}.html"),
            css_template=read_static(f"{part}.css"),
            js_on_load=read_static("drawing.js") + read_static(f"{part}.js"),
            apply_default_css=False,
            texts={code: {name: phrase.text(code) for name, phrase in phrases.items()} for code in LANGUAGES},
            **options,
        )

    def preprocess(self, payload: Any) -> None:
        """The view is no input."""

    def postprocess(self, value: Mapping[str, Any] | None) -> dict[str, Any] | None:  # type: ignore[override]
        """Pass the value on; Gradio turns its files into URLs."""
        return None if value is None else dict(value)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}

    def example_payload(self) -> Any:
        return None

    def example_value(self) -> Any:
        return None
