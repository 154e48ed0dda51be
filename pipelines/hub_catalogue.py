"""The catalogue with the hub's files of each row located on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from .catalogue import (
    CATALOGUE_FILE,
    Catalogue,
    CheckpointSpec,
    PartSpec,
    load_catalogue,
    with_branches,
)
from .errors import SettingsError
from .hub import HubStore, default_store

LOCAL_NAME: Final = "catalogue.local.yaml"
"""Beside the built-in catalogue: rows of this machine, written by :mod:`pipelines.add_checkpoint`."""

logger = logging.getLogger(__name__)


class LocatedCatalogue(Mapping[str, CheckpointSpec]):
    """A catalogue whose rows say, whenever they are asked for, which of their hub files are here.

    A download therefore makes its row usable at once, and a deleted file makes it unavailable again.

    Args:
        rows: as read from the catalogue's file.
        store: the folder of downloaded files.
    """

    def __init__(self, rows: Catalogue, store: HubStore) -> None:
        self._rows = rows
        self.store = store

    def __getitem__(self, identifier: str) -> CheckpointSpec:
        return locate(self._rows[identifier], self.store)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def build_catalogue(path: Path = CATALOGUE_FILE, *, store: HubStore | None = None) -> LocatedCatalogue:
    """The catalogue of a file, and of the local one beside it where there is one.

    A local catalogue that cannot be read is left out with a warning: it must not take the page down.

    Args:
        path: YAML file.
        store: downloaded files; None takes this machine's.

    Raises:
        SettingsError: the catalogue is not what it should be.
    """
    rows = dict(load_catalogue(path))
    for identifier, spec in _local_rows(path.with_name(LOCAL_NAME)).items():
        rows.setdefault(identifier, spec)
    return LocatedCatalogue(with_branches(rows), store or default_store())


def _local_rows(path: Path) -> Catalogue:
    if not path.is_file():
        return {}
    try:
        rows = load_catalogue(path)
    except SettingsError as error:
        logger.warning("the local catalogue is left out: %s", error)
        return {}
    return {identifier: replace(spec, origin="local") for identifier, spec in rows.items()}


def locate(spec: CheckpointSpec, store: HubStore) -> CheckpointSpec:
    """A row with the paths and digests of those hub files that are on this machine."""
    if not any(part.hub for part in spec.parts.values()):
        return spec
    return replace(spec, parts={role: _locate_part(part, store) for role, part in spec.parts.items()})


def _locate_part(part: PartSpec, store: HubStore) -> PartSpec:
    if not part.hub:
        return part
    hub = tuple(store.locate(file) for file in part.hub)
    if part.file is not None:
        return replace(part, hub=hub)
    return replace(part, hub=hub, file=hub[0].path, sha256=hub[0].sha256)
