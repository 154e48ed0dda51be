"""Labelled pictures as training crops."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from evaluation.facades import FacadeSample, read_sample
from lposs_core import file_sha256, resize_image, working_size

from .settings import FineTuneSettings

IGNORED: Final = 255
ZOOM: Final = 1.33  # crops show up to this much more or less than segmentation does
KEPT_PICTURES: Final = 128  # decoded at a time
BRIGHTNESS, CONTRAST, TINT = 24.0, 0.2, 0.06  # largest change: levels, share, share of a channel

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FacadeData:
    """Samples by split; ``test`` may be empty."""

    splits: Mapping[str, tuple[FacadeSample, ...]]

    @property
    def digest(self) -> str:
        """SHA-256 of names, pictures and masks of all splits."""
        total = hashlib.sha256()
        for split, samples in sorted(self.splits.items()):
            for sample in samples:
                words = (split, sample.name, file_sha256(sample.image), file_sha256(sample.mask))
                total.update(("\0".join(words) + "\n").encode())
        return total.hexdigest()


def class_table(indices: Sequence[int]) -> Pixels:
    """Table from taxonomy indices to places in ``indices``; what is not among them is ignored."""
    table = np.full(256, IGNORED, dtype=np.uint8)
    table[list(indices)] = range(len(indices))
    return table


def count_pixels(samples: Iterable[FacadeSample], table: Pixels, classes: int) -> NDArray[np.int64]:
    """Pixels of each class over all masks, int64 ``(classes,)``."""
    total = np.zeros(classes, dtype=np.int64)
    for sample in samples:
        labels = table[read_sample(sample)[1]]
        total += np.bincount(labels[labels != IGNORED], minlength=classes)
    return total


def class_weights(pixels: NDArray[np.int64], power: float, cap: float) -> Tensor:
    """Weights that let rare classes count more: ``(largest / own) ** power``, at most ``cap``.

    Args:
        pixels: of each class.
        power: 0 weighs all classes equally, 1 by inverse frequency.
        cap: largest weight; also that of a class without pixels.

    Returns:
        Float32 ``(classes,)``, at least 1.
    """
    share = np.maximum(pixels, 1e-9) / max(int(pixels.max(initial=0)), 1)
    return torch.from_numpy(np.minimum(share**-power, cap).astype(np.float32))


class Crops(Dataset[tuple[Tensor, Tensor]]):
    """Training crops by number: number and seed decide a crop, whoever draws it and when.

    A picture is drawn, then one of its classes, then one of that class's pixels; the crop shows that pixel at
    up to 1.33 times the scale of segmentation, perhaps mirrored, in other light.

    Args:
        samples: at least one.
        table: of :func:`class_table`.
        settings: sizes and seed.
        length: how many there are.
    """

    def __init__(
        self, samples: Sequence[FacadeSample], table: Pixels, settings: FineTuneSettings, length: int
    ) -> None:
        self._samples = tuple(samples)
        self._table = table
        self._settings = settings
        self._length = length
        self._read = functools.lru_cache(KEPT_PICTURES)(self._read_working_size)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Picture float32 ``(3, crop, crop)`` in ``[0, 1]`` and classes int64 ``(crop, crop)``."""
        rng = np.random.default_rng([self._settings.seed, number])
        image, labels = self._read(int(rng.integers(len(self._samples))))
        side = self._settings.crop * float(np.exp(rng.uniform(-np.log(ZOOM), np.log(ZOOM))))
        image, labels = cut_square(image, labels, _draw_corner(labels, side, rng), round(side))
        size = (self._settings.crop, self._settings.crop)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        labels = np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        if rng.random() < 0.5:
            image, labels = image[:, ::-1], labels[:, ::-1]
        pixels = torch.from_numpy(change_light(image, rng)).permute(2, 0, 1).float() / 255
        return pixels, torch.from_numpy(labels.astype(np.int64))

    def _read_working_size(self, index: int) -> tuple[Pixels, Pixels]:
        image, mask = read_sample(self._samples[index])
        side = self._settings.short_side
        height, width = working_size(mask.shape[0], mask.shape[1], side, 8 * side)
        labels = cv2.resize(self._table[mask], (width, height), interpolation=cv2.INTER_NEAREST)
        return resize_image(image, height, width), np.asarray(labels, np.uint8)


def cut_square(image: Pixels, labels: Pixels, corner: tuple[int, int], side: int) -> tuple[Pixels, Pixels]:
    """Cut a square out of a picture; beyond its edges the picture is mirrored and nothing is labelled.

    Args:
        image: ``(H, W, 3)``.
        labels: ``(H, W)``.
        corner: upper left (y, x) in pixels; may lie outside.
        side: in pixels.
    """
    top, left = corner
    height, width = labels.shape
    rows, columns = np.arange(top, top + side), np.arange(left, left + side)
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    rows, columns = _mirror(rows, height), _mirror(columns, width)
    cut = np.where(inside, labels[np.ix_(rows, columns)], np.uint8(IGNORED))
    return np.ascontiguousarray(image[np.ix_(rows, columns)]), cut


def change_light(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Change contrast, brightness and tint of a picture ``(H, W, 3)`` a little."""
    gain = (1 + rng.uniform(-CONTRAST, CONTRAST)) * (1 + rng.uniform(-TINT, TINT, 3))
    lifted = (image.astype(np.float32) - 128) * gain + 128 + rng.uniform(-BRIGHTNESS, BRIGHTNESS)
    return np.asarray(lifted.clip(0, 255), np.uint8)


def _draw_corner(labels: Pixels, side: float, rng: np.random.Generator) -> tuple[int, int]:
    """Corner of a square around a pixel of a class of the picture, moved inside where it fits."""
    present = [value for value in np.unique(labels) if value != IGNORED]
    centre = [length / 2 for length in labels.shape]
    if present:
        places = np.flatnonzero(labels == rng.choice(present))
        centre = list(np.unravel_index(int(rng.choice(places)), labels.shape))
    shift = rng.uniform(-0.4, 0.4, 2) * side
    corner = [
        _inside(float(place + move), side, length)
        for place, move, length in zip(centre, shift, labels.shape, strict=True)
    ]
    return corner[0], corner[1]


def _inside(centre: float, side: float, length: int) -> int:
    if side >= length:
        return round((length - side) / 2)
    return round(min(max(centre - side / 2, 0), length - side))


def _mirror(places: NDArray[np.int_], length: int) -> NDArray[np.int_]:
    period = max(2 * (length - 1), 1)
    folded = np.abs(places) % period
    return np.asarray(np.minimum(folded, period - folded))
