"""The row of example thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from .text import LANGUAGES, PAGE
from .theme import read_static


class ExampleStrip(gr.HTML):
    """Thumbnails to choose a picture from. Its value is a list of ``{index, image}``; it fires ``pick``."""

    def __init__(self, value: Sequence[dict[str, Any]] | None = None, **options: Any) -> None:
        texts = {code: {key: PAGE[key].text(code) for key in ("example", "examples")} for code in LANGUAGES}
        super().__init__(
            value=value,
            html_template=read_static("examples.html"),
            css_template=read_static("examples.css"),
            js_on_load=read_static("examples.js"),
            apply_default_css=False,
            texts=texts,
            **options,
        )

    def preprocess(self, payload: Any) -> None:
        """The strip is no input."""

    def postprocess(self, value: Sequence[dict[str, Any]] | None) -> list[dict[str, Any]]:  # type: ignore[override]
        """Pass the thumbnails on; Gradio turns their files into URLs."""
        return list(value or [])

    def api_info(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "object"}}

    def example_payload(self) -> Any:
        return []

    def example_value(self) -> Any:
        return []
