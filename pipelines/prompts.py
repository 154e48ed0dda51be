"""Prompts typed by a user: grammar and limits.

prompts = class ((newline | ";") class)*
class   = NAME                      # the name is the text, too
| NAME "=" text ("," text)*
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .errors import PromptError
from .messages import Phrase
from .types import ClassPrompt, PromptSet

MAX_CLASSES: Final = 64
MAX_TEXTS: Final = 32
MAX_TEXT_LENGTH: Final = 300
MAX_PROMPT_BYTES: Final = 256 * 1024
SHOWN_LENGTH: Final = 40

PASTED_LEFTOVERS: Final = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u2060\ufeff"))
"""Characters without meaning, dropped: soft hyphen, zero-width space, direction marks, word joiner, BOM."""
KEPT_FORMAT_CHARACTERS: Final = "\u200c\u200d"  # Persian and Indic scripts and emoji are written with them
REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs"})
NAME_TO_FULL_WIDTH: Final = str.maketrans("=;", "＝；")
TEXT_TO_FULL_WIDTH: Final = str.maketrans(",;", "，；")


@dataclass(frozen=True, slots=True)
class Entry:
    """A class as it was found, before cleaning.

    Attributes:
        place: where it stands, for sentences.
        name: class name as written.
        texts: its texts as written, blank ones included.
    """

    place: Phrase
    name: str
    texts: tuple[str, ...]


def parse_prompts(text: str) -> PromptSet:
    """Read the text of a prompt box.

    Args:
        text: see the module's grammar. At most 64 classes, 32 texts a class, 300 characters a text.

    Returns:
        Classes in the order written; names and texts in Unicode NFC with single spaces.

    Raises:
        PromptError: the sentence names the line; code ``empty``, ``duplicate``, ``too_long``, ``too_many``,
            ``too_large`` or ``invisible``.
    """
    check_bytes(len(text.encode("utf-8", "surrogatepass")))
    return build_prompt_set(_read_lines(text))


def build_prompt_set(entries: Iterable[Entry]) -> PromptSet:
    """Clean names and texts, and hold them to the limits.

    Raises:
        PromptError: as :func:`parse_prompts`.
    """
    found = list(entries)
    if not found:
        raise PromptError.of("empty")
    if len(found) > MAX_CLASSES:
        raise PromptError.of("too_many.classes", count=len(found), limit=MAX_CLASSES)
    classes = tuple(_build_class(entry) for entry in found)
    _check_distinct(classes, found)
    return PromptSet(classes)


def format_prompts(prompts: PromptSet) -> str:
    """Write a prompt set as the text that :func:`parse_prompts` reads.

    Characters of the grammar inside a name or a text (possible in files) become their full-width forms.
    """
    return "\n".join(_format_class(item) for item in prompts.classes)


def check_bytes(length: int) -> None:
    """Refuse prompts of more than 256 kB.

    Raises:
        PromptError: code ``too_large``.
    """
    if length > MAX_PROMPT_BYTES:
        raise PromptError.of("too_large", kilobytes=-(-length // 1024), limit=MAX_PROMPT_BYTES // 1024)


def shown(text: str) -> str:
    """Quote a user's text for a sentence: one line, shortened, control characters escaped."""
    start = text[: SHOWN_LENGTH + 1]
    clean = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in start[:SHOWN_LENGTH])
    return f"'{clean}'" if len(start) <= SHOWN_LENGTH else f"'{clean}...'"


def _read_lines(text: str) -> Iterator[Entry]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        place = Phrase(f"Line {number} of the prompts", f"Строка {number}")
        for part in line.split(";"):
            if _squeeze(part):
                yield _read_class(part, place)


def _read_class(part: str, place: Phrase) -> Entry:
    name, separator, texts = part.partition("=")
    if not separator:
        return Entry(place, name, (name,))
    if not _squeeze(name):
        raise PromptError.of("empty.name", place=place, seen=shown(part.strip()))
    return Entry(place, name, tuple(texts.split(",")))


def _build_class(entry: Entry) -> ClassPrompt:
    place = entry.place
    name = _clean(entry.name, place)
    if not name:
        raise PromptError.of("empty.name", place=place, seen=shown(entry.name))
    if len(entry.texts) > MAX_TEXTS:
        raise PromptError.of(
            "too_many.texts", place=place, name=shown(name), count=len(entry.texts), limit=MAX_TEXTS
        )
    texts = tuple(text for text in (_clean(raw, place) for raw in entry.texts) if text)
    if not texts:
        raise PromptError.of("empty.texts", place=place, name=shown(name))
    return ClassPrompt(name, texts)


def _squeeze(text: str) -> str:
    return " ".join(text.translate(PASTED_LEFTOVERS).split())


def _clean(text: str, place: Phrase) -> str:
    """Bring a name or text to NFC with single spaces.

    Raises:
        PromptError: it is too long, or holds control or direction characters.
    """
    spaced = _squeeze(text)
    if len(spaced) > MAX_TEXT_LENGTH:
        length = len(spaced)
        raise PromptError.of("too_long", place=place, seen=shown(text), length=length, limit=MAX_TEXT_LENGTH)
    for character in spaced:
        if unicodedata.category(character) in REFUSED_CATEGORIES and character not in KEPT_FORMAT_CHARACTERS:
            code_point = f"{ord(character):04X}"
            raise PromptError.of("invisible", place=place, seen=shown(text), code_point=code_point)
    return unicodedata.normalize("NFC", spaced).strip("\u200c\u200d ")


def _check_distinct(classes: Sequence[ClassPrompt], entries: Sequence[Entry]) -> None:
    """Refuse names that are equal but for case and composition of letters."""
    seen: dict[str, Entry] = {}
    for item, entry in zip(classes, entries, strict=True):
        key = unicodedata.normalize("NFC", item.name.casefold())
        if key in seen:
            first = seen[key].place
            raise PromptError.of("duplicate", place=entry.place, name=shown(item.name), first=first)
        seen[key] = entry


def _format_class(item: ClassPrompt) -> str:
    name = item.name.translate(NAME_TO_FULL_WIDTH)
    if item.texts == (item.name,):
        return name
    return f"{name} = {', '.join(text.translate(TEXT_TO_FULL_WIDTH) for text in item.texts)}"
