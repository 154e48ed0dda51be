"""The page: components and event wiring. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import gradio as gr

from pipelines import DEFAULT_CHECKPOINT, DEFAULT_METHOD, PipelineRegistry

from .compare_endpoint import add_compare_endpoint
from .compare_panel import add_compare_panel, wire_compare_panel
from .defects_panel import add_defects_panel, wire_defects_panel
from .endpoints import MODEL_QUEUE, add_endpoints
from .examples import ExampleStrip
from .explain_endpoint import add_explain_endpoint
from .explain_panel import add_explain_panel, wire_explain_panel
from .handlers import FORM_FIELDS, Handlers
from .images import SafeImage, find_examples
from .inspect_endpoint import add_inspect_endpoint
from .inspect_panel import add_inspect_panel, wire_inspect_panel
from .models_handlers import ModelHandlers
from .models_panel import add_models_panel, wire_models_panel
from .prompt_file_panel import add_prompt_file_panel, wire_prompt_file_panel
from .rounds_handlers import RoundsHandlers, method_choices
from .rounds_panel import add_rounds_panel, wire_rounds_panel
from .serving import DAY, queue_options
from .settings import KNOBS
from .settings_panel import add_abstention, add_settings, pills
from .text import as_language
from .theme import read_static
from .viewer import Viewer
from .wiring import Component, Page, by_name, listen, merge
from .words import (
    both_languages,
    checkpoint_choices,
    method_notes,
    relabel,
    topic_choices,
    topics,
    variant_choices,
    words,
)

EXAMPLES: Final = Path(__file__).resolve().parents[1] / "assets" / "examples"
PICTURE_HEIGHT: Final = 188


def build_demo(registry: PipelineRegistry, examples_folder: Path | None = None) -> gr.Blocks:
    """Build the page; no model is loaded and no picture is opened.

    Args:
        registry: gives out models when requests come.
        examples_folder: a folder of pictures to offer beside the drawn examples.
    """
    handlers = Handlers(registry, find_examples(EXAMPLES, examples_folder))
    demo: gr.Blocks = gr.Blocks(
        title="Facade Lens", analytics_enabled=False, fill_width=True, delete_cache=(DAY // 24, DAY)
    )
    with demo:
        page = _add_header()
        with gr.Row(elem_id="workspace"):
            with gr.Column(elem_id="controls", min_width=0):
                page |= _add_picture() | _add_prompts()
            with gr.Column(elem_id="result", min_width=0):
                page |= _add_choices(registry)
                page["viewer"] = Viewer(elem_id="viewer")
                page |= add_inspect_panel()
                page |= add_settings(registry) | add_rounds_panel(registry) | add_abstention()
                page |= add_explain_panel() | add_compare_panel(registry) | add_defects_panel()
        page |= _add_memory()
        _wire(demo, page, handlers)
        add_endpoints(registry)
        add_inspect_endpoint(registry)
        add_compare_endpoint(registry)
        add_explain_endpoint(registry)
    demo.queue(**queue_options())
    return demo


def warm_up(registry: PipelineRegistry, examples_folder: Path | None = None) -> None:
    """Prepare what every visitor sees first; takes seconds, and the page answers meanwhile.

    Args:
        registry: that of :func:`build_demo`.
        examples_folder: likewise.

    Raises:
        PipelineError: the first picture or the model cannot be used.
    """
    Handlers(registry, find_examples(EXAMPLES, examples_folder)).warm_up()


def _add_header() -> Page:
    with gr.Row(elem_id="header"):
        gr.HTML(_brand(), elem_id="brand", apply_default_css=False, js_on_load=None)
        language = gr.Radio(
            [("EN", "en"), ("RU", "ru")],
            value="en",
            show_label=False,
            label="Language · Язык",
            container=False,
            elem_id="language",
            elem_classes=["pills"],
        )
        gr.HTML(_theme_button(), elem_id="theme", apply_default_css=False, js_on_load=None)
    return {"language": language}


def _brand() -> str:
    brand = read_static("brand.html").replace("@skip", both_languages("skip"))
    return brand.replace("@purpose", both_languages("purpose"))


def _theme_button() -> str:
    return read_static("theme.html").replace("@label", both_languages("theme"))


def _add_picture() -> Page:
    with gr.Column(elem_id="picture-panel", elem_classes=["sheet"], min_width=0):
        image = SafeImage(
            type="filepath",
            sources=["upload", "webcam", "clipboard"],
            height=PICTURE_HEIGHT,
            buttons=[],
            elem_id="picture",
            **words("image"),
        )
        examples = ExampleStrip(elem_id="examples")
    return {"image": image, "examples": examples}


def _add_prompts() -> Page:
    with gr.Column(elem_id="prompt-panel", elem_classes=["sheet"], min_width=0):
        with gr.Row(elem_id="prompt-set"):
            topic = pills("topic", topic_choices("en"), topics()[0])
            variant = pills("variant", variant_choices(), "en")
        prompts = gr.Textbox(lines=8, max_lines=13, elem_id="prompts", **words("prompts"))
        notice = gr.HTML("", elem_id="notice", apply_default_css=False, js_on_load=None)
        files = add_prompt_file_panel()
    return {"topic": topic, "variant": variant, "prompts": prompts, "notice": notice, **files}


def _add_choices(registry: PipelineRegistry) -> Page:
    with gr.Row(elem_id="choices", elem_classes=["sheet"]):
        method = gr.Radio(
            method_choices(registry.catalogue[DEFAULT_CHECKPOINT]),
            value=DEFAULT_METHOD,
            elem_id="method",
            elem_classes=["pills"],
            **words("method"),
        )
        checkpoint = gr.Radio(
            checkpoint_choices(registry, "en"),
            value=DEFAULT_CHECKPOINT,
            elem_id="checkpoint",
            elem_classes=["pills"],
            **words("checkpoint"),
        )
        gr.HTML(method_notes(), elem_id="method-note", apply_default_css=False, js_on_load=None)
        models = add_models_panel(registry)
    return {"method": method, "checkpoint": checkpoint, **models}


def _add_memory() -> Page:
    return {
        "own_settings": gr.State(None),
        "last_image": gr.State(None),
        "refused_image": gr.State(None),
        "nudge": gr.Number(0, visible="hidden", label="nudge"),
        "file": gr.DownloadButton("PNG", visible="hidden", elem_id="file"),
    }


def _wire(demo: gr.Blocks, page: Page, handlers: Handlers) -> None:
    form = [page[name] for name in FORM_FIELDS]
    _wire_opening(demo, page, handlers)
    _wire_result(page, handlers, form)
    wire_inspect_panel(page, handlers.results)
    wire_explain_panel(page, handlers, form)
    wire_compare_panel(page, handlers, form)
    wire_defects_panel(page, handlers, form)
    wire_models_panel(page, ModelHandlers(handlers.registry))
    wire_prompt_file_panel(page)
    wire_rounds_panel(page, RoundsHandlers(handlers.registry))
    chosen = [page["topic"], page["variant"]]
    for choice in chosen:
        listen(choice.input, handlers.fill_prompts, chosen, page, ["prompts"], queue=False)
    page["examples"].pick(
        _choose(handlers, page),
        None,
        [page["image"]],
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )
    gr.on(
        [page["image"].upload, page["image"].clear],
        None,
        js="() => { document.dispatchEvent(new CustomEvent('facadelens:upload')); }",
        api_visibility="private",
    )
    knobs = [knob.name for knob in KNOBS]
    listen(
        page["reset"].click,
        handlers.reset_settings,
        [page["own_settings"], page["nudge"]],
        page,
        [*knobs, "solver", "precision", "nudge"],
        queue=False,
    )
    page["viewer"].download(
        handlers.save_label_map,
        form,
        page["file"],
        api_visibility="private",
        show_progress="hidden",
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
    ).success(None, js="() => document.querySelector('#file').click()", api_visibility="private")


def _wire_opening(demo: gr.Blocks, page: Page, handlers: Handlers) -> None:
    def switch(language: str, chosen: str = DEFAULT_CHECKPOINT) -> dict[str, Any]:
        return relabel(handlers.registry, as_language(language), chosen)

    def open_page(language: str) -> dict[str, Any]:
        return merge(switch(language), handlers.open_page(language))

    def translate(language: str, chosen: str, *prompts: str) -> dict[str, Any]:
        return merge(switch(language, chosen), handlers.translate_prompts(language, *prompts))

    labels = list(relabel(handlers.registry, "en"))
    values = ["language", "image", "last_image", "topic", "variant", "prompts", "examples"]
    opened = listen(
        demo.load,
        open_page,
        [page["language"]],
        page,
        sorted({*labels, *values}),
        queue=False,
        js="() => window.facadeLens.language()",
    )
    opened.then(
        None,
        [page["image"]],
        js="(image) => { if (!image) window.facadeLens.busy(false); }",
        api_visibility="private",
    )
    listen(
        page["language"].input,
        translate,
        [page[name] for name in ("language", "checkpoint", "topic", "variant", "prompts")],
        page,
        labels,
        queue=False,
        js="(language, ...others) => (window.facadeLens.setLanguage(language), [language, ...others])",
    )


def _wire_result(page: Page, handlers: Handlers, form: list[Component]) -> None:
    changed = ["image", "prompts", "method", "checkpoint", "precision", "nudge"]
    typed = [*(knob.name for knob in KNOBS), "solver", "threshold", "background", "glossary"]
    typed += ["pnp_rounds", "pnp_threshold", "pnp_postprocess"]
    triggers = [*(page[name].change for name in changed), *(page[name].input for name in typed)]
    gr.on(triggers, None, js="() => { window.facadeLens.busy(true); }", api_visibility="private")
    answer = gr.on(
        triggers,
        by_name(handlers.segment, page),
        form,
        [page[name] for name in ("viewer", "notice", "image", "own_settings", "last_image", "refused_image")]
        + [page["rounds"]]
        + [page[knob.name] for knob in KNOBS]
        + [page["solver"]],
        trigger_mode="always_last",
        show_progress="hidden",
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
        api_visibility="private",
    )
    answer.then(None, js="() => { window.facadeLens.busy(false); }", api_visibility="private")


def _choose(handlers: Handlers, page: Page) -> Callable[[gr.EventData], dict[Component, Any]]:
    def choose(event: gr.EventData) -> dict[Component, Any]:
        return {page[name]: value for name, value in handlers.choose_example(event.index).items()}

    return choose
