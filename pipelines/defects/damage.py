"""Which classes are damage, and where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from ..taxonomy import FacadeClass, Taxonomy, load_taxonomy
from ..types import NO_CLASS, ClassResult, ScoreMaps


def match_class(item: ClassResult) -> FacadeClass | None:
    """The class of the taxonomy that a prompted class names.

    Its name is tried first, then its texts: whole against titles, terms and aliases in all languages, then
    by the longest of those that stands in it as a whole phrase, then by Russian words in another case or
    number.

    Returns:
        None where nothing fits.
    """
    taxonomy = load_taxonomy()
    known, stems = _vocabulary(taxonomy), _stems(taxonomy)
    texts = [plain(text) for text in (item.name, *item.prompts)]
    for find in (known.get, partial(_phrase_inside, known), partial(_stem_inside, stems)):
        for text in texts:
            if (found := find(text)) is not None:
                return found
    return None


def _phrase_inside(known: Mapping[str, FacadeClass], text: str) -> FacadeClass | None:
    inside = [phrase for phrase in known if f" {phrase} " in f" {text} "]
    return known[max(inside, key=len)] if inside else None


def _stem_inside(stems: Mapping[str, FacadeClass], text: str) -> FacadeClass | None:
    hits = (item for word in text.split() for stem, item in stems.items() if word.startswith(stem))
    return next(hits, None)


def damage_classes(classes: Sequence[ClassResult]) -> tuple[str, ...]:
    """Names of those classes that mean damage; water stains count."""
    damage = load_taxonomy().damage_plus
    matched = ((item.name, match_class(item)) for item in classes)
    return tuple(name for name, found in matched if found is not None and found.index in damage)


def damage_map(
    maps: ScoreMaps, damage: Sequence[int], threshold: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Where the picture is damaged, and by what.

    A pixel is damaged where the probabilities of all damage classes together reach the threshold; it then
    takes the most probable damage class. Probabilities are enlarged bilinearly.

    Args:
        maps: scores of a result.
        damage: indices of the damage classes, at least one.
        threshold: least summed probability.

    Returns:
        Label map with ``NO_CLASS`` where nothing is damaged, ``(H, W)`` uint8 of the image's size; and the
        summed probability, ``(H, W)`` float32.
    """
    height, width = maps.image_size
    planes = maps.probabilities()[list(damage)]
    total = np.zeros((height, width), np.float32)
    best = np.full((height, width), -1, np.float32)
    labels = np.zeros((height, width), np.uint8)
    for index, plane in zip(damage, planes, strict=True):
        wide = cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)
        total += wide
        labels[wide > best] = index
        np.maximum(best, wide, out=best)
    labels[total < threshold] = NO_CLASS
    return labels, total


def plain(text: str) -> str:
    """Lower case, words apart by one space."""
    return " ".join(text.lower().replace("_", " ").replace("-", " ").replace("ё", "е").split())


def _vocabulary(taxonomy: Taxonomy) -> dict[str, FacadeClass]:
    found = {plain(alias): taxonomy.find(alias) for alias in taxonomy.aliases}
    for item in taxonomy.classes:
        found |= {plain(word): item for word in _words(item)}
    return found


def _stems(taxonomy: Taxonomy) -> dict[str, FacadeClass]:
    """Beginnings of Russian damage words: the word without the vowel it ends in."""
    found: dict[str, FacadeClass] = {}
    for index in taxonomy.damage_plus:
        item = taxonomy.classes[index]
        heads = [item.title["ru"].split()[0], *(term for term in item.terms["ru"] if " " not in term)]
        found |= {plain(word).rstrip("аеиоуыюяй"): item for word in heads}
    return found


def _words(item: FacadeClass) -> Iterator[str]:
    yield item.name
    yield from item.title.values()
    for terms in item.terms.values():
        yield from terms
