"""Which sentence stands at which place of the page, for switching its language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import gradio as gr

from pipelines import PipelineRegistry, list_models, prompt_sets
from pipelines.messages import Language

from .settings import KNOBS
from .text import say

PLACES: Final[dict[str, dict[str, str]]] = {
    "image": {"label": "image", "placeholder": "image.hint"},
    "topic": {"label": "topic"},
    "variant": {"label": "variant"},
    "prompts": {"label": "prompts", "info": "prompts.info"},
    "method": {"label": "method"},
    "checkpoint": {"label": "checkpoint"},
    "settings_panel": {"label": "settings"},
    "reset": {"value": "reset"},
    "solver": {"label": "solver"},
    "precision": {"label": "precision"},
    "none_panel": {"label": "none"},
    "threshold": {"label": "threshold", "info": "threshold.info"},
    "background": {"label": "background", "info": "background.info", "placeholder": "background.hint"},
    **{knob.name: {"label": knob.name, "info": f"{knob.name}.info"} for knob in KNOBS},
}
"""Component of the page -> its property -> key of ``ui.text.PAGE``."""

Choices = list[tuple[str, str]]


def words(place: str, language: Language = "en") -> dict[str, Any]:
    """The visible texts of one component."""
    return {prop: say(key, language) for prop, key in PLACES[place].items()}


def relabel(registry: PipelineRegistry, language: Language) -> dict[str, Any]:
    """Updates that put every component into one language; values stay."""
    updates = {place: gr.update(**words(place, language)) for place in PLACES}
    updates["checkpoint"]["choices"] = checkpoint_choices(registry, language)
    updates["topic"]["choices"] = topic_choices(language)
    updates["solver"]["choices"] = solver_choices(language)
    return updates


def checkpoint_choices(registry: PipelineRegistry, language: Language) -> Choices:
    """(label, id) of every checkpoint; "stock" and "fine-tuned" where that tells them apart."""
    rows = list_models(registry)
    kinds = {row["kind"] for row in rows}
    if len(kinds) == len(rows):
        return [(say(f"kind.{row['kind']}", language), row["id"]) for row in rows]
    return [(row["label"][language], row["id"]) for row in rows]


def topics() -> list[str]:
    """What the built-in prompt sets are about: their ids without the language; facade parts first."""
    found = dict.fromkeys(item.id.rpartition("-")[0] for item in prompt_sets())
    return sorted(found, reverse=True)


def topic_choices(language: Language) -> Choices:
    """(words, topic) of the prompt sets."""
    return [(say(f"topic.{topic}", language), topic) for topic in topics()]


def variant_choices() -> Choices:
    """(words, last part of the id) of the languages in which every prompt set exists."""
    return [("EN", "en"), ("RU", "ru"), ("EN+RU", "mixed")]


def solver_choices(language: Language) -> Choices:
    """(label, name) of both solvers."""
    return [(say(f"solver.{name}", language), name) for name in ("published", "exact")]


def both_languages(key: str) -> str:
    """A sentence in both languages as HTML; the style sheet shows the page's one."""
    return "".join(f'<span lang="{code}">{say(key, code)}</span>' for code in _codes())


def _codes() -> Iterable[Language]:
    return ("en", "ru")
