"""The endpoint ``/explain``: why a class has its score, and whether the answer can be believed."""

from __future__ import annotations

from typing import Any

import gradio as gr

from pipelines import (
    DEFAULT_CHECKPOINT,
    DEFAULT_METHOD,
    PipelineRegistry,
    UnknownChoice,
    parse_prompts,
    read_image,
    write_label_png,
)
from pipelines.explanation import explain
from pipelines.explanation_types import DEFAULT_KIND, ExplanationRequest

from .endpoints import EXPLAIN_QUEUE
from .files import write_unique
from .images import SafeImage, Upload
from .refusals import refusal
from .text import say


def add_explain_endpoint(registry: PipelineRegistry) -> None:
    """Add ``/explain`` to the Blocks that are being built."""

    def explain_class(
        image: Upload | None,
        prompts: str,
        class_name: str,
        explanation: str,
        method: str,
        checkpoint: str,
        x: float | None = None,
        y: float | None = None,
    ) -> tuple[str, dict[str, Any]]:
        try:
            return run_explain(registry, image, prompts, class_name, explanation, method, checkpoint, x, y)
        except gr.Error:
            raise
        except Exception as error:
            raise refusal(error) from None

    with gr.Group(visible=False):
        inputs = [
            SafeImage(label="image", type="filepath"),
            gr.Textbox(label="prompts"),
            gr.Textbox(label="class name"),
            gr.Textbox(DEFAULT_KIND, label="explanation"),
            gr.Textbox(DEFAULT_METHOD, label="method"),
            gr.Textbox(DEFAULT_CHECKPOINT, label="checkpoint"),
            gr.Number(None, label="x"),
            gr.Number(None, label="y"),
        ]
        gr.Button().click(
            explain_class,
            inputs,
            [gr.File(label="heat map"), gr.JSON(label="report")],
            api_name="explain",
            api_description="Explain one class of a picture, at a pixel or where the class is: 8-bit gray "
            "heat map of the picture's size, and a report with what its ends stand for and how far it can "
            "be believed.",
            concurrency_id=EXPLAIN_QUEUE,
            concurrency_limit=1,
        )


def run_explain(
    registry: PipelineRegistry,
    image: Upload | None,
    prompts: str,
    class_name: str,
    kind: str,
    method: str,
    checkpoint: str,
    x: float | None = None,
    y: float | None = None,
) -> tuple[str, dict[str, Any]]:
    """Explain one class of one picture.

    Args:
        registry: gives out the model.
        image: an uploaded picture file.
        prompts: one class a line, ``NAME = text, text`` or just ``NAME``.
        class_name: which of them is explained.
        kind: ``grad_cam``, ``integrated_gradients``, ``influence`` or another row of the kinds.
        method: as for ``/segment``.
        checkpoint: id of a catalogue row.
        x: column of the pixel whose score is explained, from 0; None with ``y`` for the whole class.
        y: its row.

    Returns:
        Path of the heat map, an 8-bit gray PNG of the upright picture's size; and the report.

    Raises:
        gr.Error: there is no picture.
        PipelineError: the request cannot be served; its sentence is written for users.
    """
    if image is None:
        raise gr.Error(say("no_image"), print_exception=False)
    request = ExplanationRequest(
        read_image(image.path),
        parse_prompts(prompts),
        (class_name or "").strip(),
        kind=kind,
        method=method,  # type: ignore[arg-type]
        checkpoint=checkpoint,
        x=_whole(x),
        y=_whole(y),
    )
    result = explain(request, registry)
    path = write_unique("heat-map", ".png", lambda target: write_label_png(target, result.gray()))
    return str(path), result.report()


def _whole(place: float | None) -> int | None:
    if place is not None and place != int(place):
        raise UnknownChoice.of("pixel.missing")
    return None if place is None else int(place)
