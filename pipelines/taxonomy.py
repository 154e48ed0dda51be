"""The classes of facade damage: numbers, colours, words and meanings, from ``assets/taxonomy.yaml``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .catalogue import ASSETS
from .errors import SettingsError, UnknownChoice
from .prompts import shown
from .yaml_files import check_keys, load_mapping, typed

TAXONOMY_FILE: Final = ASSETS / "taxonomy.yaml"
LANGUAGES: Final = ("en", "ru", "de", "fr", "es", "zh")


@dataclass(frozen=True, slots=True)
class FacadeClass:
    """One class of the taxonomy.

    Attributes:
        index: value of its pixels in a mask.
        name: its name in data sets, such as ``WATER_STAIN``.
        colour: ``#rrggbb``.
        title: visible name by language: en, ru, de, fr, es, zh.
        terms: trade terms by language, the usual one first; they serve as prompts.
        meaning: one sentence for readers, in en and ru.
    """

    index: int
    name: str
    colour: str
    title: Mapping[str, str]
    terms: Mapping[str, tuple[str, ...]]
    meaning: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All classes, and which of them belong together.

    Attributes:
        classes: in the order of their indices, from 0.
        damage: indices that count as damage.
        damage_plus: the same with water stains.
        groups: indices by the name of a group.
        aliases: other names in lower case -> class name.
        ignore_index: value of mask pixels that are not looked at.
    """

    classes: tuple[FacadeClass, ...]
    damage: tuple[int, ...]
    damage_plus: tuple[int, ...]
    groups: Mapping[str, tuple[int, ...]]
    aliases: Mapping[str, str]
    ignore_index: int

    @property
    def names(self) -> tuple[str, ...]:
        """Class names by index."""
        return tuple(item.name for item in self.classes)

    def find(self, name: str) -> FacadeClass:
        """The class with this name or alias; case, spaces, hyphens and underscores do not matter.

        Raises:
            UnknownChoice: there is none; the known names are listed.
        """
        plain = _plain(name)
        target = _plain(self.aliases.get(plain, plain))
        for item in self.classes:
            if _plain(item.name) == target:
                return item
        raise UnknownChoice.of("class", seen=shown(name), known=", ".join(self.names))


@functools.lru_cache(maxsize=4)
def load_taxonomy(path: Path = TAXONOMY_FILE) -> Taxonomy:
    """Read the taxonomy.

    Raises:
        SettingsError: a key is unknown or missing, indices are not 0, 1, 2, ..., a group or an alias names a
            class that does not exist.
    """
    content = load_mapping(path)
    check_keys(
        path.name, content, ("ignore_index", "damage", "damage_plus", "classes", "groups", "aliases"), ()
    )
    classes = tuple(_read_class(path.name, row) for row in typed(path.name, content, "classes", list))
    if [item.index for item in classes] != list(range(len(classes))):
        found = [item.index for item in classes]
        raise _wrong(path.name, "'classes'", "rows with the indices 0, 1, 2, ...", found)
    names = {item.name for item in classes}
    aliases = typed(path.name, content, "aliases", dict)
    for alias, name in aliases.items():
        if name not in names or alias != _plain(str(alias)):
            raise _wrong(path.name, f"alias {alias!r}", "a name in lower case and its class", name)
    groups = typed(path.name, content, "groups", dict)
    return Taxonomy(
        classes,
        _read_indices(path.name, "damage", content["damage"], len(classes)),
        _read_indices(path.name, "damage_plus", content["damage_plus"], len(classes)),
        {name: _read_indices(path.name, name, group, len(classes)) for name, group in groups.items()},
        aliases,
        typed(path.name, content, "ignore_index", int),
    )


def _read_class(file: str, row: Any) -> FacadeClass:
    if not isinstance(row, dict):
        raise _wrong(file, "a class", "a mapping", type(row).__name__)
    where = f"{file}, class {row.get('name')!r}"
    check_keys(where, row, ("index", "name", "colour", "title", "terms", "meaning"), ())
    title, terms, meaning = (typed(where, row, key, dict) for key in ("title", "terms", "meaning"))
    check_keys(f"{where}, title", title, LANGUAGES, ())
    check_keys(f"{where}, terms", terms, LANGUAGES, ())
    check_keys(f"{where}, meaning", meaning, ("en", "ru"), ())
    return FacadeClass(
        index=typed(where, row, "index", int),
        name=typed(where, row, "name", str),
        colour=typed(where, row, "colour", str),
        title=title,
        terms={language: tuple(words) for language, words in terms.items()},
        meaning=meaning,
    )


def _read_indices(file: str, name: str, indices: Any, count: int) -> tuple[int, ...]:
    if not isinstance(indices, list) or any(index not in range(count) for index in indices):
        raise _wrong(file, repr(name), f"a list of indices from 0 to {count - 1}", indices)
    return tuple(indices)


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


def _wrong(file: str, setting: str, expected: str, found: object) -> SettingsError:
    return SettingsError.of("schema", name=file, setting=setting, expected=expected, found=found)
