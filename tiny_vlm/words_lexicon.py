"""Which concept a word of the dictionaries stands for, if any: by senses of WordNet and by translations."""

import heapq
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from tiny_vlm.dictionary import WordNet, read_articles, read_wordnet, translations
from tiny_vlm.vocabulary import phrases

Shares = NDArray[np.float32]
Pair = tuple[str, str, float]  # headword, translation, weight
Sums = dict[str, dict[str, Shares]]  # language -> word -> meaning

NONE = "none"
RELATED = 4.0  # a sense that a facade can show counts this much more than one that it cannot
LIKELY = 0.4  # share of meanings that a facade can show from which on a word keeps these alone
TRANSLATIONS = 5  # of one article; later ones are idioms
DICTIONARIES = (  # file, language of headwords, language of translations; in the order of use
    ("mueller7", "en", "ru"),
    ("freedict-eng-rus", "en", "ru"),
    ("freedict-deu-eng", "de", "en"),
    ("freedict-fra-eng", "fr", "en"),
    ("freedict-eng-fra", "en", "fr"),
    ("freedict-spa-eng", "es", "en"),
    ("freedict-eng-spa", "en", "es"),
    ("freedict-deu-rus", "de", "ru"),
    ("freedict-fra-rus", "fr", "ru"),
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words and what they stand for.

    Attributes:
        concepts: names of the columns of ``shares``; the last is ``NONE``.
        words: lower-cased; unique within a language.
        languages: language of each word.
        shares: how much of each word's meaning belongs to each concept, ``(words, concepts)``; rows sum to 1.
    """

    concepts: tuple[str, ...]
    words: tuple[str, ...]
    languages: tuple[str, ...]
    shares: Shares


@cache
def concept_senses() -> dict[str, tuple[str, ...]]:
    """Read ``senses.yaml``: concept -> senses of WordNet; not to be changed."""
    lines = yaml.safe_load((Path(__file__).parent / "senses.yaml").read_text(encoding="utf-8"))
    return {concept: tuple(senses) for concept, senses in lines.items()}


def read_lexicon(folder: Path) -> Lexicon:
    """Read WordNet (``folder/wordnet``) and the dictionaries (``folder/dictd``) that are there.

    Returns:
        The lexicon of single words over all concepts of ``phrases.yaml``; without WordNet an empty one.
    """
    concepts = (*phrases(), NONE)
    if not (folder / "wordnet" / "data.noun").is_file():
        _log.warning("no WordNet under %s: the words of phrases.yaml alone are learnt", folder)
        return Lexicon(concepts, (), (), np.zeros((0, len(concepts)), np.float32))
    sums: Sums = {"en": word_shares(read_wordnet(folder / "wordnet"), concept_senses(), concepts)}
    translated: set[str] = set()  # English words that a dictionary thinks worth an entry
    for name, head, other in DICTIONARIES:
        if not (folder / "dictd" / f"{name}.index").is_file():
            _log.warning("no dictionary %s under %s: its words are not learnt", name, folder)
            continue
        pairs = read_pairs(folder / "dictd" / name, cyrillic=other == "ru")
        if other == "en" or head not in sums:
            head, other, pairs = (
                other,
                head,
                [(word, translation, weight) for translation, word, weight in pairs],
            )
        carry_over(pairs, sums[head], sums.setdefault(other, {}))
        translated.update(word for word, _, _ in pairs if head == "en")
    sums["en"] = {word: share for word, share in sums["en"].items() if word in translated}
    return _collect(sums, concepts)


def restrict(lexicon: Lexicon, concepts: Sequence[str]) -> Lexicon:
    """Keep ``concepts`` and ``NONE``, without words mostly for others and those of ``phrases.yaml``.

    Of a word that may well stand for one of ``concepts`` only these meanings are kept: asked of a facade, it
    will be meant so.
    """
    kept = (*concepts, NONE)
    shares = lexicon.shares[:, [lexicon.concepts.index(concept) for concept in kept]]
    taught = {word for languages in phrases().values() for line in languages.values() for word in line}
    rows = [row for row, word in enumerate(lexicon.words) if shares[row].sum() > 0.5 and word not in taught]
    shares = shares[rows]
    shares[shares[:, :-1].sum(1) >= LIKELY, -1] = 0
    return Lexicon(
        kept,
        tuple(lexicon.words[row] for row in rows),
        tuple(lexicon.languages[row] for row in rows),
        shares / shares.sum(1, keepdims=True),
    )


def word_shares(
    wordnet: WordNet, senses: Mapping[str, Sequence[str]], concepts: Sequence[str]
) -> dict[str, Shares]:
    """Weigh the senses of each noun: the n-th counts ``1 / n``, ``RELATED / n`` if it has a concept."""
    concept_of = spread_senses(wordnet, {c: [wordnet.find(s) for s in found] for c, found in senses.items()})
    shares = {}
    for word, offsets in wordnet.senses.items():
        share = np.zeros(len(concepts), np.float32)
        for rank, offset in enumerate(offsets, start=1):
            concept = concept_of.get(offset, NONE)
            share[concepts.index(concept)] += (1.0 if concept == NONE else RELATED) / rank
        shares[word] = share / share.sum()
    return shares


def spread_senses(wordnet: WordNet, roots: Mapping[str, Sequence[int]]) -> dict[int, str]:
    """Give each sense the concept of the nearest root above it, and a part without one that of the whole.

    Args:
        wordnet: the senses.
        roots: offsets of the senses that stand for each concept.

    Returns:
        Concept by offset, of every sense below a root.
    """
    below: dict[int, list[int]] = defaultdict(list)
    for offset, synset in wordnet.synsets.items():
        for parent in synset.parents:
            below[parent].append(offset)
    found: dict[int, str] = {}
    queue = [
        (0, number, offset, concept)
        for number, (concept, offset) in enumerate(
            (concept, offset) for concept, offsets in roots.items() for offset in offsets
        )
    ]
    heapq.heapify(queue)
    while queue:
        distance, number, offset, concept = heapq.heappop(queue)
        if offset in found:
            continue
        found[offset] = concept
        for child in below[offset]:
            heapq.heappush(queue, (distance + 1, number, child, concept))
    for offset, concept in list(found.items()):
        for part in wordnet.synsets[offset].parts:
            found.setdefault(part, concept)
    return found


def read_pairs(stem: Path, *, cyrillic: bool) -> list[Pair]:
    """Read a dictionary as pairs of headword and translation; the n-th translation weighs ``1 / n``."""
    return [
        (head.lower(), word, 1 / rank)
        for head, article in read_articles(stem)
        for rank, word in enumerate(translations(article, cyrillic=cyrillic)[:TRANSLATIONS], start=1)
    ]


def carry_over(pairs: Iterable[Pair], source: Mapping[str, Shares], target: dict[str, Shares]) -> None:
    """Add the meaning of ``source`` words to their translations in ``target``, related meanings more."""
    for word, translation, weight in pairs:
        if (meaning := source.get(word)) is None:
            continue
        share = meaning / meaning.sum()
        strength = weight * (1 + (RELATED - 1) * (1 - share[-1]))
        target[translation] = target.get(translation, 0) + strength * share


def _collect(sums: Sums, concepts: tuple[str, ...]) -> Lexicon:
    words = [(language, word) for language, known in sums.items() for word in known if " " not in word]
    shares = np.stack([sums[language][word] for language, word in words])
    return Lexicon(
        concepts,
        tuple(word for _, word in words),
        tuple(language for language, _ in words),
        shares / shares.sum(1, keepdims=True),
    )
