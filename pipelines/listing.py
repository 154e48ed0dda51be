"""What can be chosen, as JSON-able lists for the page, the endpoints and the command lines."""

from __future__ import annotations

from typing import Any

from .catalogue import CheckpointSpec
from .errors import PipelineUnavailable
from .inference import RUNNABLE
from .prompt_sets import prompt_sets
from .registry import PipelineRegistry


def list_models(registry: PipelineRegistry) -> list[dict[str, Any]]:
    """The checkpoints in the catalogue's order.

    Returns:
        For each: ``id``, ``label`` {en, ru}, ``kind``, ``base``, ``licence``, ``languages``, ``sha256``,
        ``methods``, ``settings``, ``available``, and ``reason`` {en, ru} where it is not.
    """
    return [_model_row(spec) for spec in registry.catalogue.values()]


def list_prompt_sets() -> list[dict[str, Any]]:
    """The built-in prompt sets.

    Returns:
        For each: ``id``, ``title`` {en, ru}, ``languages`` and ``classes`` [{``name``, ``prompts``}].
    """
    return [
        {
            "id": item.id,
            "title": dict(item.title),
            "languages": list(item.languages),
            "classes": [{"name": each.name, "prompts": list(each.texts)} for each in item.prompts.classes],
        }
        for item in prompt_sets()
    ]


def _model_row(spec: CheckpointSpec) -> dict[str, Any]:
    missing = spec.missing_files()
    row = {
        "id": spec.id,
        "label": dict(spec.label),
        "kind": spec.kind,
        "base": spec.base,
        "licence": spec.licence,
        "languages": list(spec.languages),
        "sha256": spec.sha256,
        "methods": [method for method in spec.methods if method in RUNNABLE],
        "settings": spec.settings.to_mapping(),
        "available": not missing,
    }
    if missing:
        refusal = PipelineUnavailable.of("file", checkpoint=spec.id, file=missing[0])
        row["reason"] = {"en": refusal.text("en"), "ru": refusal.text("ru")}
    return row
