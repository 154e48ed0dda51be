"""Folders of tiles: ``images/``, ``masks/`` and a ``manifest.json`` that names the classes."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipelines import Taxonomy, UnknownChoice, load_taxonomy

from .dataset import IGNORED, DatasetError, FacadeSample, pair_files

MANIFEST: Final = "manifest.json"


def read_tiles(root: str | os.PathLike[str], aliases: Mapping[str, str] | None = None) -> list[FacadeSample]:
    """List the tiles of a folder, with their classes brought to those of the taxonomy by name.

    Args:
        root: folder with ``images/``, ``masks/`` and ``manifest.json``: ``{"classes": [{"index": 1, "name":
            "CRACK"}, ...]}``. 0 is always the background. ``{"tiles": [{"file": ..., "source": ...}]}`` tells
            which photograph a tile was cut from; without it the tile's name does.
        aliases: further class names -> names of the taxonomy.

    Raises:
        DatasetError: a folder or the manifest is missing or malformed, or a class is unknown.
    """
    folder = Path(root)
    manifest = read_manifest(folder / MANIFEST)
    labels = _read_labels(folder / MANIFEST, manifest, aliases or {})
    sources = _read_sources(folder / MANIFEST, manifest)
    for name in ("images", "masks"):
        if not (folder / name).is_dir():
            raise DatasetError(
                f"{folder} has no folder {name}. A folder of tiles holds images, masks, {MANIFEST}."
            )
    return [
        dataclasses.replace(sample, labels=labels, group=sources.get(sample.name, sample.group))
        for sample in pair_files(folder / "images", folder / "masks")
    ]


def class_rows() -> list[dict[str, Any]]:
    """The taxonomy's classes as a manifest lists them: all but the background."""
    return [{"index": item.index, "name": item.name} for item in load_taxonomy().classes if item.index]


def read_manifest(path: Path) -> dict[str, Any]:
    """Parse a manifest.

    Raises:
        DatasetError: it is missing, no JSON or no object.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"{path} cannot be opened ({error.strerror}). Tiles need a manifest.") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is no valid JSON ({error}).") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path} must hold an object, got {type(content).__name__}.")
    return content


def _read_labels(path: Path, manifest: Mapping[str, Any], aliases: Mapping[str, str]) -> dict[int, int]:
    rows = manifest.get("classes")
    if not isinstance(rows, list):
        raise DatasetError(f"{path} needs 'classes': a list of {{index, name}}, got {type(rows).__name__}.")
    labels = {0: 0}
    for row in rows:
        index, name = _read_row(path, row)
        if index in labels:
            raise DatasetError(f"{path} gives the class index {index} twice.")
        labels[index] = _find(path, name, aliases, load_taxonomy())
    return labels


def _read_row(path: Path, row: Any) -> tuple[int, str]:
    index = row.get("index") if isinstance(row, dict) else None
    name = row.get("name") if isinstance(row, dict) else None
    if type(index) is not int or not 0 < index < IGNORED or not isinstance(name, str):
        raise DatasetError(f"{path} holds the class {row!r}; it needs an index from 1 to 254 and a name.")
    return index, name


def _find(path: Path, name: str, aliases: Mapping[str, str], taxonomy: Taxonomy) -> int:
    try:
        return taxonomy.find(aliases.get(name, name)).index
    except UnknownChoice as error:
        raise DatasetError(
            f"{path}: {error} Give it an alias: --tiles-class-aliases {name!r}=CLASS."
        ) from error


def _read_sources(path: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    rows = manifest.get("tiles", [])
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("file"), str) and isinstance(row.get("source"), str)
        for row in rows
    ):
        raise DatasetError(f"{path} holds 'tiles' that are no list of {{file, source}}.")
    return {Path(row["file"]).with_suffix("").as_posix(): row["source"] for row in rows}
