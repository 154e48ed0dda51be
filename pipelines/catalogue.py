"""The catalogue of checkpoints: what exists, which files it is made of, and what those files must be.

``assets/catalogue.yaml`` holds one row a checkpoint. A row names the parts of the family by role (``clip``,
``patches``, and ``itm`` where it can run PnP-OVSS); a part is a builder of :mod:`pipelines.loading` with its
file or hub name. A checkpoint of a hub differs from a bundled one only in the builder and the options of its
parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from lposs_core import LPOSSConfig
from pnp_ovss import PnPOVSSConfig

from .errors import PipelineUnavailable, SettingsError, UnknownChoice
from .hub import HubFile
from .types import METHODS, CheckpointInfo, Method
from .yaml_files import check_keys, load_mapping, typed

ASSETS: Final = Path(__file__).resolve().parents[1] / "assets"
CATALOGUE_FILE: Final = ASSETS / "catalogue.yaml"
DENSE_ROLES: Final = ("clip", "patches")
ROLES: Final = (*DENSE_ROLES, "itm")
METHOD_ROLES: Final[Mapping[Method, tuple[str, ...]]] = {
    "maskclip": DENSE_ROLES,
    "lposs": DENSE_ROLES,
    "lposs_plus": DENSE_ROLES,
    "pnp_ovss": ("itm",),
}
KINDS: Final = ("stock", "finetuned")
HUB_FILE: Final = {"repo": "", "name": "", "revision": "main", "sha256": ""}


@dataclass(frozen=True, slots=True)
class PartSpec:
    """One network of a checkpoint.

    Attributes:
        role: ``clip`` (dual encoder), ``patches`` (the role of DINO) or ``itm`` (image-text matching).
        builder: key of :data:`pipelines.loading.BUILDERS`.
        file: weights on this machine; None while the hub's are not.
        sha256: digest that the file must have; empty while a hub's file has never been here.
        options: further strings for the builder, such as the name of an architecture.
        memory_mib: what it takes in ``fp32``; 0 asks the file's size.
        hub: files that come from a hub: the weights first, unless ``file`` has them, then the tokenizer's.
        shares: id of the checkpoint that it was fine-tuned from, and how many first blocks are equal.
        branches: block counts behind which other checkpoints go on from its tokens.
    """

    role: str
    builder: str
    file: Path | None
    sha256: str
    options: Mapping[str, str] = field(default_factory=dict)
    memory_mib: int = 0
    hub: tuple[HubFile, ...] = ()
    shares: tuple[str, int] | None = None
    branches: tuple[int, ...] = ()

    @property
    def file_digests(self) -> tuple[str, ...]:
        """SHA-256 of each of its files; empty ones while they are unknown."""
        from_hub = tuple(file.sha256 for file in self.hub)
        return from_hub if self.sha256 in from_hub else (self.sha256, *from_hub)

    @property
    def digest(self) -> str:
        """What decides this part's weights: equal digests mean that it can be shared."""
        words = [
            self.builder,
            self.sha256,
            *(f"{file.repo}/{file.revision}/{file.name}={file.sha256}" for file in self.hub),
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
        settings: hyper-parameters of the dense methods that suit it.
        pnp_settings: hyper-parameters of PnP-OVSS that suit it.
        origin: ``local`` for a row that was added on this machine; empty otherwise.
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
    pnp_settings: PnPOVSSConfig = field(default_factory=PnPOVSSConfig)
    origin: str = ""

    @property
    def sha256(self) -> str:
        """Digest shown beside results; see :func:`combined_digest`. Empty while a file is not here."""
        digests = [digest for part in self.parts.values() for digest in part.file_digests]
        return combined_digest(digests) if all(digests) else ""

    @property
    def source(self) -> str:
        """``bundled``, ``hub``, or ``local`` for a row that was added on this machine."""
        return self.origin or ("hub" if any(part.hub for part in self.parts.values()) else "bundled")

    @property
    def info(self) -> CheckpointInfo:
        """What a result says about its checkpoint."""
        return CheckpointInfo(
            self.id, self.sha256, self.label, self.kind, self.base, self.licence, self.languages
        )

    def missing_files(self, roles: Collection[str] = ROLES) -> tuple[str, ...]:
        """Names of the files of these parts that are not on this machine."""
        parts = [part for role, part in self.parts.items() if role in roles]
        local = (part.file.name for part in parts if part.file is not None and not part.file.is_file())
        return (*local, *(file.name for part in parts for file in part.hub if file.path is None))

    def missing_from_hub(self) -> tuple[HubFile, ...]:
        """The hub's files that are not on this machine, each once."""
        files = (file for part in self.parts.values() for file in part.hub)
        return tuple(dict.fromkeys(file for file in files if file.path is None))

    def refusal(self, roles: Collection[str] = ROLES) -> PipelineUnavailable | None:
        """Why these parts cannot be used now; None when their files are here."""
        missing = self.missing_files(roles)
        wanted = self.missing_from_hub()
        if not missing:
            return None
        if missing[0] in (file.name for file in wanted):
            megabytes = sum(file.megabytes for file in wanted)
            return PipelineUnavailable.of("download", checkpoint=self.id, megabytes=megabytes)
        return PipelineUnavailable.of("file", checkpoint=self.id, file=missing[0])


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
    return with_branches(specs)


def with_branches(specs: Catalogue) -> Catalogue:
    """Rows that know behind which of their blocks other checkpoints go on."""
    branches: dict[tuple[str, str], set[int]] = {}
    for spec in specs.values():
        for role, part in spec.parts.items():
            for owner in (spec.id, part.shares[0]) if part.shares else ():
                branches.setdefault((owner, role), set()).add(part.shares[1] if part.shares else 0)
    if not branches:
        return specs
    return {
        spec.id: replace(
            spec,
            parts={
                role: replace(part, branches=tuple(sorted(branches.get((spec.id, role), ()))))
                for role, part in spec.parts.items()
            },
        )
        for spec in specs.values()
    }


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
    check_keys(where, row, required, ("settings", "pnp_settings"))
    parts = typed(where, row, "parts", dict)
    methods = _read_methods(where, row)
    needed = dict.fromkeys(role for method in methods for role in METHOD_ROLES[method])
    check_keys(f"{where}, parts", parts, needed, ROLES)
    return CheckpointSpec(
        id=typed(where, row, "id", str),
        label=_read_label(where, row),
        kind=_one_of(where, "kind", typed(where, row, "kind", str), KINDS),
        base=typed(where, row, "base", str),
        licence=typed(where, row, "licence", str),
        languages=tuple(map(str, typed(where, row, "languages", list))),
        methods=methods,
        parts={
            role: _read_part(f"{where}, part {role!r}", role, parts[role], path.parent)
            for role in ROLES
            if role in parts
        },
        settings=read_settings(where, LPOSSConfig, typed(where, row, "settings", dict, {})),
        pnp_settings=read_settings(where, PnPOVSSConfig, typed(where, row, "pnp_settings", dict, {})),
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
    needed = ("builder", "hub") if "file" not in part and "hub" in part else ("builder", "sha256")
    check_keys(where, part, needed, ("sha256", "hub", "shares", "file", "options", "memory_mib"))
    file = typed(where, part, "file", str, "")
    options = typed(where, part, "options", dict, {})
    return PartSpec(
        role=role,
        builder=typed(where, part, "builder", str),
        file=folder / file if file else None,
        sha256=typed(where, part, "sha256", str, ""),
        options={str(key): str(value) for key, value in options.items()},
        memory_mib=typed(where, part, "memory_mib", int, 0),
        hub=tuple(_read_hub_file(where, item) for item in typed(where, part, "hub", list, [])),
        shares=_read_shares(where, part),
    )


def _read_hub_file(where: str, item: Any) -> HubFile:
    place = f"{where}, hub"
    if not isinstance(item, dict):
        found = type(item).__name__
        raise SettingsError.of("schema", name=place, setting="a file", expected="a mapping", found=found)
    check_keys(place, item, ("repo", "name"), ("revision", "sha256", "megabytes"))
    repo, name, revision, sha256 = (typed(place, item, key, str, own) for key, own in HUB_FILE.items())
    try:
        return HubFile(repo, name, revision, sha256, typed(place, item, "megabytes", int, 0))
    except ValueError as error:
        raise SettingsError.of("out_of_range", name=place, problem=str(error)) from error


def _read_shares(where: str, part: Mapping[str, Any]) -> tuple[str, int] | None:
    shares = typed(where, part, "shares", dict, {})
    if not shares:
        return None
    check_keys(f"{where}, shares", shares, ("checkpoint", "blocks"), ())
    return typed(where, shares, "checkpoint", str), typed(where, shares, "blocks", int)


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
