"""Connected areas of a label map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .types import Component


def find_components(label_map: NDArray[np.uint8], labels: Sequence[int]) -> list[Component]:
    """The 8-connected areas of some classes, class by class, each from top to bottom.

    Args:
        label_map: ``(H, W)`` uint8.
        labels: values that count.
    """
    return [found for label in labels for found in _areas(label_map, label)]


def crop(array: NDArray[Any], box: tuple[int, int, int, int]) -> NDArray[Any]:
    """The part of an ``(H, W, ...)`` array inside a box of x, y, width and height."""
    x, y, width, height = box
    return array[y : y + height, x : x + width]


def _areas(label_map: NDArray[np.uint8], label: int) -> Iterator[Component]:
    mask = (label_map == label).astype(np.uint8)
    count, numbered, boxes, centroids = cv2.connectedComponentsWithStats(mask, connectivity=8)
    for number in range(1, count):  # 0 is what carries another class
        x, y, width, height = (int(value) for value in boxes[number, :4])
        part = crop(numbered, (x, y, width, height)) == number
        centre_x, centre_y = centroids[number]
        yield Component(label, (x, y, width, height), part, (float(centre_x) + 0.5, float(centre_y) + 0.5))
