"""Training pictures: photographs with masks, drawn scenes, and the batches cut from them.

A batch depends on the seed and the step alone: a resumed training sees what an uninterrupted one would see.
"""

import csv
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from tiny_vlm.augment import MASK_STRIDE, Crop, Pixels, cut, degrade, draw_crop, recolour
from tiny_vlm.configs import IMAGE_MEAN, IMAGE_STD, PATCH_SIZE
from tiny_vlm.facades import IGNORE, draw_facade
from tiny_vlm.paste import BERN_STICKERS, FACADE_STICKERS, Stickers, paste_object
from tiny_vlm.spaces import LabelSpace

RARE_POINTS = 48  # pixels remembered per label and picture, to aim crops at rare things
HELD_OUT_EVERY = 12  # every 12th training photograph watches the training instead of feeding it
SCENE_HEIGHT, SCENE_WIDTH = 320, 416  # pixels of drawn scenes
CUT_MIX, PASTE = 0.2, 0.35  # part of the crops that get a piece of another one, or objects of it
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture with labels.

    Attributes:
        image: RGB, ``(H, W, 3)`` uint8.
        small: the same at half size, for crops that shrink a lot.
        mask: labels, ``(H, W)`` uint8.
        points: label -> x and y of some of its pixels, ``(n, 2)``.
    """

    image: Pixels
    small: Pixels
    mask: Pixels
    points: Mapping[int, NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class Source:
    """Pictures that share label spaces.

    Attributes:
        pictures: what crops are cut from.
        spaces: label spaces, each drawn equally often unless ``space_shares`` says otherwise.
        space_shares: probability of each space.
        share: part of each batch, relative to the other sources.
        sides: smallest and largest side of a crop in pixels of the picture.
        stickers: what may be pasted from another picture with the same labels.
    """

    name: str
    pictures: Sequence[Picture]
    spaces: tuple[str, ...]
    space_shares: tuple[float, ...]
    share: float
    sides: tuple[float, float]
    stickers: Stickers = FACADE_STICKERS


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops and what their patches show.

    Attributes:
        images: normalised, ``(B, 3, S, S)`` float32.
        space: name of the label space of each crop.
        shares: per crop, the share of each concept of its space in each patch: ``(S/16 * S/16, concepts)``
            float32; rows sum to the labelled part of the patch.
    """

    images: Tensor
    space: tuple[str, ...]
    shares: tuple[Tensor, ...]


def read_split(folder: Path, split: str) -> list[str]:
    """List the file names that ``folder/splits.csv`` gives to ``split``.

    Raises:
        FileNotFoundError: there is no ``splits.csv``.
        ValueError: no row has this split.
    """
    with (folder / "splits.csv").open(newline="", encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["split"] == split]
    if not names:
        raise ValueError(
            f"{folder / 'splits.csv'} has no row with split '{split}'. Known splits: train, val."
        )
    return names


def read_picture(folder: Path, name: str) -> Picture:
    """Read ``images/name`` and the mask of the same stem from ``masks/``.

    Raises:
        ValueError: the mask's size differs from the picture's.
    """
    with Image.open(folder / "images" / name) as file:
        image = np.asarray(file.convert("RGB"))
    with Image.open(folder / "masks" / f"{Path(name).stem}.png") as file:
        mask = np.asarray(file)  # palette indices are the labels
    if mask.shape != image.shape[:2]:
        raise ValueError(f"The mask of {name} is {mask.shape} pixels, the picture {image.shape[:2]}.")
    return make_picture(image, mask)


def make_picture(image: Pixels, mask: Pixels) -> Picture:
    """Prepare a picture ``(H, W, 3)`` and its mask ``(H, W)`` for cutting."""
    height, width = mask.shape
    small = np.asarray(cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
    return Picture(image, small, mask, _points(mask))


def training_names(folder: Path) -> tuple[list[str], list[str]]:
    """Split the `train` photographs of ``folder`` into those that teach and those that watch."""
    names = read_split(folder, "train")
    watching = names[HELD_OUT_EVERY // 2 :: HELD_OUT_EVERY]
    return [name for name in names if name not in watching], watching


def draw_scenes(count: int, cache: Path) -> list[Picture]:
    """Draw ``count`` scenes (seeds 0 to count - 1), or read them from ``cache`` where they lie already.

    Args:
        count: number of scenes.
        cache: folder for the drawn arrays; it may be deleted at any time.
    """
    cache.mkdir(parents=True, exist_ok=True)
    file = cache / f"scenes_{count}.npy"
    if not file.exists():
        scenes = np.empty((count, SCENE_HEIGHT, SCENE_WIDTH, 4), np.uint8)
        for seed in range(count):
            scene = draw_facade(seed, SCENE_HEIGHT, SCENE_WIDTH)
            scenes[seed] = np.dstack([scene.image, scene.mask])
            if seed % 200 == 199:
                _log.info("drew %d of %d scenes", seed + 1, count)
        partial_file = file.with_suffix(".tmp.npy")
        np.save(partial_file, scenes)
        partial_file.replace(file)
    scenes = np.load(file, mmap_mode="r")
    return [
        make_picture(np.ascontiguousarray(scene[..., :3]), np.ascontiguousarray(scene[..., 3]))
        for scene in scenes
    ]


def photo_source(folder: Path, names: Sequence[str], spaces: Mapping[str, LabelSpace]) -> Source:
    """Read photographs of spb_facades (33 classes) or bern_facades (10), told apart by ``classes.csv``."""
    pictures = [read_picture(folder, name) for name in names]
    if "unlabelled" in (folder / "classes.csv").read_text(encoding="utf-8"):
        return Source("bern", pictures, ("bern",), (1.0,), 0.24, (130, 560), BERN_STICKERS)
    return Source("spb", pictures, *_facade_shares(spaces), share=0.5, sides=(130, 580))


def scene_source(pictures: Sequence[Picture], spaces: Mapping[str, LabelSpace]) -> Source:
    """Wrap drawn scenes as a source."""
    return Source("drawn", pictures, *_facade_shares(spaces), share=0.26, sides=(110, 330))


def draw_batch(
    sources: Sequence[Source],
    spaces: Mapping[str, LabelSpace],
    size: int,
    count: int,
    rng: np.random.Generator,
) -> Batch:
    """Cut ``count`` crops of ``size`` pixels from ``sources``, changed at random.

    Args:
        sources: where crops come from, in the proportion of their ``share``.
        spaces: label spaces by name.
        size: side in pixels, a multiple of 16.
        count: number of crops.
        rng: source of chance.
    """
    crops = [_draw_crop(source, sources, size, rng) for source in _draw_sources(sources, count, rng)]
    return assemble(crops, spaces)


def assemble(crops: Sequence[tuple[Pixels, Pixels, str]], spaces: Mapping[str, LabelSpace]) -> Batch:
    """Stack crops (picture, mask at half size, space name) into a batch."""
    stacked = torch.from_numpy(np.stack([image for image, _, _ in crops]))
    shares = tuple(concept_shares(mask, spaces[name]) for _, mask, name in crops)
    return Batch(normalise(stacked), tuple(name for _, _, name in crops), shares)


def normalise(images: Tensor) -> Tensor:
    """Turn uint8 ``(B, H, W, 3)`` into normalised float32 ``(B, 3, H, W)``, channels last in memory."""
    scaled = (images.float() / 255 - torch.tensor(IMAGE_MEAN)) / torch.tensor(IMAGE_STD)
    return scaled.permute(0, 3, 1, 2)


def concept_shares(mask: Pixels, space: LabelSpace) -> Tensor:
    """Share of each concept in each patch, row-major: ``(patches, concepts)`` float32.

    Args:
        mask: labels at half of the picture's resolution, ``(S / 2, S / 2)``.
        space: what the labels stand for; pixels without a concept count for nothing.
    """
    cell = PATCH_SIZE // MASK_STRIDE
    grid = mask.shape[0] // cell
    row = np.arange(mask.shape[0]) // cell
    patch = row[:, None] * grid + row[None, :]
    columns = space.columns[mask].astype(np.int64)
    labelled = columns != IGNORE
    width = len(space.concepts)
    counts = np.bincount((patch * width + columns)[labelled], minlength=grid * grid * width)
    return torch.from_numpy(counts.reshape(grid * grid, width)).float() / cell**2


def _facade_shares(spaces: Mapping[str, LabelSpace]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    names = tuple(name for name in spaces if name != "bern")
    rest = 0.45 / (len(names) - 1)
    return names, tuple(0.55 if name == "parts" else rest for name in names)


def _points(mask: Pixels) -> dict[int, NDArray[np.int32]]:
    """Remember some pixels of each label, evenly spread in reading order."""
    points: dict[int, NDArray[np.int32]] = {}
    flat = mask.ravel()
    for label in np.unique(flat[::7]):
        if label == IGNORE:
            continue
        places = np.flatnonzero(flat == label)
        places = places[:: max(1, len(places) // RARE_POINTS)][:RARE_POINTS]
        points[int(label)] = np.stack([places % mask.shape[1], places // mask.shape[1]], 1).astype(np.int32)
    return points


def _draw_sources(sources: Sequence[Source], count: int, rng: np.random.Generator) -> list[Source]:
    """Sources of ``count`` crops, each as often as its ``share`` says."""
    weights = np.array([source.share for source in sources])
    return [sources[index] for index in rng.choice(len(sources), count, p=weights / weights.sum())]


def _draw_crop(
    source: Source, sources: Sequence[Source], size: int, rng: np.random.Generator
) -> tuple[Pixels, Pixels, str]:
    space = source.spaces[rng.choice(len(source.spaces), p=source.space_shares)]
    image, mask = _cut_one(source, _any_picture(source, rng), size, rng)
    chance = rng.random()
    if chance < CUT_MIX:  # a rectangle of another crop, labels and all
        _paste(image, mask, *_cut_one(source, _any_picture(source, rng), size, rng), rng)
    elif chance < CUT_MIX + PASTE:
        alike = [one for one in sources if one.stickers is source.stickers]
        other = alike[int(rng.integers(len(alike)))]
        crop = _cut_one(other, _any_picture(other, rng), size, rng)
        for _ in range(int(rng.integers(1, 4))):
            paste_object(image, mask, *crop, source.stickers, rng)
    return image, mask, space


def _any_picture(source: Source, rng: np.random.Generator) -> Picture:
    return source.pictures[int(rng.integers(len(source.pictures)))]


def _cut_one(source: Source, picture: Picture, size: int, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    crop = draw_crop(_draw_point(picture, rng), source.sides, picture.mask.shape[:2], rng)
    smooth = max(crop.sides) > 1.6 * size and rng.random() < 0.5
    image, mask = cut(picture.small if smooth else picture.image, picture.mask, crop, size)
    return degrade(recolour(image, rng), rng), mask


def _draw_point(picture: Picture, rng: np.random.Generator) -> tuple[float, float]:
    """Half of the crops contain a pixel of a label drawn from those present, so rare things are seen."""
    if picture.points and rng.random() < 0.5:
        points = picture.points[int(rng.choice(list(picture.points)))]
        x, y = points[rng.integers(len(points))]
        return float(x), float(y)
    height, width = picture.mask.shape
    return float(rng.uniform(0, width)), float(rng.uniform(0, height))


def _paste(image: Pixels, mask: Pixels, other: Pixels, labels: Pixels, rng: np.random.Generator) -> None:
    """Write a random rectangle of another crop over this one, in place."""
    side = mask.shape[0]
    height, width = rng.integers(side // 4, 3 * side // 4, 2)
    top, left = rng.integers(0, side - height), rng.integers(0, side - width)
    rows, columns = slice(top, top + height), slice(left, left + width)
    mask[rows, columns] = labels[rows, columns]
    rows, columns = slice(2 * top, 2 * (top + height)), slice(2 * left, 2 * (left + width))
    image[rows, columns] = other[rows, columns]


def draw_views(
    sources: Sequence[Source],
    spaces: Mapping[str, LabelSpace],
    size: int,
    count: int,
    rng: np.random.Generator,
) -> Batch:
    """Cut two crops from each of ``count`` pictures; crops 2 i and 2 i + 1 belong together."""
    crops = []
    for source in _draw_sources(sources, count, rng):
        picture = _any_picture(source, rng)
        crops += [(*_cut_one(source, picture, size, rng), source.spaces[0]) for _ in range(2)]
    return assemble(crops, spaces)


def watch_batch(
    watching: Sequence[Source], spaces: Mapping[str, LabelSpace], space: str = "general", size: int = 192
) -> Batch:
    """Cut the same six unchanged crops from every watching photograph labelled in ``space``."""
    crops = []
    for source in watching:
        if space not in source.spaces:
            continue
        for picture in source.pictures:
            height, width = picture.mask.shape
            for x in (0.2, 0.5, 0.8):
                for y in (0.3, 0.7):
                    crop = Crop((x * width, y * height), (0.55 * height, 0.55 * height))
                    crops.append((*cut(picture.image, picture.mask, crop, size), space))
    return assemble(crops, spaces)
