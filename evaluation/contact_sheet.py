"""Contact sheets: every measured picture beside the answer and the labels, to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from pipelines import ClassResult
from pipelines.render import legend, overlay

CELL_WIDTH = 320  # pixels
CELLS_A_ROW = 3
GAP = 6  # pixels between cells
Pixels = npt.NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class ContactSheet:
    """Rows of small pictures: photograph, answer, labels; a legend at the end."""

    cells: list[Pixels] = field(default_factory=list)
    classes: tuple[ClassResult, ...] = ()

    def add(self, image: Pixels, answer: Pixels, truth: Pixels, classes: Sequence[ClassResult]) -> None:
        """Add one picture.

        Args:
            image: ``(H, W, 3)`` uint8 RGB.
            answer: class indices, ``(H, W)`` uint8.
            truth: class indices by the labels, ``(H, W)`` uint8, 255 where none counts.
            classes: classes in order.
        """
        self.classes = tuple(classes)
        colours = [item.colour for item in classes]
        size = (CELL_WIDTH, max(1, round(CELL_WIDTH * image.shape[0] / image.shape[1])))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        maps = [cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST) for labels in (answer, truth)]
        drawn = [overlay(small, np.asarray(labels, np.uint8), colours, 0.6) for labels in maps]
        self.cells.append(np.hstack([small, *drawn]))

    def picture(self) -> Pixels:
        """The whole sheet, ``(height, width, 3)`` uint8 RGB.

        Raises:
            ValueError: nothing was added.
        """
        if not self.cells:
            raise ValueError("a contact sheet needs at least one picture; add() them first")
        rows = [
            _side_by_side(self.cells[first : first + CELLS_A_ROW])
            for first in range(0, len(self.cells), CELLS_A_ROW)
        ]
        return np.concatenate([*rows, legend(self.classes, rows[0].shape[1])])

    def save(self, path: Path) -> None:
        """Write the sheet as JPEG; folders are made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(self.picture()).save(path, quality=85)


def _side_by_side(cells: Sequence[Pixels]) -> Pixels:
    width = CELLS_A_ROW * (cells[0].shape[1] + GAP)
    row = np.full((max(cell.shape[0] for cell in cells) + GAP, width, 3), 255, np.uint8)
    for index, cell in enumerate(cells):
        left = index * (cell.shape[1] + GAP)
        row[: cell.shape[0], left : left + cell.shape[1]] = cell
    return row
