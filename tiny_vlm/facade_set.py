"""A data set of drawn facades in the layout of the facade-damage sets, for tests and trials."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tiny_vlm.drawing.parts import Part
from tiny_vlm.facades import IGNORE, Scene, draw_facade

Layout = Literal["a", "b"]

TAXONOMY_INDEX: Final[Mapping[Part, int]] = {
    Part.CRACK: 1,
    Part.SPALLING: 2,
    Part.PEELING: 3,
    Part.MISSING_ELEMENT: 4,
    Part.WATER_STAIN: 5,
    Part.EFFLORESCENCE: 6,
    Part.CORROSION: 7,
    Part.ORNAMENT: 8,
    Part.REPAIR_PATCH: 9,
    Part.GRAFFITI: 10,
    Part.SIGN: 10,
}
"""Drawn class -> index of the facade taxonomy; all others are background, 0."""
ADVERTISEMENTS: Final = 11
DAMAGE: Final = tuple(range(1, 8))
SEEDS_PER_SET: Final = 100_000
FIRST_SEED: Final = 3_000_000
"""Beyond the seeds that the bundled model was trained on."""


def write_facade_set(
    root: Path,
    counts: Mapping[str, int],
    seed: int,
    size: tuple[int, int] = (96, 128),
    layout: Layout = "a",
    *,
    advertisements: bool = False,
    least_damage: float = 0.0,
) -> None:
    """Draw damaged facades with masks; equal arguments give equal files.

    Args:
        root: folder to fill; it is made where it is missing.
        counts: split -> number of pictures.
        seed: of the whole set, from 0.
        size: (height, width) of each picture in pixels, at least 16.
        layout: ``a``: ``images/SPLIT`` and ``masks/SPLIT``; ``b``: ``SPLIT/images`` and ``SPLIT/masks``.
        advertisements: whether signs are class 11 of their own, and not text or images.
        least_damage: least part of a picture that shows damage, in [0, 1]; a scene in seven reaches 0.04.

    Raises:
        ValueError: no such layout, or a negative seed.
    """
    if layout not in ("a", "b") or seed < 0:
        raise ValueError(f"layout must be 'a' or 'b' and seed at least 0, got {layout!r} and {seed}")
    number = FIRST_SEED + seed * SEEDS_PER_SET
    for split, count in counts.items():
        for _ in range(count):
            number, scene = _damaged_scene(number, size, least_damage)
            mask = to_taxonomy(scene.mask, advertisements=advertisements)
            _write(Path(root), split, f"facade_{number}", {"images": scene.image, "masks": mask}, layout)
            number += 1


def to_taxonomy(mask: NDArray[np.uint8], *, advertisements: bool = False) -> NDArray[np.uint8]:
    """A drawn mask ``(H, W)`` in indices of the facade taxonomy; 255 stays 255."""
    table = np.zeros(256, dtype=np.uint8)
    table[IGNORE] = IGNORE
    for part, index in TAXONOMY_INDEX.items():
        table[part] = index
    if advertisements:
        table[Part.SIGN] = ADVERTISEMENTS
    return table[mask]


def _damaged_scene(seed: int, size: tuple[int, int], least: float) -> tuple[int, Scene]:
    """The first scene from ``seed`` on with any damage, on at least this part of it, with its seed."""
    while True:
        scene = draw_facade(seed, *size)
        share = np.isin(to_taxonomy(scene.mask), DAMAGE).mean()
        if share > 0 and share >= least:
            return seed, scene
        seed += 1


def _write(
    root: Path, split: str, name: str, pictures: Mapping[str, NDArray[np.uint8]], layout: Layout
) -> None:
    for kind, pixels in pictures.items():
        folder = root / kind / split if layout == "a" else root / split / kind
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{name}.png")
