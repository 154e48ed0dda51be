"""Prompts in a language that a checkpoint's text tower reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from .catalogue import CheckpointSpec
from .english import is_latin
from .glossary import to_english
from .prompts import shown
from .types import ClassPrompt, Note, PromptSet

T = TypeVar("T")
ENGLISH_ONLY: Final = ("en",)


@dataclass(frozen=True, slots=True)
class TowerTexts:
    """What is encoded in place of the texts of a request.

    Attributes:
        english: text as written -> text that is encoded, for each text that the glossary changed.
        notes: what was changed, and what an English tower cannot read.
    """

    english: Mapping[str, str]
    notes: tuple[Note, ...] = ()

    def prompts(self, prompts: PromptSet) -> PromptSet:
        """The classes under their own names, with the texts that are encoded."""
        return PromptSet(tuple(ClassPrompt(item.name, self.texts(item.texts)) for item in prompts.classes))

    def texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """The texts that are encoded, each once."""
        return tuple(dict.fromkeys(self.english.get(text, text) for text in texts))

    def as_written(self, values: Mapping[str, T]) -> dict[str, T]:
        """Values of encoded texts, by the texts as they were written."""
        return dict(values) | {text: values[word] for text, word in self.english.items() if word in values}


def tower_texts(
    spec: CheckpointSpec, prompts: PromptSet, background: Sequence[str] = (), *, glossary: bool = True
) -> TowerTexts:
    """Bring the texts of a request into English where the tower reads nothing else.

    A multilingual tower gets every text as it was written.

    Args:
        spec: whose text tower.
        prompts: classes of the request.
        background: texts of what is not searched for.
        glossary: whether to translate; without it an English tower gets the texts as they are, with a note.
    """
    if spec.languages != ENGLISH_ONLY:
        return TowerTexts({})
    texts = list(dict.fromkeys([text for group in (*prompts.texts, background) for text in group]))
    known = _translated(texts, to_english) if glossary else {}
    lost = [text for text in texts if not is_latin(known.get(text, text))]
    return TowerTexts(known, tuple(_notes(spec.id, known, lost)))


def _translated(texts: Sequence[str], translate: Callable[[str], str | None]) -> dict[str, str]:
    words = {text: translate(text) for text in texts}
    return {text: word for text, word in words.items() if word is not None and word != text}


def _notes(checkpoint: str, known: Mapping[str, str], lost: Sequence[str]) -> list[Note]:
    notes = []
    if known:
        pairs = "; ".join(f"{text} → {word}" for text, word in known.items())
        notes.append(Note("note.glossary", {"checkpoint": checkpoint, "pairs": pairs}))
    if lost:
        texts = ", ".join(map(shown, lost))
        notes.append(Note("note.foreign", {"checkpoint": checkpoint, "texts": texts}))
    return notes
