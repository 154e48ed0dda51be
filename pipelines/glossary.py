"""Words of facade surveys in English, for text towers that read English alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from .catalogue import ASSETS
from .english import is_latin
from .yaml_files import check_keys, load_mapping, typed

GLOSSARY_FILE: Final = ASSETS / "glossary.yaml"
LANGUAGES: Final = ("ru", "de", "fr", "es", "zh")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTION_WORDS: Final = _words(
    """
    am an auf aus der die das dem den des im in mit und vom von zum zur a à au aux avec d dans de
    du en et l la le les sur un une al con del el las los por una y
    """
)
"""Articles and prepositions of German, French and Spanish, left out between known terms."""

ENGLISH_TOO: Final = _words(
    """
    arc arcade arcades arches auto autos bank bas beige bond borne boutique brown busses clair
    coin coins console consoles das defect die dick dom du fin fine flake fond fries glas grand
    grande gross hall hell in jalousie kind lamp lang large larges lichen lichens link links
    loggias long longs lot main marches marquise mast mince neon no nuance oblique on or oriel
    orifice ornate pan parapets passages patio patios person petite photos plane planes plaque
    plate plates portal portals pose post profile reliefs rose roses rot rust sale sales sans
    scene sec socle sole sombre spur statue statues store sure surfaces tag tags terrace ton tor
    traces vent verve villa volet voile zone zones
    """
)
"""Words of other languages in the glossary that an English text may mean otherwise."""

TOKEN: Final = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Glossary:
    """Terms of several languages with their English word.

    Attributes:
        terms: folded words of a term -> English.
        english: words that occur in the English terms.
    """

    terms: Mapping[Tokens, str]
    english: frozenset[str]

    def to_english(self, text: str) -> str | None:
        """Replace the longest known terms, from the left.

        In scripts other than Latin, words that are not known are left out: an English tower would read their
        letters one by one. A text in Latin letters is replaced only as a whole, since it may be English.

        Returns:
            The English text; None where there is nothing to replace.
        """
        tokens = _tokens(text)
        pieces = list(self._pieces(tokens))
        known = [english for _, english in pieces if english]
        if not known or self._is_english(tokens):
            return None
        if is_latin(text):
            rest = [token for token, english in pieces if not english]
            return " ".join(known) if FUNCTION_WORDS.issuperset(rest) else None
        return " ".join(english or token for token, english in pieces if english or is_latin(token))

    def _is_english(self, tokens: Sequence[str]) -> bool:
        return all(token in self.english or token in ENGLISH_TOO for token in tokens)

    def _pieces(self, tokens: Tokens) -> Iterator[tuple[str, str]]:
        """Each term with its English, and each token between them with an empty one."""
        longest = max(map(len, self.terms), default=0)
        place = 0
        while place < len(tokens):
            ends = range(min(place + longest, len(tokens)), place, -1)
            end = next((end for end in ends if tokens[place:end] in self.terms), 0)
            found = tokens[place : end or place + 1]
            yield " ".join(found), self.terms.get(found, "")
            place = end or place + 1


@cache
def load_glossary(path: Path = GLOSSARY_FILE) -> Glossary:
    """Read the glossary; a term that stands twice keeps its first English word.

    Raises:
        SettingsError: the file is not what it should be.
    """
    content = load_mapping(path)
    check_keys(path.name, content, ("entries",), ())
    terms: dict[Tokens, str] = {}
    english: set[str] = set()
    for entry in typed(path.name, content, "entries", list):
        check_keys(path.name, entry, ("en",), LANGUAGES)
        english.update(_tokens(entry["en"]))
        for language in LANGUAGES:
            for term in entry.get(language, ()):
                terms.setdefault(_tokens(term), entry["en"])
    return Glossary(terms, frozenset(english))


def to_english(text: str) -> str | None:
    """A text in English by the built-in glossary; None where there is nothing to replace."""
    return load_glossary().to_english(text)


def keep(text: str) -> str | None:
    """The glossary switched off: nothing is replaced."""
    return None


def _tokens(text: str) -> Tokens:
    """Words in small letters; a Chinese character is a token of its own."""
    folded = unicodedata.normalize("NFC", text).casefold().replace("ё", "е")
    return tuple(TOKEN.findall(folded))
