"""Label spaces: which words compete for a pixel, and which labels each word stands for.

A pixel has names at several levels ("plaster wall", "wall"). A training picture is read in ONE space, whose
concepts exclude each other; words of other spaces are neither positives nor negatives for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiny_vlm.facades import CLASSES, IGNORE

DAMAGE = CLASSES[CLASSES.index("crack") :]
PARTS = CLASSES[: CLASSES.index("crack")]
WALLS = tuple(name for name in PARTS if name.endswith(" wall"))
BERN_LABELS = (
    "unlabelled",
    "facade",
    "window",
    "balcony or fence",
    "shop",
    "vegetation",
    "street",
    "vehicle",
    "fence",
    "traffic equipment",
    "other equipment",
)


def is_damage(concept: str) -> bool:
    """Whether a concept is a kind of damage, or damage of any kind."""
    return concept == "damage" or concept in DAMAGE


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """Concepts that compete for a pixel.

    Attributes:
        concepts: keys of ``vocabulary.PHRASES``.
        columns: for each label value 0..255 the index of its concept, or ``IGNORE``. Shape ``(256,)``, uint8.
    """

    concepts: tuple[str, ...]
    columns: NDArray[np.uint8]


def label_space(labels: tuple[str, ...], concept_of: Mapping[str, str]) -> LabelSpace:
    """Build a space from ``concept_of`` (label name -> concept); labels without a concept are ignored.

    Args:
        labels: label names in the order of their values in a mask.
        concept_of: the concept each label belongs to.
    """
    concepts = tuple(dict.fromkeys(concept_of[name] for name in labels if name in concept_of))
    columns = np.full(256, IGNORE, np.uint8)
    for value, name in enumerate(labels):
        if name in concept_of:
            columns[value] = concepts.index(concept_of[name])
    return LabelSpace(concepts, columns)


def facade_spaces(*, damage: bool) -> dict[str, LabelSpace]:
    """Spaces for masks of ``facades.CLASSES``.

    Args:
        damage: teach damage words. Without them damaged pixels count as wall, or as nothing where the wall's
            material is asked for.

    Returns:
        ``parts`` (every class for itself) and ``general`` (materials and ornament summed into "wall");
        with damage also ``damage`` (one word for all damage against "wall").
    """
    itself = {name: name for name in CLASSES}
    parts = {name: name for name in PARTS}
    merged = parts | dict.fromkeys((*WALLS, "ornament"), "wall") | {"steps": "ground"}
    spaces = {
        "parts": label_space(CLASSES, itself if damage else parts),
        "general": label_space(CLASSES, merged | dict.fromkeys(DAMAGE, "wall")),
    }
    if damage:
        spaces["damage"] = label_space(CLASSES, merged | dict.fromkeys(DAMAGE, "damage"))
        spaces["wall damage"] = label_space(CLASSES, merged | {name: name for name in DAMAGE})
    return spaces


def all_spaces(*, damage: bool) -> dict[str, LabelSpace]:
    """Every label space of a training, by name: those of ``facade_spaces`` and ``bern``."""
    return {**facade_spaces(damage=damage), "bern": bern_space()}


def bern_space() -> LabelSpace:
    """The space of masks of bern_facades: general words only; unlabelled pixels are ignored."""
    concept_of = {
        "facade": "wall",
        "window": "window",
        "balcony or fence": "balcony",
        "shop": "shop",
        "vegetation": "vegetation",
        "street": "street",
        "vehicle": "vehicle",
        "fence": "railing",
        "traffic equipment": "equipment",
    }
    return label_space(BERN_LABELS, concept_of)
