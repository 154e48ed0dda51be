"""The endpoint ``/inspect``: what the classes score at one pixel."""

from __future__ import annotations

from typing import Any

import gradio as gr

from pipelines import (
    DEFAULT_CHECKPOINT,
    DEFAULT_METHOD,
    PipelineRegistry,
    UnknownChoice,
    infer,
    inspect_pixel,
)

from .endpoints import MODEL_QUEUE, read_request
from .images import SafeImage, Upload
from .refusals import refusals


def add_inspect_endpoint(registry: PipelineRegistry) -> None:
    """Add ``/inspect`` to the Blocks that are being built."""

    def inspect(
        image: Upload | None, x: float | None, y: float | None, prompts: str, method: str, checkpoint: str
    ) -> dict[str, Any]:
        with refusals():
            return run_inspect(registry, image, x, y, prompts, method, checkpoint)

    with gr.Group(visible=False):
        picture = SafeImage(label="image", type="filepath")
        x = gr.Number(label="x")
        y = gr.Number(label="y")
        prompts = gr.Textbox(label="prompts")
        method = gr.Textbox(DEFAULT_METHOD, label="method")
        checkpoint = gr.Textbox(DEFAULT_CHECKPOINT, label="checkpoint")
        gr.Button().click(
            inspect,
            [picture, x, y, prompts, method, checkpoint],
            gr.JSON(label="report"),
            api_name="inspect",
            api_description="Score of every class, and of each of its texts, at a pixel of the picture.",
            concurrency_id=MODEL_QUEUE,
            concurrency_limit=1,
        )


def run_inspect(
    registry: PipelineRegistry,
    image: Upload | None,
    x: float | None,
    y: float | None,
    prompts: str,
    method: str,
    checkpoint: str,
) -> dict[str, Any]:
    """Score every class at a pixel.

    Args:
        registry: gives out the model.
        image: an uploaded picture file.
        x: column in the upright picture, from 0.
        y: row, from 0.
        prompts: one class a line, ``NAME = text, text`` or just ``NAME``.
        method: as for ``/segment``.
        checkpoint: id of a catalogue row.

    Raises:
        gr.Error: there is no picture.
        PipelineError: the request cannot be served, or the pixel lies outside.
    """
    column, row = _whole(x), _whole(y)
    result = infer(read_request(image, prompts, method, checkpoint), registry)
    return inspect_pixel(result, column, row).report() | {
        "method": result.method,
        "checkpoint": {"id": result.checkpoint.id, "sha256": result.checkpoint.sha256},
    }


def _whole(value: object) -> int:
    if isinstance(value, int | float) and value == value // 1:
        return int(value)
    raise UnknownChoice.of("pixel.missing")
