"""The endpoint ``/inspect``: what the classes score at one pixel."""

from __future__ import annotations

from typing import Any

import gradio as gr

from pipelines import (
    DEFAULT_CHECKPOINT,
    DEFAULT_METHOD,
    InferenceRequest,
    PipelineRegistry,
    UnknownChoice,
    infer,
    inspect_pixel,
    parse_prompts,
    read_image,
)

from .endpoints import MODEL_QUEUE
from .images import SafeImage, Upload
from .refusals import refusal
from .text import say


def add_inspect_endpoint(registry: PipelineRegistry) -> None:
    """Add ``/inspect`` to the Blocks that are being built."""

    def inspect(
        image: Upload | None, x: float | None, y: float | None, prompts: str, method: str, checkpoint: str
    ) -> dict[str, Any]:
        try:
            return run_inspect(registry, image, x, y, prompts, method, checkpoint)
        except gr.Error:
            raise
        except Exception as error:
            raise refusal(error) from None

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
    if image is None:
        raise gr.Error(say("no_image"), print_exception=False)
    if x is None or y is None or x != int(x) or y != int(y):
        raise UnknownChoice.of("pixel.missing")
    request = InferenceRequest(
        read_image(image.path),
        parse_prompts(prompts),
        method=method,  # type: ignore[arg-type]
        checkpoint=checkpoint,
    )
    result = infer(request, registry)
    return inspect_pixel(result, int(x), int(y)).report() | {
        "method": result.method,
        "checkpoint": {"id": result.checkpoint.id, "sha256": result.checkpoint.sha256},
    }
