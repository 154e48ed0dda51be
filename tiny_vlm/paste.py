"""Objects cut from one training crop and laid over another: rare things are seen before many backgrounds."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tiny_vlm.augment import MASK_STRIDE, Pixels
from tiny_vlm.drawing.parts import DAMAGE, IGNORE, WALLS, Part

SMALLEST = 10  # pixels of the mask that an object must have
SCALES = (0.7, 1.4)


@dataclass(frozen=True, slots=True)
class Stickers:
    """What may be pasted in a set of labels.

    Attributes:
        things: labels that may lie over anything.
        marks: labels that may lie on ``surfaces`` only, as damage does.
        surfaces: labels of bare surfaces.
    """

    things: tuple[int, ...]
    marks: tuple[int, ...] = ()
    surfaces: tuple[int, ...] = ()


FACADE_STICKERS = Stickers(
    things=(
        Part.WINDOW,
        Part.DOOR,
        Part.BALCONY,
        Part.ORNAMENT,
        Part.SIGN,
        Part.PIPE,
        Part.VEGETATION,
        Part.VEHICLE,
        Part.PERSON,
        Part.RAILING,
        Part.CANOPY,
        Part.FIXTURE,
    ),
    marks=DAMAGE,
    surfaces=(*WALLS, Part.ORNAMENT),
)
BERN_STICKERS = Stickers(things=(2, 3, 5, 7))  # window, balcony or fence, vegetation, vehicle


def paste_object(
    image: Pixels,
    mask: Pixels,
    other: Pixels,
    labels: Pixels,
    stickers: Stickers,
    rng: np.random.Generator,
) -> None:
    """Lay one object of another crop over this one, moved, scaled and with soft edges; in place.

    Args:
        image: RGB, ``(S, S, 3)``.
        mask: labels of ``image`` at half its size, ``(S / 2, S / 2)``.
        other: the crop that the object comes from, ``(S, S, 3)``.
        labels: its labels, ``(S / 2, S / 2)``.
        stickers: which labels may be pasted, and where.
        rng: source of chance.
    """
    present = np.intersect1d(labels, (*stickers.things, *stickers.marks))
    if not len(present):
        return
    label = int(rng.choice(present))
    shape = _one_object(labels == label, rng)
    if shape.sum() < SMALLEST:
        return
    motion = _motion(shape, rng)
    place = _move(shape, motion, cv2.INTER_NEAREST).astype(bool)
    if label in stickers.marks:
        place &= np.isin(mask, stickers.surfaces)
    else:
        place &= mask != IGNORE
    moved = _move(other, _enlarged(motion), cv2.INTER_LINEAR)
    side = image.shape[0]
    cover = cv2.resize(place.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    cover = cv2.GaussianBlur(cover, (0, 0), 0.8)[..., None]
    image[:] = (image + cover * (moved.astype(np.float32) - image)).astype(np.uint8)
    mask[place] = label


def _one_object(shape: NDArray[np.bool_], rng: np.random.Generator) -> Pixels:
    """One connected component, drawn by its area."""
    _, numbers = cv2.connectedComponents(shape.astype(np.uint8))
    chosen = rng.choice(numbers[shape])
    return np.asarray(numbers == chosen, np.uint8)


def _motion(shape: Pixels, rng: np.random.Generator) -> NDArray[np.float64]:
    """Scaling and mirroring about the object's centre, which lands anywhere: an affine map ``(2, 3)``."""
    rows, columns = np.nonzero(shape)
    centre = np.array([columns.mean(), rows.mean()])
    scale = np.exp(rng.uniform(*np.log(SCALES)))
    turn = np.diag([scale * rng.choice([-1.0, 1.0]), scale])
    landing = rng.uniform(0, shape.shape[0], 2)
    return np.hstack([turn, (landing - turn @ centre)[:, None]])


def _enlarged(motion: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same motion in pixels of the picture, which has ``MASK_STRIDE`` times the mask's resolution."""
    turn, offset = motion[:, :2], motion[:, 2:]
    half = np.full((2, 1), (MASK_STRIDE - 1) / 2)  # centres of pixels, not corners
    return np.hstack([turn, MASK_STRIDE * offset + half - turn @ half])


def _move(pixels: Pixels, motion: NDArray[np.float64], flags: int) -> Pixels:
    side = pixels.shape[0]
    return np.asarray(cv2.warpAffine(pixels, motion, (side, side), flags=flags), np.uint8)
