"""The endpoint ``/compare``: one picture, two checkpoints, and where they differ."""

from __future__ import annotations

import dataclasses
from typing import Any

import gradio as gr

from pipelines import (
    DEFAULT_CHECKPOINT,
    DEFAULT_METHOD,
    PipelineRegistry,
    compare,
    write_label_png,
)

from .endpoints import MODEL_QUEUE, read_request
from .files import write_unique
from .images import SafeImage, Upload
from .refusals import refusals

FIRST_CHECKPOINT = "tiny-stock"


def add_compare_endpoint(registry: PipelineRegistry) -> None:
    """Add ``/compare`` to the Blocks that are being built."""

    def compare_checkpoints(
        image: Upload | None, prompts: str, method: str, checkpoint_a: str, checkpoint_b: str
    ) -> tuple[str, dict[str, Any]]:
        with refusals():
            return run_compare(registry, image, prompts, method, checkpoint_a, checkpoint_b)

    with gr.Group(visible=False):
        picture = SafeImage(label="image", type="filepath")
        prompts = gr.Textbox(label="prompts")
        method = gr.Textbox(DEFAULT_METHOD, label="method")
        first = gr.Textbox(FIRST_CHECKPOINT, label="checkpoint_a")
        second = gr.Textbox(DEFAULT_CHECKPOINT, label="checkpoint_b")
        gr.Button().click(
            compare_checkpoints,
            [picture, prompts, method, first, second],
            [gr.File(label="difference map"), gr.JSON(label="report")],
            api_name="compare",
            api_description="Segment a picture with two checkpoints: 8-bit difference map (255 where the "
            "class differs, 0 elsewhere) and a report with the changed share in all and per class.",
            concurrency_id=MODEL_QUEUE,
            concurrency_limit=1,
        )


def run_compare(
    registry: PipelineRegistry,
    image: Upload | None,
    prompts: str,
    method: str,
    checkpoint_a: str,
    checkpoint_b: str,
) -> tuple[str, dict[str, Any]]:
    """Segment one picture with two checkpoints.

    Args:
        registry: gives out the models.
        image: an uploaded picture file.
        prompts: one class a line, ``NAME = text, text`` or just ``NAME``.
        method: as for ``/segment``.
        checkpoint_a: id of a catalogue row.
        checkpoint_b: id of another.

    Returns:
        Path of the difference map, an 8-bit PNG of the upright picture's size; and the report.

    Raises:
        gr.Error: there is no picture.
        PipelineError: the request cannot be served.
    """
    first = read_request(image, prompts, method, checkpoint_a)
    result = compare(first, dataclasses.replace(first, checkpoint=checkpoint_b), registry)
    path = write_unique("difference", ".png", lambda to: write_label_png(to, result.difference_map()))
    return str(path), result.report()
