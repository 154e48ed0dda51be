"""The test sets that the bundled model is measured on: which labels form a class, and how it is asked for."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from evaluation.unseen_words import IN_DICTIONARIES, NOWHERE, Wordings

Language = Literal["en", "ru"]
Labels = npt.NDArray[np.uint8]

IGNORED = 255


@dataclass(frozen=True, slots=True)
class RowClass:
    """One class of a row: the label names it merges and its text in each language."""

    labels: tuple[str, ...]
    en: str
    ru: str

    def text(self, language: Language) -> str:
        """What the class is searched by."""
        return self.en if language == "en" else self.ru


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the results: a set of labelled pictures and its classes in prompt order.

    Attributes:
        name: of the row.
        source: set of pictures.
        classes: what is asked for.
        wordings: the same classes in other words; where there are any, they are asked in its place and
            their figures averaged.
    """

    name: str
    source: Literal["spb_facades", "bern_facades", "drawn"]
    classes: tuple[RowClass, ...]
    wordings: tuple[Row, ...] = ()

    def texts(self, language: Language) -> tuple[str, ...]:
        """Texts of the classes in order."""
        return tuple(item.text(language) for item in self.classes)


WALLS = (
    "plaster wall",
    "brick wall",
    "stone wall",
    "tiled wall",
    "concrete wall",
    "panel wall",
    "glass wall",
)
DAMAGE_LABELS = (
    "crack",
    "spalling",
    "peeling",
    "water stain",
    "efflorescence",
    "corrosion",
    "graffiti",
    "repair patch",
    "missing element",
)

COARSE6 = Row(
    "coarse6",
    "spb_facades",
    (
        RowClass((*WALLS, "ornament", *DAMAGE_LABELS), "wall", "стена"),
        RowClass(("window",), "window", "окно"),
        RowClass(("door",), "door", "дверь"),
        RowClass(("sign",), "signboard", "вывеска"),
        RowClass(("ground", "steps"), "ground", "тротуар"),
        RowClass(("vehicle",), "car", "автомобиль"),
    ),
)


def reworded(name: str, row: Row, wordings: Wordings) -> Row:
    """The classes of ``row`` asked for in other words, as often as each class has wordings."""
    words = {language: [line.split(", ") for line in lines] for language, lines in wordings.items()}
    rows = [
        Row(
            f"{name}-{number}",
            row.source,
            tuple(map(RowClass, (item.labels for item in row.classes), english, russian)),
        )
        for number, (english, russian) in enumerate(
            zip(zip(*words["en"], strict=True), zip(*words["ru"], strict=True), strict=True), start=1
        )
    ]
    return Row(name, row.source, row.classes, tuple(rows))


UNSEEN6 = reworded("unseen6", COARSE6, IN_DICTIONARIES)
UNSEEN6_NOWHERE = reworded("unseen6-nowhere", COARSE6, NOWHERE)
FINE14 = Row(
    "fine14",
    "spb_facades",
    (
        RowClass(("plaster wall",), "plaster wall", "оштукатуренная стена"),
        RowClass(("brick wall",), "brick wall", "кирпичная стена"),
        RowClass(("stone wall",), "stone wall", "каменная стена"),
        RowClass(("window",), "window", "окно"),
        RowClass(("door",), "door", "дверь"),
        RowClass(("archway",), "archway", "арка"),
        RowClass(("ornament",), "ornament", "лепной декор"),
        RowClass(("sign",), "signboard", "вывеска"),
        RowClass(("pipe",), "drainpipe", "водосточная труба"),
        RowClass(("ground", "steps"), "ground", "тротуар"),
        RowClass(("vehicle",), "car", "автомобиль"),
        RowClass(("person",), "person", "человек"),
        RowClass(("canopy",), "canopy", "козырёк"),
        RowClass(("fixture",), "air conditioner or lamp", "кондиционер или фонарь"),
    ),
)
DAMAGE_CLASSES = (
    RowClass(("crack",), "crack", "трещина"),
    RowClass(("spalling",), "spalling", "скол"),
    RowClass(("peeling",), "peeling paint", "отслоение краски"),
    RowClass(("water stain",), "water stain", "потёки воды"),
    RowClass(("corrosion",), "rust", "ржавчина"),
)
DAMAGE = Row("damage", "spb_facades", FINE14.classes + DAMAGE_CLASSES)
"""Asked with the texts of fine14 and of the damage; scored as damage against wall and ornament."""
SOUND_LABELS = (*WALLS, "ornament")
BERN = Row(
    "bern",
    "bern_facades",
    (
        RowClass(("facade",), "wall", "стена"),
        RowClass(("window",), "window", "окно"),
        RowClass(("vegetation",), "tree", "дерево"),
        RowClass(("vehicle",), "car", "автомобиль"),
        RowClass(("street",), "road", "дорога"),
    ),
)
DRAWN = Row(
    "drawn",
    "drawn",
    tuple(
        RowClass((label,), en, ru)
        for label, en, ru in (
            ("sky", "sky", "небо"),
            ("plaster wall", "plaster wall", "оштукатуренная стена"),
            ("brick wall", "brick wall", "кирпичная стена"),
            ("stone wall", "stone wall", "каменная стена"),
            ("tiled wall", "tiled wall", "стена из плитки"),
            ("concrete wall", "concrete wall", "бетонная стена"),
            ("panel wall", "panel wall", "панельная стена"),
            ("glass wall", "glass wall", "стеклянная стена"),
            ("window", "window", "окно"),
            ("door", "door", "дверь"),
            ("archway", "archway", "арка"),
            ("balcony", "balcony", "балкон"),
            ("ornament", "ornament", "лепной декор"),
            ("roof", "roof", "крыша"),
            ("sign", "signboard", "вывеска"),
            ("pipe", "drainpipe", "водосточная труба"),
            ("ground", "ground", "тротуар"),
            ("steps", "steps", "ступени"),
            ("vegetation", "tree", "дерево"),
            ("vehicle", "car", "автомобиль"),
            ("person", "person", "человек"),
            ("railing", "railing", "ограда"),
            ("canopy", "canopy", "козырёк"),
            ("fixture", "air conditioner or lamp", "кондиционер или фонарь"),
            ("crack", "crack", "трещина"),
            ("spalling", "spalling", "скол"),
            ("peeling", "peeling paint", "отслоение краски"),
            ("water stain", "water stain", "потёки воды"),
            ("efflorescence", "efflorescence", "высолы"),
            ("corrosion", "rust", "ржавчина"),
            ("graffiti", "graffiti", "граффити"),
            ("repair patch", "repair patch", "заплата ремонта"),
            ("missing element", "missing element", "утрата элемента декора"),
        )
    ),
)
ROWS: Mapping[str, Row] = {
    row.name: row for row in (COARSE6, FINE14, DAMAGE, BERN, DRAWN, UNSEEN6, UNSEEN6_NOWHERE)
}


def read_label_names(path: Path) -> dict[str, int]:
    """Label index by name from a ``classes.csv`` with the columns ``index,name``."""
    with path.open(encoding="utf-8", newline="") as file:
        return {line["name"]: int(line["index"]) for line in csv.DictReader(file)}


def select_labels(mask: Labels, groups: tuple[tuple[str, ...], ...], names: Mapping[str, int]) -> Labels:
    """Renumber a mask to the classes of a row.

    Args:
        mask: label indices ``(H, W)``.
        groups: label names that each class merges, in class order.
        names: label index by name.

    Returns:
        Class indices ``(H, W)``; labels that no class lists are ignored (255).

    Raises:
        ValueError: a class lists a label that the set does not have.
    """
    table = np.full(256, IGNORED, dtype=np.uint8)
    for index, group in enumerate(groups):
        for label in group:
            if label not in names:
                raise ValueError(f"the set has no label {label!r}; it has {', '.join(names)}")
            table[names[label]] = index
    return table[mask]


@dataclass(frozen=True, slots=True)
class LabelledPhotos:
    """A folder of photographs: ``images/``, ``masks/`` (8-bit PNG), ``classes.csv``, ``splits.csv``."""

    folder: Path

    def names(self) -> dict[str, int]:
        """Label index by name."""
        return read_label_names(self.folder / "classes.csv")

    def files(self, split: str) -> list[Path]:
        """Photographs of one split, in the order of ``splits.csv``."""
        with (self.folder / "splits.csv").open(encoding="utf-8", newline="") as file:
            chosen = [line["file"] for line in csv.DictReader(file) if line["split"] == split]
        return [self.folder / "images" / name for name in chosen]

    def mask(self, photo: Path) -> Labels:
        """Label indices of a photograph, ``(H, W)`` at its own size."""
        with Image.open(self.folder / "masks" / f"{photo.stem}.png") as picture:
            return np.array(picture, dtype=np.uint8)

    def split(self, split: str) -> Iterator[tuple[Path, Labels]]:
        """Photographs of one split with their masks."""
        for photo in self.files(split):
            yield photo, self.mask(photo)
