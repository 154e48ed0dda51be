"""Drawn facade scenes: a picture and its class mask from a seed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiny_vlm.drawing.balconies import draw_railing
from tiny_vlm.drawing.camera import develop, homography, random_corners, warp
from tiny_vlm.drawing.canvas import UNPAINTED, Canvas
from tiny_vlm.drawing.damage import PAINTERS, add_damage
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.ground import draw_ground
from tiny_vlm.drawing.house import draw_house
from tiny_vlm.drawing.house_style import random_house
from tiny_vlm.drawing.light import Stage, draw_sky, nightfall, random_light
from tiny_vlm.drawing.parts import CLASSES, IGNORE
from tiny_vlm.drawing.people import draw_person
from tiny_vlm.drawing.vegetation import draw_bush, draw_tree
from tiny_vlm.drawing.vehicles import car_colour, draw_car

__all__ = ["CLASSES", "IGNORE", "Scene", "draw_facade"]

OVERSIZE = 1.25


@dataclass(frozen=True)
class Scene:
    """A picture and what it shows.

    Attributes:
        image: RGB uint8, shape (H, W, 3).
        mask: index into ``CLASSES`` or ``IGNORE``, uint8, shape (H, W).
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def draw_facade(seed: int, height: int, width: int, *, damage: bool = True) -> Scene:
    """Draw a facade or a street, the same for the same arguments.

    Args:
        seed: any non-negative integer.
        height: rows of the picture, at least 16.
        width: columns of the picture, at least 16.
        damage: whether cracks, spalling and the other damage classes may occur.

    Returns:
        The scene, of the size asked for.

    Raises:
        ValueError: the size is below 16 pixels or the seed is negative.
    """
    if min(height, width) < 16 or seed < 0:
        raise ValueError(
            f"draw_facade needs a seed >= 0 and sides >= 16 pixels, got seed {seed}, {height} x {width}"
        )
    rng = np.random.default_rng([seed, 20])
    stage = _set_stage(rng, height, width)
    _draw_street(stage)
    if damage and stage.chance(0.75):
        kinds = list(rng.choice(len(PAINTERS), int(rng.integers(1, 5)), replace=False))
        add_damage(stage, kinds, int(rng.integers(2, 9)))
    _draw_foreground(stage)
    if stage.light.night > 0:
        nightfall(stage.canvas, stage.light)
    return _photograph(stage, height, width)


def _set_stage(rng: np.random.Generator, height: int, width: int) -> Stage:
    """Choose what the picture shows: a close view of a wall and its pavement, a storey, or a whole street."""
    kind = rng.choice(["detail", "shopfront", "house", "street"], p=[0.12, 0.43, 0.22, 0.23])
    low, high = {"detail": (1.8, 4.0), "shopfront": (4.0, 9.0), "house": (9.0, 16.0), "street": (16.0, 34.0)}[
        str(kind)
    ]
    short = float(rng.uniform(low, high))
    across, up = short * max(1.0, width / height), short * max(1.0, height / width)
    bottom = {
        "detail": rng.uniform(-0.3, 6),
        "shopfront": rng.uniform(-1.4, 0.6),
        "house": rng.uniform(-2.5, 1),
        "street": rng.uniform(-0.25, -0.06) * up,
    }[str(kind)]
    left = float(rng.uniform(0, 20))
    view = Box(left, float(bottom), left + across, float(bottom) + up)
    scale = OVERSIZE * min(height, width) / short
    return Stage(Canvas(view, scale), random_light(rng), rng)


def _draw_street(stage: Stage) -> None:
    view = stage.canvas.view
    draw_sky(stage)
    x = view.left - stage.pick(0.5, 12.0) if view.width > 9 else view.left - stage.pick(1.0, 6.0)
    while x < view.right:
        wide = stage.pick(9.0, 22.0)
        if stage.chance(0.06):
            draw_tree(stage, x + wide * 0.3, 0.0, stage.pick(5, 10))
            x += wide * 0.4
            continue
        draw_house(stage, random_house(stage.rng), x, x + wide)
        x += wide + (stage.pick(0.5, 6.0) if stage.chance(0.15) else 0.0)
    draw_ground(stage, stage.pick(0.3, 1.2), stage.pick(0.2, 0.7) if stage.chance(0.1) else 0.0)


def _draw_foreground(stage: Stage) -> None:
    """Trees, bushes, railings, cars and people before the house."""
    view, rng = stage.canvas.view, stage.rng
    if stage.chance(0.25 if view.width > 9 else 0.12):
        bare = stage.chance(0.3)
        for _ in range(int(rng.integers(1, 4))):
            draw_tree(stage, stage.pick(view.left, view.right), -0.3, stage.pick(3.5, 11.0), bare=bare)
    if view.bottom > 0.6:
        return
    if stage.chance(0.14):
        left = stage.pick(view.left - 2, view.right)
        draw_bush(stage, Box(left, 0.05, left + stage.pick(0.6, 4.0), stage.pick(0.4, 1.6)))
    if stage.chance(0.15):
        left = stage.pick(view.left - 1, view.right)
        draw_railing(
            stage, Box(left, -0.2, left + stage.pick(1.5, 5.0), stage.pick(0.5, 0.95)), (40.0, 42.0, 46.0)
        )
    for _ in range(int(rng.poisson(view.width * 0.045))):
        draw_person(
            stage,
            stage.pick(view.left, view.right),
            stage.pick(-0.7, -0.1),
            stage.pick(1.55, 1.9),
            int(rng.choice([-1, 1])),
        )
    if stage.chance(0.5):
        x = stage.pick(view.left - 3.0, view.right - 1.0)
        for _ in range(int(rng.integers(1, 5))):
            kind = str(rng.choice(["saloon", "hatchback", "van"], p=[0.45, 0.42, 0.13]))
            draw_car(
                stage,
                x,
                stage.pick(-1.1, -0.6),
                kind,
                car_colour(rng),
                stage.pick(0.95, 1.25),
                stage.chance(0.5),
            )
            x += stage.pick(5.0, 8.0)


def _photograph(stage: Stage, height: int, width: int) -> Scene:
    canvas, rng = stage.canvas, stage.rng
    rows, columns = canvas.mask.shape
    strength = float(rng.choice([0.02, 0.05, 0.11, 0.2], p=[0.37, 0.35, 0.18, 0.1]))
    corners = random_corners(rng, rows, columns, 0.05, strength)
    image, mask = warp(canvas.image, canvas.mask, homography(corners, height, width), height, width)
    mask[mask == UNPAINTED] = IGNORE
    return Scene(develop(image, rng, stage.light.tint), mask)
