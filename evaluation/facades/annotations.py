"""COCO files as annotation tools export them (Label Studio's brush and polygons) as masks of the taxonomy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipelines import UnknownChoice, load_taxonomy

from .dataset import PICTURES, DatasetError, Mask
from .photographs import upright_size
from .shapes import read_shape

UPLOAD_PREFIX: Final = re.compile(r"^[0-9a-fA-F]{8,}-")
"""What Label Studio puts before the name of an uploaded file."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One painted shape.

    Attributes:
        id: as in the file.
        label: index of the taxonomy.
        segmentation: polygons or run lengths.
    """

    id: Any
    label: int
    segmentation: Any


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """One picture of the file.

    Attributes:
        file: the picture on disk.
        height: in pixels.
        width: in pixels.
        annotations: in the order of the file; later ones cover earlier ones.
    """

    file: Path
    height: int
    width: int
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True, slots=True)
class CocoFile:
    """A parsed COCO file, held to what is used of it."""

    path: Path
    content: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path) -> CocoFile:
        """Read the file.

        Raises:
            DatasetError: it is missing, no JSON, or lacks one of COCO's three lists.
        """
        try:
            content = json.loads(path.read_bytes())
        except OSError as error:
            raise DatasetError(f"{path} cannot be opened ({error.strerror}).") from error
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{path} is no valid JSON ({error}).") from error
        for key in ("images", "annotations", "categories"):
            rows = content.get(key) if isinstance(content, dict) else None
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise DatasetError(f"{path} is no COCO file: it lacks the list {key!r}.")
        return cls(path, content)

    def labels(self, aliases: Mapping[str, str]) -> dict[Any, int]:
        """Taxonomy index by category id.

        Raises:
            DatasetError: categories that the taxonomy does not know; all are named.
        """
        found, unknown = {}, []
        for row in self.content["categories"]:
            name = str(row.get("name"))
            try:
                found[row.get("id")] = load_taxonomy().find(aliases.get(name, name)).index
            except UnknownChoice:
                unknown.append(name)
        if unknown:
            raise DatasetError(
                f"{self.path}: unknown categories {', '.join(map(repr, unknown))}. The classes are"
                f" {', '.join(load_taxonomy().names)}; --class-aliases NAME=CLASS gives one another name."
            )
        return found

    def images(self, folder: Path, aliases: Mapping[str, str]) -> Iterator[AnnotatedImage]:
        """Pictures with their shapes, in the order of the file.

        Args:
            folder: where the pictures lie.
            aliases: further category names -> names of the taxonomy.

        Raises:
            DatasetError: a picture is not there or has another size, an annotation refers to nothing.
        """
        labels = self.labels(aliases)
        shapes = self._shapes(labels)
        for row in self.content["images"]:
            file = find_picture(folder, str(row.get("file_name")))
            height, width = upright_size(file)
            if (row.get("height", height), row.get("width", width)) != (height, width):
                raise DatasetError(
                    f"{file} has {width} x {height} pixels, but {self.path.name} was made for"
                    f" {row.get('width')} x {row.get('height')}. Use the very pictures that were annotated."
                )
            yield AnnotatedImage(file, height, width, tuple(shapes[row.get("id")]))

    def _shapes(self, labels: Mapping[Any, int]) -> dict[Any, list[Annotation]]:
        shapes: dict[Any, list[Annotation]] = {row.get("id"): [] for row in self.content["images"]}
        for row in self.content["annotations"]:
            for key, known in (("image_id", shapes), ("category_id", labels)):
                if row.get(key) not in known:
                    raise DatasetError(
                        f"{self.path}: the annotation {row.get('id')} has the {key} {row.get(key)!r},"
                        " which the file does not list."
                    )
            shape = Annotation(row.get("id"), labels[row["category_id"]], row.get("segmentation"))
            shapes[row["image_id"]].append(shape)
        return shapes


def paint_mask(image: AnnotatedImage) -> Mask:
    """Taxonomy indices of every pixel, ``(H, W)`` uint8: background where nothing is painted.

    Raises:
        DatasetError: a shape is malformed; picture and annotation are named.
    """
    mask = np.zeros((image.height, image.width), dtype=np.uint8)
    for item in image.annotations:
        try:
            mask[read_shape(item.segmentation, image.height, image.width)] = item.label
        except ValueError as error:
            raise DatasetError(f"{image.file.name}, annotation {item.id}: {error}.") from error
    return mask


def find_picture(folder: Path, name: str) -> Path:
    """The picture that a COCO file means by a name.

    Tried in turn: the last part of the name, the same without the prefix of an upload, and a single file
    whose name ends with it.

    Raises:
        DatasetError: there is none, or several end with it.
    """
    last = re.split(r"[\\/]", name)[-1]
    bare = UPLOAD_PREFIX.sub("", last)
    for candidate in (last, bare):
        if candidate and (folder / candidate).is_file():
            return folder / candidate
    ending = [path for path in _pictures(folder) if path.name.endswith(bare)] if bare else []
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise DatasetError(f"{folder} has several files for {name!r}: {_names(ending)}. Rename all but one.")
    raise DatasetError(f"{folder} has no file for {name!r} (looked for {last!r} and {bare!r}).")


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES and path.is_file())


def _names(files: Sequence[Path]) -> str:
    return ", ".join(file.name for file in files[:5])
