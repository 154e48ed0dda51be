"""The project's own YAML files (catalogue, presets, prompt sets): read and held to their keys by name."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from .errors import SettingsError
from .messages import Phrase

T = TypeVar("T")


def load_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises:
        SettingsError: it cannot be opened, is no valid YAML or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError.of("missing", name=path.name) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise SettingsError.of("syntax", name=path.name, problem=problem) from error
    if not isinstance(content, dict):
        raise SettingsError.of(
            "schema", name=path.name, setting="the file", expected="a mapping", found=type(content).__name__
        )
    return content


def check_keys(
    where: str, content: Mapping[str, Any], required: Collection[str], optional: Collection[str]
) -> None:
    """Refuse keys that do not exist, and miss those that must.

    Args:
        where: file and row, for the sentence.
        content: the mapping to check.
        required: keys that must be there.
        optional: keys that may be there.

    Raises:
        SettingsError: code ``unknown_key`` with the nearest known key, or ``missing_key``.
    """
    known = [*required, *optional]
    for key in content:
        if key not in known:
            raise SettingsError.of(
                "unknown_key", name=where, setting=repr(key), advice=_advice(str(key), known)
            )
    for key in required:
        if key not in content:
            raise SettingsError.of("missing_key", name=where, setting=repr(key))


def typed(where: str, content: Mapping[str, Any], key: str, kind: type[T], default: T | None = None) -> T:
    """The value of a key, held to its type.

    Raises:
        SettingsError: it is of another type, or absent without a default.
    """
    value = content.get(key, default)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        found = f"{value!r} ({type(value).__name__})"
        raise SettingsError.of("schema", name=where, setting=repr(key), expected=kind.__name__, found=found)
    return value


def _advice(key: str, known: list[str]) -> Phrase:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    if near:
        return Phrase(f"Did you mean {near[0]!r}?", f"Может быть, {near[0]!r}?")
    return Phrase(f"The keys are {', '.join(known)}.", f"Возможные ключи: {', '.join(known)}.")
