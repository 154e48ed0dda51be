"""The example pictures of the page: `python -m tiny_vlm.examples [folder]` draws them anew."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tiny_vlm.drawing.camera import homography, vignette, warp
from tiny_vlm.drawing.canvas import UNPAINTED, Canvas, Pixels
from tiny_vlm.drawing.elevations.apartment_house import apartment_house
from tiny_vlm.drawing.elevations.balcony_house import balcony_house
from tiny_vlm.drawing.elevations.brick_school import brick_school
from tiny_vlm.drawing.elevations.night_street import night_street
from tiny_vlm.drawing.elevations.stone_bank import stone_bank
from tiny_vlm.drawing.elevations.worn_facade import worn_facade
from tiny_vlm.drawing.light import Stage, nightfall
from tiny_vlm.facades import IGNORE, Scene

OVERSAMPLING = 2.5
EXAMPLES: dict[str, Callable[[float], Stage]] = {
    "01_apartment_house": apartment_house,
    "02_brick_school": brick_school,
    "03_stone_bank": stone_bank,
    "04_balcony_house": balcony_house,
    "05_worn_facade": worn_facade,
    "06_night_street": night_street,
}
YAW = {
    "01_apartment_house": 0.018,
    "02_brick_school": -0.03,
    "04_balcony_house": 0.03,
    "06_night_street": -0.02,
}


def draw_example(name: str, oversampling: float = OVERSAMPLING) -> Scene:
    """Draw one example.

    Args:
        name: a key of ``EXAMPLES``.
        oversampling: canvas pixels for each pixel of the picture, at least 1; 2.5 is what the page shows.

    Returns:
        The picture and its mask.

    Raises:
        KeyError: there is no example of this name.
    """
    stage = EXAMPLES[name](oversampling)
    if stage.light.night > 0:
        nightfall(stage.canvas, stage.light)
    return _photograph(stage.canvas, oversampling, YAW.get(name, 0.0))


def _photograph(canvas: Canvas, oversampling: float, yaw: float) -> Scene:
    rows, columns = canvas.mask.shape
    height, width = round(rows / oversampling), round(columns / oversampling)
    pull = abs(yaw)
    corners = np.array(
        [[0, max(yaw, 0)], [1, max(-yaw, 0)], [1, 1 - max(-yaw, 0) * 0.6], [0, 1 - max(yaw, 0) * 0.6]]
    )
    matrix = homography(corners * (columns, rows), rows, columns)
    image, mask = (
        warp(canvas.image, canvas.mask, matrix, rows, columns) if pull else (canvas.image, canvas.mask)
    )
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    labels = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    return Scene(_grade(small), np.where(labels == UNPAINTED, IGNORE, labels).astype(np.uint8))


def _grade(image: Pixels) -> Pixels:
    """A gentle S-curve, a glow around bright parts, a faint vignette and paper grain."""
    picture = image.astype(np.float32) / 255
    picture += 0.12 * (picture.mean(2, keepdims=True) - picture)
    glow = cv2.GaussianBlur(np.clip(picture - 0.62, 0, 1), (0, 0), image.shape[0] / 60)
    picture = picture + 0.22 * glow
    picture = picture + 0.10 * (picture - 0.5) * (1 - np.abs(2 * picture - 1))
    picture *= vignette(image.shape[0], image.shape[1], 0.16)[..., None]
    grain = np.random.default_rng(7).standard_normal(image.shape[:2]).astype(np.float32)
    return np.asarray(np.clip(picture + 0.006 * grain[..., None], 0, 1) * 255, np.uint8)


def main(argv: list[str] | None = None) -> int:
    """Draw all examples into a folder."""
    parser = argparse.ArgumentParser(prog="python -m tiny_vlm.examples", description=__doc__)
    default = Path(__file__).parent.parent / "assets" / "examples"
    parser.add_argument("folder", nargs="?", type=Path, default=default, help="where the pictures go")
    parser.add_argument("--only", choices=sorted(EXAMPLES), help="draw a single example")
    options = parser.parse_args(argv)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in [options.only] if options.only else EXAMPLES:
        path = options.folder / f"{name}.jpg"
        Image.fromarray(draw_example(name).image).save(path, quality=88, optimize=True, subsampling=1)
        print(path, f"{path.stat().st_size // 1024} kB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
