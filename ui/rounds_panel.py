"""Where each round of PnP-OVSS looked for a class, and the settings of the rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import gradio as gr

from pipelines import DEFAULT_CHECKPOINT, PipelineRegistry
from pipelines.messages import Language

from .panel_view import PanelView
from .rounds_handlers import RoundsHandlers
from .rounds_text import ROUNDS
from .text import say
from .wiring import Page

POSTPROCESSING: Final = ("none", "blur", "crf", "blur+crf")
MOST_ROUNDS: Final = 8
LABELS: Final[dict[str, Mapping[str, str]]] = {
    "rounds_panel": {"label": "rounds.title"},
    "pnp_rounds": {"label": "rounds.count", "info": "rounds.count.info"},
    "pnp_threshold": {"label": "rounds.threshold", "info": "rounds.threshold.info"},
    "pnp_postprocess": {"label": "rounds.postprocess"},
}


class RoundsView(PanelView):
    """A map of every round for one class. Its value is what :func:`rounds_value` makes, or None."""

    def __init__(self, value: Mapping[str, Any] | None = None, **options: Any) -> None:
        phrases = {key.removeprefix("rounds."): phrase for key, phrase in ROUNDS.items()}
        super().__init__("rounds", phrases, value, **options)


def add_rounds_panel(registry: PipelineRegistry) -> Page:
    """Add the panel's components to the Blocks that are being built; hidden until the method is chosen.

    Args:
        registry: whose default checkpoint gives the first values.
    """
    own = registry.catalogue[DEFAULT_CHECKPOINT].pnp_settings
    panel = gr.Accordion(
        open=True,
        visible=False,
        elem_id="rounds-panel",
        elem_classes=["sheet", "fold"],
        **_words("rounds_panel"),
    )
    with panel:
        with gr.Row(elem_classes=["knobs"]):
            rounds = gr.Slider(1, MOST_ROUNDS, own.rounds, step=1, **_slider("pnp_rounds"))
            threshold = gr.Slider(0, 0.95, own.threshold, step=0.01, **_slider("pnp_threshold"))
            postprocess = gr.Radio(
                postprocess_choices("en"),
                value=own.postprocess,
                min_width=120,
                elem_id="pnp-postprocess",
                elem_classes=["pills"],
                **_words("pnp_postprocess"),
            )
        view = RoundsView(elem_id="rounds")
    return {
        "rounds_panel": panel,
        "pnp_rounds": rounds,
        "pnp_threshold": threshold,
        "pnp_postprocess": postprocess,
        "rounds": view,
    }


def wire_rounds_panel(page: Page, handlers: RoundsHandlers) -> None:
    """Let the choice of a checkpoint offer its methods, and that of a method its settings.

    Args:
        page: all components.
        handlers: of the panel.
    """
    page["checkpoint"].change(
        handlers.offer_methods,
        [page["checkpoint"], page["method"]],
        page["method"],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    page["method"].change(
        handlers.show_settings,
        page["method"],
        [page["settings_panel"], page["rounds_panel"]],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def postprocess_choices(language: Language) -> list[tuple[str, str]]:
    """(label, name) of what may follow the threshold."""
    return [(say(f"rounds.postprocess.{name}", language), name) for name in POSTPROCESSING]


def _words(place: str) -> dict[str, Any]:
    return {prop: say(key) for prop, key in LABELS[place].items()}


def _slider(name: str) -> dict[str, Any]:
    return {"min_width": 120, "buttons": [], "elem_id": name.replace("_", "-"), **_words(name)}
