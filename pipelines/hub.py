"""Files of a model hub on this machine: where they lie and what they must be.

A file lies in the store's own folder, where :mod:`pipelines.download` puts it with a record of its SHA-256,
or in the cache that ``huggingface_hub`` keeps, where its blob is named by its digest.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from lposs_core import file_sha256

REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+")
FILE_NAME: Final = re.compile(r"[\w-][\w.-]*")
SHA256: Final = re.compile(r"[0-9a-f]{64}")
OFFLINE_VARIABLES: Final = ("FACADE_LENS_OFFLINE", "HF_HUB_OFFLINE")


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a hub's repository.

    Attributes:
        repo: ``owner/name``.
        name: of the file, at the top of the repository.
        revision: branch, tag or commit.
        sha256: digest it must have; empty until the first download has recorded it.
        megabytes: what a download takes, for the page (10^6 bytes).
        path: where it lies on this machine; None when it does not.
    """

    repo: str
    name: str
    revision: str = "main"
    sha256: str = ""
    megabytes: int = 0
    path: Path | None = None

    def __post_init__(self) -> None:
        """Refuse names that could leave the store's folder.

        Raises:
            ValueError: ``repo`` is not ``owner/name``, or ``name`` or ``revision`` is a path.
        """
        names = (self.name, self.revision)
        if not REPOSITORY.fullmatch(self.repo) or any(not FILE_NAME.fullmatch(name) for name in names):
            raise ValueError(
                f"a hub file needs a repository owner/name and plain names, got {self.repo}, "
                f"{self.revision}, {self.name}"
            )


@dataclass(frozen=True, slots=True)
class Record:
    """What was found out at a file's first download and is checked from then on.

    Attributes:
        url: where it came from.
        commit: the repository's state, where the hub told it.
        bytes: length of the file.
        sha256: of the file.
    """

    url: str
    commit: str
    bytes: int
    sha256: str


class HubStore:
    """The folder of downloaded files.

    Args:
        root: folder; made when it is needed.
        shared_cache: cache of ``huggingface_hub`` to look into as well; None looks at the store alone.
    """

    def __init__(self, root: Path, shared_cache: Path | None = None) -> None:
        self.root = root
        self.shared_cache = shared_cache

    def place(self, file: HubFile) -> Path:
        """Where the store keeps a file, whether it is there or not."""
        return self.root / file.repo.replace("/", "--") / file.revision / file.name

    def locate(self, file: HubFile) -> HubFile:
        """The file with its path and digest, where it is on this machine; otherwise unchanged."""
        own = self.place(file)
        if own.is_file():
            record = self.record(file)
            return replace(file, path=own, sha256=file.sha256 or (record.sha256 if record else _digest(own)))
        shared = self._shared(file)
        if shared is None:
            return file
        return replace(file, path=shared, sha256=file.sha256 or _blob_digest(shared))

    def record(self, file: HubFile) -> Record | None:
        """What was recorded at the file's first download; None when there was none."""
        try:
            return Record(**json.loads(_record_path(self.place(file)).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write_record(self, file: HubFile, record: Record) -> None:
        """Keep a record beside the file's place; a reader sees the old one or the new one whole."""
        path = _record_path(self.place(file))
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
        draft.replace(path)

    def _shared(self, file: HubFile) -> Path | None:
        if self.shared_cache is None or not self.shared_cache.is_dir():
            return None
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(
            file.repo, file.name, cache_dir=self.shared_cache, revision=file.revision
        )
        return Path(found) if isinstance(found, str) else None


def default_store() -> HubStore:
    """The store of this machine: ``FACADE_LENS_CACHE``, otherwise a folder of the user's cache."""
    chosen = os.environ.get("FACADE_LENS_CACHE")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    shared = (
        os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or cache / "huggingface") / "hub"
    )
    return HubStore(Path(chosen).expanduser() if chosen else cache / "facade-lens", Path(shared))


def is_offline() -> bool:
    """Whether downloads are switched off by ``FACADE_LENS_OFFLINE`` or ``HF_HUB_OFFLINE``."""
    values = (os.environ.get(name, "").strip().lower() for name in OFFLINE_VARIABLES)
    return any(value in ("1", "true", "yes", "on") for value in values)


def _record_path(place: Path) -> Path:
    return place.with_name(place.name + ".record")


def _blob_digest(path: Path) -> str:
    """SHA-256 of a file of the shared cache, whose large blobs are named by it."""
    name = path.resolve().name
    return name if SHA256.fullmatch(name) else _digest(path)


def _digest(path: Path) -> str:
    """SHA-256 of a file, computed again when its size or time has changed."""
    found = path.stat()
    return _digest_at(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest_at(path: Path, size: int, changed: int) -> str:
    return file_sha256(path)
