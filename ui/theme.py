"""Colours, type and style sheets of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import gradio as gr
from gradio.themes.utils.fonts import LocalFont

STATIC: Final = Path(__file__).resolve().parent / "static"
STYLE_SHEETS: Final = (STATIC / "page.css", STATIC / "models.css", STATIC / "explain_form.css")
FAVICON: Final = STATIC / "favicon.svg"

SAME_IN_BOTH_MODES: Final = {
    "body_background_fill": "var(--paper)",
    "body_text_color": "var(--ink)",
    "body_text_color_subdued": "var(--muted)",
    "background_fill_primary": "var(--panel)",
    "background_fill_secondary": "var(--well)",
    "border_color_primary": "var(--line)",
    "border_color_accent": "var(--accent)",
    "color_accent_soft": "var(--accent-soft)",
    "block_background_fill": "var(--panel)",
    "block_border_color": "var(--line)",
    "block_border_width": "0px",
    "block_label_background_fill": "transparent",
    "block_label_border_width": "0px",
    "block_label_text_color": "var(--ink)",
    "block_title_text_color": "var(--ink)",
    "block_info_text_color": "var(--muted)",
    "input_background_fill": "var(--well)",
    "input_background_fill_focus": "var(--panel)",
    "input_border_color": "transparent",
    "input_border_color_focus": "var(--accent)",
    "input_border_width": "1px",
    "input_placeholder_color": "var(--muted)",
    "input_shadow_focus": "none",
    "slider_color": "var(--accent)",
    "loader_color": "var(--accent)",
    "button_secondary_background_fill": "transparent",
    "button_secondary_background_fill_hover": "var(--well)",
    "button_secondary_border_color": "var(--line)",
    "button_secondary_text_color": "var(--ink)",
    "checkbox_label_background_fill": "transparent",
    "checkbox_label_background_fill_hover": "transparent",
    "checkbox_label_background_fill_selected": "var(--panel)",
    "checkbox_label_text_color": "var(--muted)",
    "checkbox_label_text_color_selected": "var(--ink)",
    "checkbox_label_border_width": "0px",
    "panel_background_fill": "var(--panel)",
    "panel_border_width": "0px",
    "accordion_text_color": "var(--ink)",
    "link_text_color": "var(--accent)",
}


def build_theme() -> gr.themes.Base:
    """The page's theme: colours are variables of page.css, fonts come with Gradio and hold Cyrillic."""
    theme = gr.themes.Base(
        font=[LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"],
        font_mono=[LocalFont("IBM Plex Mono", weights=(400, 600)), "ui-monospace", "monospace"],
        spacing_size=gr.themes.sizes.spacing_md,
        radius_size=gr.themes.sizes.radius_lg,
        text_size=gr.themes.sizes.text_md,
    )
    both = {f"{name}_dark": value for name, value in SAME_IN_BOTH_MODES.items()}
    return theme.set(
        **SAME_IN_BOTH_MODES,
        **{name: value for name, value in both.items() if hasattr(theme, name)},
        color_accent="var(--accent)",
        block_title_text_weight="700",
        block_title_text_size="14px",
        block_label_text_weight="700",
        block_radius="12px",
        block_shadow="none",
        block_padding="0px",
        input_radius="10px",
        layout_gap="16px",
        form_gap_width="0px",
    )


def head_html() -> str:
    """The document's head: colours, and the script that knows language, theme, paste and drop."""
    return f"<style>{read_static('frame.css')}</style><script>{read_static('page.js')}</script>"


def read_static(name: str) -> str:
    """The text of one of the page's own files."""
    return (STATIC / name).read_text(encoding="utf-8")
