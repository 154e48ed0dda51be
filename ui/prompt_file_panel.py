"""Two buttons below the prompts: open a prompt file, and keep the prompts as one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import gradio as gr

from pipelines import format_prompt_file, format_prompts, load_prompt_file, parse_prompts
from pipelines.messages import Language

from .files import write_download
from .refusals import explain, notice, refusal
from .text import as_language, say
from .wiring import Page

SUFFIXES: Final = (".yaml", ".yml", ".json", ".txt")
LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "prompt_open": {"label": "promptfile.open"},
    "prompt_save": {"value": "promptfile.save"},
}
"""Component -> its property -> key of ``ui.text.PAGE``; joined to ``ui.words.PLACES``."""


def add_prompt_file_panel() -> Page:
    """Components below the prompt box."""
    with gr.Row(elem_id="prompt-files"):
        opened = gr.UploadButton(
            say("promptfile.open"),
            file_types=list(SUFFIXES),
            size="sm",
            elem_id="prompt-open",
            elem_classes=["plain"],
        )
        save = gr.Button(say("promptfile.save"), size="sm", elem_id="prompt-save", elem_classes=["plain"])
        file = gr.DownloadButton("YAML", visible="hidden", elem_id="prompt-file")
    return {"prompt_open": opened, "prompt_save": save, "prompt_file": file}


def wire_prompt_file_panel(page: Page) -> None:
    """Connect the buttons; a refused file leaves the prompts alone and says why below them."""
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

    def open_file(path: str | None, language: str) -> dict[Any, Any]:
        return {page[name]: value for name, value in read_prompts(path, as_language(language)).items()}

    page["prompt_open"].upload(
        open_file,
        [page["prompt_open"], page["language"]],
        [page["prompts"], page["notice"]],
        queue=False,
        **private,
    )
    page["prompt_save"].click(
        save_prompts, [page["prompts"], page["language"]], page["prompt_file"], **private
    ).success(None, js="() => document.querySelector('#prompt-file').click()", api_visibility="private")


def read_prompts(path: str | None, language: Language) -> dict[str, Any]:
    """The prompt box filled from a file; or why it is refused, with the box as it was.

    Args:
        path: an uploaded file; its suffix tells the format.
        language: of the sentence.
    """
    if path is None:
        return {}
    try:
        return {"prompts": format_prompts(load_prompt_file(Path(path))), "notice": ""}
    except Exception as error:
        return {"notice": notice(explain(error, language), "error")}


def save_prompts(text: str | None, language: str) -> str:
    """Write the prompts as a YAML file, for download.

    Raises:
        gr.Error: they cannot be used; the sentence says why.
    """
    try:
        content = format_prompt_file(parse_prompts(text or ""))
    except Exception as error:
        raise refusal(error, as_language(language)) from error
    return str(write_download("prompts.yaml", lambda path: path.write_text(content, encoding="utf-8")))
