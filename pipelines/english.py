"""Prompts for a model that reads English only: translated by the glossary, left out, or refused."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .errors import PromptError
from .prompts import shown
from .types import ClassPrompt, Note

Translate = Callable[[str], str | None]
"""A text to English; None where there is nothing to translate, or nothing known."""


@dataclass(frozen=True, slots=True)
class EnglishTexts:
    """The texts of a request in English.

    Attributes:
        classes: texts of each class, at least one each.
        background: texts of what is not searched for.
        notes: what was translated and what was left out.
    """

    classes: tuple[tuple[str, ...], ...]
    background: tuple[str, ...]
    notes: tuple[Note, ...]


def english_texts(
    classes: Sequence[ClassPrompt], background: Sequence[str], translate: Translate
) -> EnglishTexts:
    """Bring every text into English.

    A text that the glossary knows is translated. Of the others, those in Latin letters stay as they are, the
    rest are left out if their class has another text.

    Args:
        classes: the request's classes.
        background: texts of what is not searched for.
        translate: the glossary.

    Raises:
        PromptError: a class, or the background, has no text that can be used; code ``not_english``.
    """
    groups = [
        *((item.name, item.texts) for item in classes),
        *([("background", background)] if background else []),
    ]
    words = {text: _english(text, translate) for _, texts in groups for text in texts}
    found = []
    for name, texts in groups:
        kept = tuple(dict.fromkeys(word for word in (words[text] for text in texts) if word is not None))
        if not kept:
            raise PromptError.of("not_english", seen=shown(texts[0]), name=shown(name))
        found.append(kept)
    rest = found[len(classes)] if background else ()
    return EnglishTexts(tuple(found[: len(classes)]), rest, tuple(_notes(words)))


def is_latin(text: str) -> bool:
    """Whether all letters of a text are Latin ones."""
    return all(unicodedata.name(letter, "").startswith("LATIN") for letter in text if letter.isalpha())


def _english(text: str, translate: Translate) -> str | None:
    return translate(text) or (text if is_latin(text) else None)


def _notes(words: dict[str, str | None]) -> list[Note]:
    pairs = [f"{text} → {word}" for text, word in words.items() if word not in (None, text)]
    lost = [text for text, word in words.items() if word is None]
    translated = [Note("note.translated", {"pairs": ", ".join(pairs)})] if pairs else []
    return translated + ([Note("note.left_out", {"texts": ", ".join(map(shown, lost))})] if lost else [])
