"""How well an encoder segments labelled pictures, by the very method that serves requests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.facades import FacadeSample, read_sample
from evaluation.metrics import ConfusionMatrix
from lposs_core import LPOSS, LPOSSConfig, TextAlignedEncoder, label_map, template_set
from pipelines import load_taxonomy

from .data import IGNORED
from .prompts import TaxonomyPrompts

KEY_FIGURES = ("mIoU", "macroF1", "damageIoU", "damagePlusIoU", "damageMIoU", "damageDetectionRecall")


def count_confusions(
    encoder: TextAlignedEncoder,
    samples: Sequence[FacadeSample],
    labels: TaxonomyPrompts,
    config: LPOSSConfig,
    templates: str,
) -> ConfusionMatrix:
    """Segment pictures with MaskCLIP and count against their masks, in taxonomy indices.

    Pixels of classes that are not searched for are left out.

    Args:
        encoder: compares patches with texts.
        samples: pictures with masks.
        labels: what is searched for.
        config: size and windows of the working picture.
        templates: name of the template set.
    """
    taxonomy = load_taxonomy()
    matrix = ConfusionMatrix(len(taxonomy.classes), damage=taxonomy.damage, damage_plus=taxonomy.damage_plus)
    segmenter = LPOSS(encoder, encoder, config, templates=template_set(templates))
    table = np.array(labels.indices, dtype=np.uint8)
    searched = np.isin(np.arange(256), labels.indices)
    for sample in samples:
        image, mask = read_sample(sample)
        scores = segmenter.segment(image, labels.prompts.texts, method="maskclip")
        truth = np.where(searched[mask], mask, IGNORED)
        matrix.update(table[label_map(scores, *mask.shape)], truth)
    return matrix


def figures(matrix: ConfusionMatrix) -> dict[str, Any]:
    """Key figures, IoU of each class and pixel counts, ready for JSON; what does not exist is None."""
    names = load_taxonomy().names
    found = matrix.compute()
    return {
        **{key: finite(found[key]) for key in KEY_FIGURES},
        "iou": {name: finite(value) for name, value in zip(names, found["iou"], strict=True)},
        "pixels": dict(zip(names, matrix.counts.sum(1).tolist(), strict=True)),
    }


def finite(value: float) -> float | None:
    """The number for JSON, None for NaN."""
    return None if math.isnan(value) else float(value)


def main_figure(found: Mapping[str, Any]) -> float:
    """What the best checkpoint is chosen by: mIoU over the classes with a union, or -1 without any."""
    value = found["mIoU"]
    return -1.0 if value is None else float(value)
