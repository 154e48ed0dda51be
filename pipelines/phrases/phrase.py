"""Words in both languages of the users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ru"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that exist in both languages: a sentence, or a part of one such as a place in a file."""

    en: str
    ru: str

    def text(self, language: Language) -> str:
        """The words in one language."""
        return self.ru if language == "ru" else self.en

    def __str__(self) -> str:
        return self.en
