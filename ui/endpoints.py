"""The public endpoints: stateless, each usable through gradio_client under its own name."""

from __future__ import annotations

from typing import Any, Final

import gradio as gr
from gradio.events import api

from pipelines import (
    DEFAULT_CHECKPOINT,
    DEFAULT_METHOD,
    InferenceRequest,
    PipelineRegistry,
    infer,
    list_models,
    list_prompt_sets,
    parse_prompts,
    read_image,
    write_label_png,
)

from .files import write_unique
from .images import SafeImage, Upload
from .refusals import refusals
from .text import say

MODEL_QUEUE: Final = "model"
"""Concurrency group of model work: one request at a time."""
EXPLAIN_QUEUE: Final = "explain"
"""Concurrency group of explanations: they take long, and others segment meanwhile."""


def add_endpoints(registry: PipelineRegistry) -> None:
    """Add ``/segment``, ``/models`` and ``/prompt_sets`` to the Blocks that are being built."""

    def segment(
        image: Upload | None, prompts: str, method: str, checkpoint: str
    ) -> tuple[str, dict[str, Any]]:
        with refusals():
            return run_segment(registry, image, prompts, method, checkpoint)

    def models() -> list[dict[str, Any]]:
        return list_models(registry)

    def sets() -> list[dict[str, Any]]:
        return list_prompt_sets()

    with gr.Group(visible=False):
        image = SafeImage(label="image", type="filepath")
        prompts = gr.Textbox(label="prompts")
        method = gr.Textbox(DEFAULT_METHOD, label="method")
        checkpoint = gr.Textbox(DEFAULT_CHECKPOINT, label="checkpoint")
        label_map = gr.File(label="label map")
        report = gr.JSON(label="report")
        gr.Button().click(
            segment,
            [image, prompts, method, checkpoint],
            [label_map, report],
            api_name="segment",
            api_description="Segment a picture: 8-bit label map (pixel = class index in prompt order, "
            "255 = none) and a report.",
            concurrency_id=MODEL_QUEUE,
            concurrency_limit=1,
        )
    api(models, api_name="models", api_description="The checkpoints and methods to choose from.", queue=False)
    api(sets, api_name="prompt_sets", api_description="The built-in prompt sets.", queue=False)


def run_segment(
    registry: PipelineRegistry, image: Upload | None, prompts: str, method: str, checkpoint: str
) -> tuple[str, dict[str, Any]]:
    """Segment one picture.

    Args:
        registry: gives out the model.
        image: an uploaded picture file.
        prompts: one class a line, ``NAME = text, text`` or just ``NAME``.
        method: ``maskclip``, ``lposs``, ``lposs_plus`` or ``pnp_ovss``.
        checkpoint: id of a catalogue row.

    Returns:
        Path of the label map, an 8-bit PNG of the upright picture's size; and the report.

    Raises:
        gr.Error: there is no picture.
        PipelineError: the request cannot be served; its sentence is written for users.
    """
    result = infer(read_request(image, prompts, method, checkpoint), registry)
    path = write_unique("label-map", ".png", lambda target: write_label_png(target, result.label_map))
    return str(path), result.report()


def read_request(image: Upload | None, prompts: str | None, method: str, checkpoint: str) -> InferenceRequest:
    """What an endpoint is asked for.

    Args:
        image: an uploaded picture file.
        prompts: one class a line, ``NAME = text, text`` or just ``NAME``.
        method: of :data:`pipelines.METHODS`.
        checkpoint: id of a catalogue row.

    Raises:
        gr.Error: there is no picture.
        PipelineError: picture or prompts are refused.
    """
    if image is None:
        raise gr.Error(say("no_image"), print_exception=False)
    return InferenceRequest(
        read_image(image.path),
        parse_prompts(prompts or ""),
        method=method,  # type: ignore[arg-type]
        checkpoint=checkpoint,
    )
