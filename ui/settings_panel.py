"""The folds of the page that hold the method's hyper-parameters, and what is left without a class."""

from __future__ import annotations

import gradio as gr

from pipelines import DEFAULT_CHECKPOINT, PipelineRegistry

from .settings import KNOBS, Knob, shown_settings
from .wiring import Page
from .words import solver_choices, words


def add_settings(registry: PipelineRegistry) -> Page:
    """Add the hyper-parameters, as the default checkpoint has them."""
    own = shown_settings(registry.catalogue[DEFAULT_CHECKPOINT].settings)
    page: Page = {}
    panel = gr.Accordion(
        open=False, elem_id="settings-panel", elem_classes=["sheet", "fold"], **words("settings_panel")
    )
    with panel:
        with gr.Row(elem_classes=["knobs"]):
            for knob in KNOBS:
                page[knob.name] = _slider(knob, own[knob.name])
            page["solver"] = pills("solver", solver_choices("en"), own["solver"])
            page["precision"] = pills("precision", [("fp32", "fp32"), ("bf16", "bf16")], "fp32")
        page["reset"] = gr.Button(size="sm", elem_id="reset", **words("reset"))
    return page | {"settings_panel": panel}


def _slider(knob: Knob, value: float) -> gr.Slider:
    return gr.Slider(
        knob.low,
        knob.high,
        value,
        step=knob.step,
        min_width=120,
        buttons=[],
        elem_id=f"knob-{knob.name}",
        **words(knob.name),
    )


def pills(name: str, choices: list[tuple[str, str]], value: str) -> gr.Radio:
    """A choice drawn as a row of pills; its name is its id and the key of its words."""
    return gr.Radio(choices, value=value, min_width=120, elem_id=name, elem_classes=["pills"], **words(name))


def add_abstention() -> Page:
    """Add what leaves pixels without a class: a threshold, and background words."""
    panel = gr.Accordion(
        open=False, elem_id="none-panel", elem_classes=["sheet", "fold"], **words("none_panel")
    )
    with panel, gr.Row(elem_classes=["knobs", "two"]):
        threshold = gr.Slider(0, 1, 0, step=0.01, buttons=[], elem_id="threshold", **words("threshold"))
        background = gr.Textbox(lines=1, max_lines=1, elem_id="background", **words("background"))
    return {"none_panel": panel, "threshold": threshold, "background": background}
