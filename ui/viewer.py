"""The result viewer: sends a photo and a label map once; all drawing happens in the browser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from pipelines import InferenceResult, write_label_png

from .files import file_data, write_once
from .text import viewer_texts
from .theme import read_static

METHOD_NAMES: Final[Mapping[str, str]] = {
    "maskclip": "MaskCLIP",
    "lposs": "LPOSS",
    "lposs_plus": "LPOSS+",
    "pnp_ovss": "PnP-OVSS",
}


SCRIPTS: Final = (
    "drawing.js",
    "viewer_scene.js",
    "viewer_draw.js",
    "viewer_marks.js",
    "viewer_legend.js",
    "viewer_facts.js",
    "viewer_controls.js",
    "viewer_pointer.js",
    "viewer.js",
)


class Viewer(gr.HTML):
    """Photo, overlay and legend. Its value is what :func:`build_scene` returns, or None.

    It fires ``download``, and ``pick`` with ``x``, ``y`` in pixels of the upright picture and the scene's
    ``key``.
    """

    def __init__(self, value: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(
            value=value,
            html_template=read_static("viewer.html"),
            css_template=read_static("viewer.css"),
            js_on_load="".join(read_static(name) for name in SCRIPTS),
            apply_default_css=False,
            texts=viewer_texts(),
            **options,
        )

    def postprocess(self, value: Mapping[str, Any] | None) -> dict[str, Any] | None:  # type: ignore[override]
        """Pass the scene on; Gradio turns its files into URLs."""
        return None if value is None else dict(value)

    def preprocess(self, payload: Any) -> None:
        """The viewer is no input: what the browser holds is never trusted."""

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True}

    def example_payload(self) -> Any:
        return None

    def example_value(self) -> Any:
        return None


def build_scene(jpeg: Path, result: InferenceResult, key: str = "") -> dict[str, Any]:
    """What the browser needs to draw a result.

    Args:
        jpeg: the photo as shown.
        result: label map, classes, checkpoint and timings.
        key: under which the result is kept for the inspector.
    """
    report = result.report()
    return {
        "image": file_data(jpeg),
        "label": file_data(write_label_map(result.label_map)),
        "classes": report["classes"],
        "none": result.none_share,
        "image_size": list(result.image_size),
        "method": METHOD_NAMES[result.method],
        "checkpoint": report["checkpoint"] | {"label": dict(result.checkpoint.label)},
        "seconds": report["seconds"],
        "key": key,
    }


def write_label_map(label_map: NDArray[np.uint8]) -> Path:
    """Write a label map once; equal maps share one file.

    Args:
        label_map: ``(H, W)`` uint8, the class index of each pixel.
    """
    content = (
        np.asarray(label_map.shape, dtype=np.int64).tobytes() + np.ascontiguousarray(label_map).tobytes()
    )
    return write_once("labels", ".png", content, lambda path: write_label_png(path, label_map))
