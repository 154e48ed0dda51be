"""The catalogue of checkpoints: what exists, which files it is made of, and what those files must be.

``assets/catalogue.yaml`` holds one row a checkpoint. A row names the parts of the family by role (``clip``,
``patches``); a part is a builder of :mod:`pipelines.loading` with its file or hub name. A checkpoint of a hub
differs from a bundled one only in the builder and the options of its parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lposs_core import LPOSSConfig

from .errors import SettingsError, UnknownChoice
from .types import METHODS, CheckpointInfo, Method
from .yaml_files import check_keys, load_mapping, typed

ASSETS: Final = Path(__file__).resolve().parents[1] / "assets"
CATALOGUE_FILE: Final = ASSETS / "catalogue.yaml"
ROLES: Final = ("clip", "patches")
KINDS: Final = ("stock", "finetuned")


@dataclass(frozen=True, slots=True)
class PartSpec:
    """One network of a checkpoint.

    Attributes:
        role: ``clip`` (dual encoder) or ``patches`` (the role of DINO).
        builder: key of :data:`pipelines.loading.BUILDERS`.
        file: weights on this machine; None when the builder fetches them.
        sha256: digest that the file must have.
        options: further strings for the builder, such as a hub's model name and pretrained tag.
        memory_mib: what it takes in ``fp32``; 0 asks the file's size.
    """

    role: str
    builder: str
    file: Path | None
    sha256: str
    options: Mapping[str, str] = field(default_factory=dict)
    memory_mib: int = 0

    @property
    def digest(self) -> str:
        """What decides this part's weights: equal digests mean that it can be shared."""
        words = [
            self.builder,
            self.sha256,
            *(f"{key}={value}" for key, value in sorted(self.options.items())),
        ]
        return hashlib.sha256("\n".join(words).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CheckpointSpec:
    """One row of the catalogue.

    Attributes:
        id: stable id; what requests name.
        label: visible name by language.
        kind: ``stock`` or ``finetuned``.
        base: what it was trained from.
        licence: SPDX name.
        languages: languages that its text tower knows.
        methods: methods that it can run.
        parts: its networks by role.
        settings: hyper-parameters that suit it.
    """

    id: str
    label: Mapping[str, str]
    kind: str
    base: str
    licence: str
    languages: tuple[str, ...]
    methods: tuple[Method, ...]
    parts: Mapping[str, PartSpec]
    settings: LPOSSConfig

    @property
    def sha256(self) -> str:
        """Digest shown beside results; see :func:`combined_digest`."""
        return combined_digest(part.sha256 for part in self.parts.values())

    @property
    def info(self) -> CheckpointInfo:
        """What a result says about its checkpoint."""
        return CheckpointInfo(
            self.id, self.sha256, self.label, self.kind, self.base, self.licence, self.languages
        )

    def missing_files(self) -> tuple[str, ...]:
        """Names of its files that are not on this machine."""
        files = (part.file for part in self.parts.values())
        return tuple(file.name for file in files if file is not None and not file.is_file())


Catalogue = Mapping[str, CheckpointSpec]


def combined_digest(digests: Iterable[str]) -> str:
    """SHA-256 of a checkpoint: its file's own, or of its files' digests, sorted and written in a row."""
    ordered = sorted(digests)
    return ordered[0] if len(ordered) == 1 else hashlib.sha256("".join(ordered).encode()).hexdigest()


def load_catalogue(path: Path = CATALOGUE_FILE) -> Catalogue:
    """Read the catalogue.

    Args:
        path: YAML file; its parts' files are relative to its folder.

    Returns:
        Rows by id, in the file's order.

    Raises:
        SettingsError: an unknown or missing key (named), a value of the wrong type, an id given twice.
    """
    content = load_mapping(path)
    check_keys(path.name, content, ("checkpoints",), ())
    rows = [_read_row(path, row) for row in typed(path.name, content, "checkpoints", list)]
    specs = {row.id: row for row in rows}
    if len(specs) < len(rows) or not rows:
        found = ", ".join(row.id for row in rows) or "none"
        raise SettingsError.of(
            "schema", name=path.name, setting="'checkpoints'", expected="rows with distinct ids", found=found
        )
    return specs


def find_checkpoint(catalogue: Catalogue, identifier: str) -> CheckpointSpec:
    """The row with this id.

    Raises:
        UnknownChoice: there is none; the known ids are named.
    """
    if identifier not in catalogue:
        raise UnknownChoice.of("checkpoint", seen=repr(identifier)[:60], known=", ".join(catalogue))
    return catalogue[identifier]


def _read_row(path: Path, row: Any) -> CheckpointSpec:
    if not isinstance(row, dict):
        found = type(row).__name__
        raise SettingsError.of(
            "schema", name=path.name, setting="a checkpoint", expected="a mapping", found=found
        )
    where = f"{path.name}, checkpoint {row.get('id')!r}"
    required = ("id", "label", "kind", "base", "licence", "languages", "methods", "parts")
    check_keys(where, row, required, ("settings",))
    parts = typed(where, row, "parts", dict)
    check_keys(f"{where}, parts", parts, ROLES, ())
    return CheckpointSpec(
        id=typed(where, row, "id", str),
        label=_read_label(where, row),
        kind=_one_of(where, "kind", typed(where, row, "kind", str), KINDS),
        base=typed(where, row, "base", str),
        licence=typed(where, row, "licence", str),
        languages=tuple(map(str, typed(where, row, "languages", list))),
        methods=_read_methods(where, row),
        parts={role: _read_part(f"{where}, part {role!r}", role, parts[role], path.parent) for role in ROLES},
        settings=read_settings(where, LPOSSConfig, typed(where, row, "settings", dict, {})),
    )


def _read_label(where: str, row: Mapping[str, Any]) -> dict[str, str]:
    label = typed(where, row, "label", dict)
    check_keys(f"{where}, label", label, ("en", "ru"), ())
    return {language: str(text) for language, text in label.items()}


def _read_methods(where: str, row: Mapping[str, Any]) -> tuple[Method, ...]:
    named = [_one_of(where, "methods", str(name), METHODS) for name in typed(where, row, "methods", list)]
    return tuple(method for method in METHODS if method in named)


def _read_part(where: str, role: str, part: Any, folder: Path) -> PartSpec:
    if not isinstance(part, dict):
        raise SettingsError.of(
            "schema", name=where, setting="it", expected="a mapping", found=type(part).__name__
        )
    check_keys(where, part, ("builder", "sha256"), ("file", "options", "memory_mib"))
    file = typed(where, part, "file", str, "")
    options = typed(where, part, "options", dict, {})
    return PartSpec(
        role=role,
        builder=typed(where, part, "builder", str),
        file=folder / file if file else None,
        sha256=typed(where, part, "sha256", str),
        options={str(key): str(value) for key, value in options.items()},
        memory_mib=typed(where, part, "memory_mib", int, 0),
    )


def _one_of(where: str, key: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        expected = f"one of {', '.join(known)}"
        raise SettingsError.of("schema", name=where, setting=repr(key), expected=expected, found=repr(value))
    return value


def read_settings(where: str, kind: Any, settings: Mapping[str, Any]) -> Any:
    """Build a method's settings from a mapping through its ``from_mapping``.

    Raises:
        SettingsError: an unknown key (the nearest is named) or a value out of range.
    """
    try:
        return kind.from_mapping(settings)
    except (TypeError, ValueError) as error:
        raise SettingsError.of("out_of_range", name=where, problem=str(error).rstrip(".")) from error
