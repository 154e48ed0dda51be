"""Labelled facade photographs on disk, in both published folder layouts.

Layout A: ``ROOT/images/{train,val,test}/**`` with ``ROOT/masks/{train,val,test}/**``
Layout B: ``ROOT/{train,val,test}/images/**`` with ``ROOT/{train,val,test}/masks/**``

A picture and its mask have one name up to the suffix. A mask is an 8-bit gray or palette PNG whose values are
indices of the taxonomy; 255 marks pixels that are not looked at.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines import ImageError, load_taxonomy, read_image

from .photographs import DatasetError as DatasetError
from .photographs import Picture as Picture
from .photographs import read_photograph

SPLITS: Final = ("train", "val", "test")
IGNORED: Final = 255
PICTURES: Final = (".png", ".jpg", ".jpeg")
LOSSY: Final = (".jpg", ".jpeg")
TILE_ENDING: Final = re.compile(r"(?:[_-](?:x|y|r|c|row|col)_?\d+){2}$", re.IGNORECASE)
SHOWN: Final = 5  # names in a sentence

Mask = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FacadeSample:
    """One labelled picture.

    Attributes:
        name: distinct within its split: its path below the images' folder, without the suffix.
        image: picture file.
        mask: file with the labels.
        group: the photograph it was cut from; for whole photographs its own name.
        labels: value of the mask file -> index of the taxonomy; empty where they are the same.
    """

    name: str
    image: Path
    mask: Path
    group: str
    labels: Mapping[int, int] = field(default_factory=dict)


def read_split(root: str | os.PathLike[str], split: str) -> list[FacadeSample]:
    """List the samples of one split, by name.

    Args:
        root: folder of the data set, in layout A or B.
        split: ``train``, ``val`` or ``test``.

    Raises:
        DatasetError: there is no such split, it is empty, a picture lacks its mask or a mask its picture, or
            two files claim one name.
    """
    if split not in SPLITS:
        raise DatasetError(f"There is no split {split!r}. Choose one of {', '.join(SPLITS)}.")
    return pair_files(*_find_folders(Path(root), split))


def read_sample(sample: FacadeSample, *, large: bool = False) -> tuple[Picture, Mask]:
    """Read a picture and its labels.

    Args:
        sample: the files.
        large: whether the picture may be larger than what the page accepts (16 megapixels), up to 89.

    Returns:
        Upright picture ``(H, W, 3)`` uint8 RGB, and taxonomy indices ``(H, W)`` uint8; 255 is not looked at.

    Raises:
        DatasetError: a file cannot be read, sizes differ, or the mask holds values that are no class.
    """
    image = read_photograph(sample.image) if large else _read_picture(sample.image)
    mask = read_mask(sample.mask)
    if mask.shape != image.shape[:2]:
        raise DatasetError(
            f"{sample.mask} has {mask.shape[1]} x {mask.shape[0]} pixels, but its picture {sample.image.name}"
            f" {image.shape[1]} x {image.shape[0]}. Make the mask again from this picture."
        )
    return image, _translate(mask, sample)


def _read_picture(path: Path) -> Picture:
    try:
        return read_image(path)
    except ImageError as error:
        raise DatasetError(f"{path}: {error}") from error


def read_mask(path: Path) -> Mask:
    """Read a mask file as it is, ``(H, W)`` uint8.

    Raises:
        DatasetError: it is no 8-bit gray or palette PNG.
    """
    if path.suffix.lower() in LOSSY:
        raise DatasetError(f"{path} is a JPEG, which alters class numbers. Save the mask as PNG.")
    try:
        with Image.open(path, formats=("PNG",)) as file:
            if file.mode not in ("L", "P"):
                raise DatasetError(
                    f"{path} is a PNG of mode {file.mode}; a mask holds class numbers in mode L (gray) or P"
                    " (palette). Convert colours to class numbers first."
                )
            return np.array(file, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path} cannot be read as a PNG mask ({error}). Make it again.") from error


def source_of(stem: str) -> str:
    """Name of the photograph that a tile was cut from: without an ending such as ``_y0512_x1024``."""
    return TILE_ENDING.sub("", stem)


def pair_files(images: Path, masks: Path) -> list[FacadeSample]:
    """Pair the pictures and masks of two folders: by path below the folder, otherwise by bare name.

    Raises:
        DatasetError: see :func:`read_split`.
    """
    pictures, labels = _index(images), _index(masks)
    if not pictures:
        raise DatasetError(f"{images} holds no pictures. Put PNG or JPEG files there.")
    by_stem: dict[str, list[str]] = defaultdict(list)
    for name in labels:
        by_stem[Path(name).name].append(name)
    partners = {name: name if name in labels else _by_stem(images, name, by_stem) for name in pictures}
    _refuse_leftovers(masks, sorted(labels.keys() - partners.values()))
    return [
        FacadeSample(name, pictures[name], labels[partner], source_of(Path(name).name))
        for name, partner in sorted(partners.items())
    ]


def _find_folders(root: Path, split: str) -> tuple[Path, Path]:
    if not root.is_dir():
        raise DatasetError(f"There is no folder {root}. Name the top folder of the data set.")
    choices = [
        (root / "images" / split, root / "masks" / split),
        (root / split / "images", root / split / "masks"),
    ]
    found = [(images, masks) for images, masks in choices if images.is_dir()]
    if len(found) != 1:
        what = "both" if found else "neither"
        raise DatasetError(
            f"{root} has {what} of images/{split} and {split}/images. Keep one of the two layouts."
        )
    images, masks = found[0]
    if not masks.is_dir():
        raise DatasetError(f"{images} has no masks beside it: there is no folder {masks}.")
    return images, masks


def _index(folder: Path) -> dict[str, Path]:
    """Picture files of a folder and those below it, by path without the suffix."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PICTURES or path.name.startswith(".") or not path.is_file():
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise DatasetError(f"{found[name]} and {path.name} have one name. Rename or remove one of them.")
        found[name] = path
    return found


def _by_stem(images: Path, name: str, by_stem: Mapping[str, Sequence[str]]) -> str:
    matches = by_stem.get(Path(name).name, ())
    if len(matches) == 1:
        return matches[0]
    problem = f"several masks ({_listed(matches)})" if matches else "no mask"
    raise DatasetError(
        f"The picture {images / name} has {problem}. Each needs one mask PNG of the same name."
    )


def _refuse_leftovers(masks: Path, names: Sequence[str]) -> None:
    if names:
        raise DatasetError(
            f"Masks without a picture in {masks}: {_listed(names)}. Add the pictures or remove them."
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _translate(mask: Mask, sample: FacadeSample) -> Mask:
    """File values as taxonomy indices; other values than the known ones are refused."""
    labels = sample.labels or {item.index: item.index for item in load_taxonomy().classes}
    table = np.full(256, -1, dtype=np.int16)
    table[list(labels)] = list(labels.values())
    table[IGNORED] = IGNORED
    wrong = [int(value) for value in np.unique(mask) if table[value] < 0]
    if wrong:
        known = ", ".join(map(str, sorted(labels)))
        raise DatasetError(
            f"{sample.mask} holds the values {wrong}; classes are {known}, and {IGNORED} is ignored."
        )
    return np.asarray(table[mask], dtype=np.uint8)
