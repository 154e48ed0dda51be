"""Phrases for what a facade shows, in six languages, and the sentences they are put into.

A *concept* is a class of ``facades.CLASSES`` or a general word above several (``GENERAL_CONCEPTS``).
Each has phrases in every language of ``LANGUAGES`` (``phrases.yaml``); English and Russian have the most,
with inflected forms.
"""

import random
from collections.abc import Container, Sequence
from functools import cache
from pathlib import Path

import yaml

LANGUAGES = ("en", "ru", "de", "fr", "es", "zh")
LANGUAGE_SHARES = (0.38, 0.38, 0.06, 0.06, 0.06, 0.06)  # how often training draws a phrase of each language
GENERAL_CONCEPTS = ("wall", "shop", "street", "equipment", "damage")

SENTENCES = (
    "{}.",
    "a {}.",
    "the {}.",
    "there is a {}.",
    "a {} on a facade.",
    "a {} of a building.",
    "a street view with a {}.",
    "фото: {}.",
    "фотография: {}.",
    "на фото {}.",
    "на фасаде {}.",
    "это {}.",
    "здесь {}.",
    "foto: {}.",
    "ein foto von {}.",
    "une photo de {}.",
    "una foto de {}.",
    "一张{}的照片。",
)


@cache
def phrases() -> dict[str, dict[str, tuple[str, ...]]]:
    """Read ``phrases.yaml``: concept -> language -> phrases, the plainest first; not to be changed."""
    lines = yaml.safe_load((Path(__file__).parent / "phrases.yaml").read_text(encoding="utf-8"))
    return {
        concept: {language: tuple(words) for language, words in languages.items()}
        for concept, languages in lines.items()
    }


def draw_phrase(concept: str, rng: random.Random) -> str:
    """Draw one phrase for ``concept`` in a language drawn by ``LANGUAGE_SHARES``."""
    return rng.choice(phrases()[concept][draw_language(rng)])


def draw_language(rng: random.Random, languages: Container[str] = LANGUAGES) -> str:
    """Draw one of ``languages`` by ``LANGUAGE_SHARES``."""
    shares = [
        share if language in languages else 0
        for language, share in zip(LANGUAGES, LANGUAGE_SHARES, strict=True)
    ]
    return rng.choices(LANGUAGES, shares)[0]


def fill_sentence(phrase: str, sentences: Sequence[str], rng: random.Random) -> str:
    """Put ``phrase`` into one of ``sentences`` (each with one ``{}``); half of the calls leave it alone."""
    return rng.choice(sentences).format(phrase) if rng.random() < 0.5 else phrase


def training_corpus() -> list[str]:
    """List every phrase and every sentence frame once: what the tokenizer's merges are learnt from."""
    words = [phrase for languages in phrases().values() for line in languages.values() for phrase in line]
    return words + [sentence.format("") for sentence in SENTENCES]
