"""Results of an explanation as the browser draws them: pictures by URL, figures and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from attribution import Curve
from pipelines import (
    EXPLANATION_KINDS,
    ExplanationResult,
    InferenceResult,
    PipelineRegistry,
)
from pipelines.explained_render import display_maps

from .files import file_data, write_unique
from .images import Picture
from .text import LANGUAGES
from .viewer import write_label_map

PAIR: Final = ("tiny-stock", "tiny-finetuned")


def paired_checkpoints(registry: PipelineRegistry, own: str) -> list[str]:
    """The stock and the fine-tuned checkpoint, stock first; where there is no such pair, the one alone.

    Args:
        registry: whose checkpoints.
        own: the one that is chosen on the page.
    """
    known = [checkpoint for checkpoint in PAIR if checkpoint in registry.catalogue]
    return known if own in known and len(known) == len(PAIR) else [own]


def base_card(picture: Picture, result: InferenceResult) -> dict[str, Any]:
    """The segmentation that is asked about.

    Args:
        picture: the photo.
        result: its segmentation.
    """
    return {
        "image": file_data(picture.jpeg),
        "label_map": file_data(write_label_map(result.label_map)),
        "image_size": list(result.image_size),
        "classes": result.report()["classes"],
        "spots": result.method != "pnp_ovss",
        "checkpoint": result.checkpoint.id,
        "title": _title(result.checkpoint.label, result.checkpoint.id),
    }


def map_cards(results: Sequence[ExplanationResult]) -> list[dict[str, Any]]:
    """Maps of one kind on one scale, each with its figures.

    Args:
        results: of one kind, at least one.
    """
    maps, scale = display_maps(results)
    return [
        _map_card(result, scale.gray(heat), [scale.low, scale.high])
        for result, heat in zip(results, maps, strict=True)
    ]


def _map_card(result: ExplanationResult, gray: np.ndarray[Any, Any], scale: list[float]) -> dict[str, Any]:
    report, finding = result.report(), result.finding
    heat = write_label_map(gray)
    raw = write_unique(f"{result.kind}-raw", ".npz", result.save)
    trust = finding.faithfulness
    return {
        "kind": result.kind,
        "map": report["map"],
        "heat": file_data(heat),
        "raw": file_data(raw),
        "scale": scale,
        "signed": EXPLANATION_KINDS[result.kind].scale == "symmetric",
        "checkpoint": finding.checkpoint.id,
        "title": _title(finding.checkpoint.label, finding.checkpoint.id),
        "explained": report["explained"],
        "doubts": report["doubts"],
        "completeness": report.get("completeness"),
        "faithfulness": report.get("faithfulness"),
        "deletion": trust and _points(trust.deletion),
        "insertion": trust and _points(trust.insertion),
        "random": [_points(curve) for curve in trust.random] if trust else [],
        "randomised": report.get("randomised"),
        "notes": {code: [note.text(code) for note in finding.notes] for code in LANGUAGES},
        "seconds": report["seconds"]["total"],
    }


def _points(curve: Curve) -> list[list[float]]:
    return [[x, y] for x, y in zip(curve.fractions, curve.scores, strict=True)]


def _title(label: Any, name: str) -> dict[str, str]:
    return {code: label.get(code, name) for code in LANGUAGES}
