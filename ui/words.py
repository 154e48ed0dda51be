"""Which sentence stands at which place of the page, for switching its language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import gradio as gr

from pipelines import DEFAULT_CHECKPOINT, PipelineRegistry, list_models, prompt_sets
from pipelines.messages import Language

from .explain_panel import LABELS as EXPLAIN_PLACES
from .models_handlers import more_choices, pill_choices
from .models_panel import LABELS as MODEL_PLACES
from .prompt_file_panel import LABELS as PROMPT_FILE_PLACES
from .rounds_panel import LABELS as ROUND_PLACES
from .rounds_panel import postprocess_choices
from .settings import KNOBS
from .text import say
from .viewer import METHOD_NAMES

PLACES: Final[dict[str, Mapping[str, str]]] = {
    "image": {"label": "image", "placeholder": "image.hint"},
    "topic": {"label": "topic"},
    "variant": {"label": "variant"},
    "prompts": {"label": "prompts", "info": "prompts.info"},
    "method": {"label": "method"},
    "checkpoint": {"label": "checkpoint"},
    "settings_panel": {"label": "settings"},
    "reset": {"value": "reset"},
    "model_stop": {"value": "models.stop"},
    "solver": {"label": "solver"},
    "precision": {"label": "precision"},
    "none_panel": {"label": "none"},
    "threshold": {"label": "threshold", "info": "threshold.info"},
    "background": {"label": "background", "info": "background.info", "placeholder": "background.hint"},
    **{knob.name: {"label": knob.name, "info": f"{knob.name}.info"} for knob in KNOBS},
    **MODEL_PLACES,
    **PROMPT_FILE_PLACES,
    **EXPLAIN_PLACES,
    **ROUND_PLACES,
    "compare_panel": {"label": "compare.title"},
    "compare_checkpoint_a": {"label": "compare.checkpoint_a"},
    "compare_checkpoint_b": {"label": "compare.checkpoint_b"},
    "compare_method_a": {"label": "method"},
    "compare_method_b": {"label": "method"},
    "compare_run": {"value": "compare.run"},
    "defects_panel": {"label": "defects.title"},
    "defects_method": {"label": "defects.method", "info": "defects.method.info"},
    "defects_damage": {"label": "defects.damage", "info": "defects.damage.info"},
    "defects_threshold": {"label": "defects.threshold", "info": "defects.threshold.info"},
    "defects_least": {"label": "defects.least", "info": "defects.least.info"},
    "defects_metres": {"label": "defects.metres", "info": "defects.metres.info"},
    "defects_mark": {"value": "defects.mark"},
    "defects_find": {"value": "defects.find"},
    "defects_html": {"value": "defects.html"},
    "defects_csv": {"value": "defects.csv"},
    "defects_coco": {"value": "defects.coco"},
    "defects_geojson": {"value": "defects.geojson"},
}
"""Component of the page -> its property -> key of ``ui.text.PAGE``."""

FIRST_TOPICS: Final = ("facade-parts", "facade-damage", "facade-grouped")
Choices = list[tuple[str, str]]


def words(place: str, language: Language = "en") -> dict[str, Any]:
    """The visible texts of one component."""
    return {prop: say(key, language) for prop, key in PLACES[place].items()}


def relabel(
    registry: PipelineRegistry, language: Language, chosen: str = DEFAULT_CHECKPOINT
) -> dict[str, Any]:
    """Updates that put every component into one language; values stay."""
    updates = {place: gr.update(**words(place, language)) for place in PLACES}
    updates["checkpoint"]["choices"] = pill_choices(registry, language, chosen)
    updates["more"]["choices"] = more_choices(registry, language)
    for side in ("a", "b"):
        updates[f"compare_checkpoint_{side}"]["choices"] = compare_choices(registry, language)
    updates["topic"]["choices"] = topic_choices(language)
    updates["solver"]["choices"] = solver_choices(language)
    updates["pnp_postprocess"]["choices"] = postprocess_choices(language)
    return updates


def checkpoint_choices(registry: PipelineRegistry, language: Language) -> Choices:
    """(label, id) of the bundled checkpoints; "stock" and "fine-tuned" where that tells them apart."""
    return pill_choices(registry, language)


def compare_choices(registry: PipelineRegistry, language: Language) -> Choices:
    """(label, id) of every checkpoint that is on this machine."""
    rows = (row for row in list_models(registry) if row["available"])
    return [(row["label"][language], row["id"]) for row in rows]


def topics() -> list[str]:
    """What the built-in prompt sets are about: their ids without the language; the known ones first."""
    found = {item.id.rpartition("-")[0] for item in prompt_sets()}
    return [*(topic for topic in FIRST_TOPICS if topic in found), *sorted(found.difference(FIRST_TOPICS))]


def topic_choices(language: Language) -> Choices:
    """(words, topic) of the prompt sets."""
    return [(say(f"topic.{topic}", language), topic) for topic in topics()]


def variant_choices() -> Choices:
    """(words, last part of the id) of the languages in which every prompt set exists."""
    others = [(code.upper(), code) for code in ("de", "fr", "es", "zh")]
    return [("EN", "en"), ("RU", "ru"), ("EN+RU", "mixed"), *others]


def solver_choices(language: Language) -> Choices:
    """(label, name) of both solvers."""
    return [(say(f"solver.{name}", language), name) for name in ("published", "exact")]


def both_languages(key: str) -> str:
    """A sentence in both languages as HTML; the style sheet shows the page's one."""
    return "".join(f'<span lang="{code}">{say(key, code)}</span>' for code in _codes())


def method_notes() -> str:
    """What each method does, as HTML; the style sheet shows the chosen one in the page's language."""
    return "".join(
        f'<p class="both" data-method="{name}">{both_languages(f"method.{name}")}</p>'
        for name in METHOD_NAMES
    )


def _codes() -> Iterable[Language]:
    return ("en", "ru")
