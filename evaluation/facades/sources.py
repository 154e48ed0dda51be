"""Which labelled pictures a command line means: a data set's folder, or folders of tiles."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.yaml_files import load_mapping

from .dataset import DatasetError, FacadeSample, read_split
from .splits import split_by_source
from .tile_root import read_tiles

DEFAULT_ROOT: Final = Path("data/facade_damage")
ROOT_VARIABLE: Final = "FACADE_DATA_ROOT"


@dataclass(frozen=True, slots=True)
class TileSources:
    """Folders of tiles for each side.

    Attributes:
        train: folders to train on.
        val: folders to validate on; without any, photographs are set aside from ``train``.
        val_ratio: part of the tiles of ``train`` that is set aside.
        aliases: further class names -> names of the taxonomy.
        seed: of the choice.
    """

    train: tuple[Path, ...] = ()
    val: tuple[Path, ...] = ()
    val_ratio: float = 0.1
    aliases: Mapping[str, str] | None = None
    seed: int = 42


def find_samples(
    root: Path | None, tiles: TileSources, splits: Sequence[str]
) -> dict[str, list[FacadeSample]]:
    """Samples of every split asked for.

    Args:
        root: folder of a data set; None takes the variable ``FACADE_DATA_ROOT``, then ``data/facade_damage``.
        tiles: folders of tiles, in place of ``root``.
        splits: names; what stands twice is taken once.

    Raises:
        DatasetError: both or none are there, a split is empty, or a file is malformed.
    """
    wanted = tuple(dict.fromkeys(splits))
    if not tiles.train and not tiles.val:
        folder = data_root(root)
        return {split: read_split(folder, split) for split in wanted}
    if root is not None:
        raise DatasetError("Name --dataset-root or folders of tiles (--tiles-train, --tiles-val), not both.")
    found = _deal_tiles(tiles)
    for split in wanted:
        if not found.get(split):
            raise DatasetError(f"The tiles hold no split {split!r}. Name folders with --tiles-{split}.")
    return {split: found[split] for split in wanted}


def data_root(given: Path | None) -> Path:
    """The folder of a data set: the one given, that of ``FACADE_DATA_ROOT``, or ``data/facade_damage``."""
    return given or Path(os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT)


def parse_aliases(text: str) -> dict[str, str]:
    """Aliases of class names: ``NAME=CLASS,NAME=CLASS``, or a YAML or JSON file that maps names to classes.

    Raises:
        DatasetError: a piece lacks its ``=``.
        SettingsError: the file is no mapping.
    """
    if text.endswith((".json", ".yaml", ".yml")):
        return {str(name): str(target) for name, target in load_mapping(Path(text)).items()}
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    for piece in pieces:
        if "=" not in piece:
            raise DatasetError(f"The alias {piece!r} has no '='. Write NAME=CLASS,NAME=CLASS.")
    pairs = (piece.partition("=") for piece in pieces)
    return {name.strip(): target.strip() for name, _, target in pairs}


def _deal_tiles(tiles: TileSources) -> dict[str, list[FacadeSample]]:
    train, val = _read_all(tiles.train, tiles.aliases), _read_all(tiles.val, tiles.aliases)
    if train and not val:
        return split_by_source(train, {"train": 1 - tiles.val_ratio, "val": tiles.val_ratio}, tiles.seed)
    return {"train": train, "val": val}


def _read_all(roots: Sequence[Path], aliases: Mapping[str, str] | None) -> list[FacadeSample]:
    return [sample for root in roots for sample in read_tiles(root, aliases)]
