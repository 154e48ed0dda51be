"""What a fine-tuned checkpoint says about itself: ``card.json`` and, for people, ``model_card.md``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .deltas import Delta, rows
from .loop import Job, Progress
from .trainable import find_layers
from .validation import KEY_FIGURES

PART_WORDS = {
    "head": "the projection of patches into the text space (a 1 x 1 convolution)",
    "lora": "low-rank changes of linear layers, added to the weights",
    "blocks": "the last blocks and the norm behind them",
}


def build_card(
    job: Job,
    progress: Progress,
    test: Mapping[str, Any],
    layers: Sequence[Delta],
    parameters: Sequence[Delta],
    file: Mapping[str, Any],
) -> dict[str, Any]:
    """Gather all facts of a fine-tuning, ready for JSON.

    Args:
        job: what was done.
        progress: how it went.
        test: figures of ``base`` and ``finetuned`` on the test split; empty without one.
        layers: how far each layer moved.
        parameters: how far each parameter moved.
        file: ``name``, ``sha256`` and ``bytes`` of the weights.
    """
    best = progress.best_row
    spec, settings = job.base.spec, job.settings
    changed = [delta for delta in parameters if delta.changed]
    return {
        "base": {
            "id": spec.id,
            "sha256": job.base.part.sha256,
            "licence": spec.licence,
            "trained": spec.base,
        },
        "file": dict(file),
        "data": {
            "sha256": job.data.digest,
            "pictures": {split: len(samples) for split, samples in job.data.splits.items()},
            "photographs": {
                split: len({sample.group for sample in samples}) for split, samples in job.data.splits.items()
            },
        },
        "prompts": {item.name: list(item.texts) for item in job.labels.prompts.classes},
        "settings": settings.to_mapping(),
        "blocks": len(find_layers(job.base.network.model).blocks),
        "trained_values": sum(delta.values for delta in changed),
        "changed_parameters": [delta.name for delta in changed],
        "layers": rows(layers),
        "best_step": best["step"],
        "seconds": round(progress.seconds, 1),
        "processes": job.processes,
        "metrics": {
            "val": {"base": progress.history[0]["val"], "finetuned": best["val"]},
            "test": dict(test),
        },
        "history": progress.history,
    }


def write_cards(folder: Path, card: Mapping[str, Any]) -> None:
    """Write ``card.json`` and ``model_card.md``."""
    text = json.dumps(card, ensure_ascii=False, indent=2)
    (folder / "card.json").write_text(text + "\n", encoding="utf-8")
    (folder / "model_card.md").write_text(render_card(card), encoding="utf-8")


def render_card(card: Mapping[str, Any]) -> str:
    """The model card as Markdown."""
    base, settings, data = card["base"], card["settings"], card["data"]
    trained = "; ".join(PART_WORDS[name] for name in settings["tune"])
    counts = ", ".join(f"{split} {count}" for split, count in data["pictures"].items())
    parts = [
        f"# {base['id']}, fine-tuned on facades",
        f"Made by `python -m evaluation.finetune_facade`. Base: `{base['id']}` ({base['trained']}), licence "
        f"{base['licence']}, SHA-256 of its dual encoder `{base['sha256']}`.",
        f"Weights: `{card['file']['name']}`, SHA-256 `{card['file']['sha256']}`.",
        f"## What was trained\n\n{trained[0].upper()}{trained[1:]}: {card['trained_values']:,} numbers "
        "moved; every other number is that of the base, bit for bit. The text tower was frozen and no text "
        "vector is stored, so prompts act on this checkpoint as on its base.",
        _layer_table(card["layers"]),
        f"## Data\n\nPictures: {counts}. SHA-256 of pictures, masks and names: `{data['sha256']}`.",
        f"## Results\n\nMaskCLIP, best of the validations (update {card['best_step']} of "
        f"{settings['steps']}).\n\n{_metric_table(card['metrics'])}{_verdict(card['metrics']['val'])}",
        _class_table(card["metrics"]),
        "## Settings\n\n" + "\n".join(f"- {key}: {value}" for key, value in settings.items()),
        "## Limits\n\nTrained on the pictures above alone: elsewhere it may do worse than its base, and "
        "words far from the training prompts may have drifted. Scores of whole pictures (CLIP's own use) "
        "were not looked at. A visual aid, not an expert opinion.",
    ]
    return "\n\n".join(parts) + "\n"


def _verdict(val: Mapping[str, Mapping[str, Any]]) -> str:
    before, after = val["base"]["mIoU"], val["finetuned"]["mIoU"]
    if before is not None and after is not None and after <= before:
        return "\n\n**It does not beat its base on the validation pictures.**"
    return ""


def _layer_table(layers: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| layer | numbers | moved | length of the change | relative |", "|---|---|---|---|---|"]
    for row in layers:
        if row["changed"]:
            relative = "" if row["relative"] is None else f"{row['relative']:.2%}"
            lines.append(
                f"| {row['name']} | {row['values']:,} | {row['changed']:,} | {row['norm']:.4g} | {relative} |"
            )
    return "\n".join(lines)


def _columns(metrics: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (f"{split} {model}", found) for split, models in metrics.items() for model, found in models.items()
    ]


def _metric_table(metrics: Mapping[str, Any]) -> str:
    columns = _columns(metrics)
    lines = [f"| | {' | '.join(name for name, _ in columns)} |", f"|---|{'---|' * len(columns)}"]
    for key in KEY_FIGURES:
        lines.append(f"| {key} | {' | '.join(_number(found[key]) for _, found in columns)} |")
    return "\n".join(lines)


def _class_table(metrics: Mapping[str, Any]) -> str:
    columns = _columns(metrics)
    lines = [f"| IoU | {' | '.join(name for name, _ in columns)} |", f"|---|{'---|' * len(columns)}"]
    for key in columns[0][1]["iou"]:
        lines.append(f"| {key} | {' | '.join(_number(found['iou'][key]) for _, found in columns)} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
