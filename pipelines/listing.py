"""What can be chosen, as JSON-able lists for the page, the endpoints and the command lines."""

from __future__ import annotations

from typing import Any

from .catalogue import METHOD_ROLES, CheckpointSpec
from .inference import RUNNABLE
from .prompt_sets import prompt_sets
from .registry import PipelineRegistry


def list_models(registry: PipelineRegistry) -> list[dict[str, Any]]:
    """The checkpoints in the catalogue's order.

    Returns:
        For each: ``id``, ``label`` {en, ru}, ``kind``, ``base``, ``licence``, ``languages``, ``sha256``,
        ``methods`` that can run now, ``settings``, ``available``, and ``reason`` {en, ru} where it is not;
        ``source`` (``bundled``, ``hub`` or ``local``), ``megabytes`` still to download (0 when it is here)
        and ``memory_mib`` of the hub's networks.
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
    usable = [
        method
        for method in spec.methods
        if method in RUNNABLE and not spec.missing_files(METHOD_ROLES[method])
    ]
    row = {
        "id": spec.id,
        "label": dict(spec.label),
        "kind": spec.kind,
        "base": spec.base,
        "licence": spec.licence,
        "languages": list(spec.languages),
        "sha256": spec.sha256,
        "methods": usable,
        "settings": spec.settings.to_mapping(),
        "available": bool(usable),
        "source": spec.source,
        "megabytes": sum(file.megabytes for file in spec.missing_from_hub()),
        "memory_mib": sum(part.memory_mib for part in spec.parts.values()),
    }
    refusal = spec.refusal()
    if not usable and refusal is not None:
        row["reason"] = {"en": refusal.text("en"), "ru": refusal.text("ru")}
    return row
