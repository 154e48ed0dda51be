"""The built-in prompt sets of ``assets/prompts``.

A file holds ``id``, ``title`` (en, ru), ``languages`` and either ``classes`` (name to list of texts) or
``merge`` (ids of sets with the same classes in the same order, whose texts become synonyms of one class).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .catalogue import ASSETS
from .errors import PromptError, SettingsError, UnknownChoice
from .messages import Phrase
from .prompts import Entry, build_prompt_set, shown
from .types import ClassPrompt, PromptSet
from .yaml_files import check_keys, load_mapping, typed

PROMPT_SET_FOLDER: Final = ASSETS / "prompts"


@dataclass(frozen=True, slots=True)
class NamedPromptSet:
    """A prompt set that can be chosen by its id.

    Attributes:
        id: stable, such as ``facade-damage-ru``.
        title: visible name by language.
        languages: languages of its texts.
        prompts: its classes.
    """

    id: str
    title: Mapping[str, str]
    languages: tuple[str, ...]
    prompts: PromptSet


@functools.lru_cache(maxsize=8)
def prompt_sets(folder: Path = PROMPT_SET_FOLDER) -> tuple[NamedPromptSet, ...]:
    """The built-in prompt sets in the order of their ids.

    Raises:
        SettingsError: a file of the folder is not what it should be.
        PromptError: a class of a file is outside the limits.
    """
    rows = {path: _load_row(path) for path in sorted(folder.glob("*.yaml"))}
    plain = {row["id"]: _read_classes(path, row["classes"]) for path, row in rows.items() if "classes" in row}
    found = (
        NamedPromptSet(
            row["id"], row["title"], tuple(row["languages"]), plain.get(row["id"]) or _merge(path, row, plain)
        )
        for path, row in rows.items()
    )
    return tuple(sorted(found, key=lambda item: item.id))


def find_prompt_set(identifier: str, folder: Path = PROMPT_SET_FOLDER) -> NamedPromptSet:
    """The built-in prompt set with this id.

    Raises:
        UnknownChoice: there is none; the known ids are named.
    """
    known = {item.id: item for item in prompt_sets(folder)}
    if identifier not in known:
        raise UnknownChoice.of("prompt_set", seen=shown(identifier), known=", ".join(known))
    return known[identifier]


def _load_row(path: Path) -> dict[str, Any]:
    row = load_mapping(path)
    check_keys(path.name, row, ("id", "title", "languages"), ("classes", "merge"))
    check_keys(f"{path.name}, title", typed(path.name, row, "title", dict), ("en", "ru"), ())
    typed(path.name, row, "id", str)
    typed(path.name, row, "languages", list)
    if ("classes" in row) == ("merge" in row):
        expected = "there beside 'id', or 'merge' instead of it"
        raise SettingsError.of(
            "schema", name=path.name, setting="'classes'", expected=expected, found=list(row)
        )
    return row


def _read_classes(path: Path, classes: Any) -> PromptSet:
    place = Phrase(path.name, path.name)
    if not isinstance(classes, dict):
        raise PromptError.of("schema.top", place=place, found=type(classes).__name__)
    entries = [Entry(place, str(name), tuple(map(str, texts))) for name, texts in classes.items()]
    return build_prompt_set(entries)


def _merge(path: Path, row: Mapping[str, Any], plain: Mapping[str, PromptSet]) -> PromptSet:
    """Put sets side by side: class for class, the texts of all of them under both names."""
    members = [plain[name] for name in row["merge"] if name in plain]
    if len(members) != len(row["merge"]) or len({len(member) for member in members}) != 1:
        expected = "ids of sets with equally many classes"
        raise SettingsError.of(
            "schema", name=path.name, setting="'merge'", expected=expected, found=row["merge"]
        )
    return PromptSet(tuple(_join(same) for same in zip(*(m.classes for m in members), strict=True)))


def _join(same: Sequence[ClassPrompt]) -> ClassPrompt:
    names = " / ".join(dict.fromkeys(item.name for item in same))
    return ClassPrompt(names, tuple(dict.fromkeys(text for item in same for text in item.texts)))
