"""Parked cars seen from the side."""

import numpy as np

from tiny_vlm.drawing.canvas import Colour, Grid, Plane, mix, rgb, tone
from tiny_vlm.drawing.geometry import Box, Points, ellipse, smooth
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part

SALOON = (
    (0.00, 0.30),
    (0.02, 0.62),
    (0.10, 0.80),
    (0.60, 0.90),
    (1.00, 0.94),
    (1.45, 1.40),
    (2.35, 1.46),
    (3.10, 1.38),
    (3.65, 0.98),
    (4.20, 0.92),
    (4.32, 0.70),
    (4.34, 0.32),
    (4.10, 0.22),
    (0.20, 0.22),
)
HATCHBACK = (
    (0.00, 0.32),
    (0.03, 0.75),
    (0.14, 1.00),
    (0.34, 1.42),
    (0.70, 1.52),
    (2.00, 1.52),
    (2.70, 1.10),
    (3.60, 0.95),
    (3.92, 0.72),
    (3.95, 0.34),
    (3.75, 0.24),
    (0.20, 0.24),
)
VAN = (
    (0.00, 0.32),
    (0.00, 1.60),
    (0.08, 2.05),
    (0.40, 2.12),
    (3.30, 2.12),
    (3.75, 1.95),
    (4.25, 1.25),
    (4.85, 1.05),
    (5.00, 0.75),
    (5.00, 0.32),
    (4.80, 0.24),
    (0.20, 0.24),
)
PROFILES = {
    "saloon": (
        SALOON,
        (0.78, 3.48),
        ((1.18, 0.98), (1.56, 1.32), (2.25, 1.36), (2.25, 0.98)),
        ((2.33, 0.98), (2.33, 1.36), (2.98, 1.30), (3.40, 0.98)),
    ),
    "hatchback": (
        HATCHBACK,
        (0.72, 3.12),
        ((0.36, 1.08), (0.52, 1.38), (1.32, 1.42), (1.32, 1.05)),
        ((1.40, 1.05), (1.40, 1.42), (1.92, 1.42), (2.50, 1.05)),
    ),
    "van": (
        VAN,
        (0.95, 4.10),
        ((2.60, 1.25), (2.60, 1.85), (3.20, 1.85), (3.20, 1.25)),
        ((3.28, 1.25), (3.28, 1.85), (3.62, 1.82), (4.05, 1.25)),
    ),
}


def draw_car(
    stage: Stage, x: float, y: float, kind: str, colour: Colour, size: float = 1.0, flip: bool = False
) -> None:
    """A parked car seen from the side, its wheels on ``y``."""
    outline, wheels, rear, front = PROFILES[kind]
    length = max(point[0] for point in outline)

    def place(points: object) -> Points:
        array = np.asarray(points, float)
        if flip:
            array = np.stack([length - array[:, 0], array[:, 1]], 1)
        return array * size + (x, y)

    canvas = stage.canvas
    if not canvas.sees(Box(x, y, x + length * size, y + 2.2 * size)):
        return
    canvas.shade(place(ellipse((length / 2, 0.06), (length * 0.52, 0.2))), 0.7, 0.12)
    body = smooth(place(outline), 2)
    bottom, top = float(body[:, 1].min()), float(body[:, 1].max())

    def paint(grid: Grid) -> Plane:
        high = np.clip((grid.y - bottom) / (top - bottom), 0, 1)
        light = np.where(high > 0.52, 0.95 + 0.45 * (high - 0.52), 0.55 + 0.75 * high)
        band = np.exp(-(((high - 0.47) / 0.05) ** 2)) * 0.25
        colours = rgb(colour) * light[..., None] + rgb(stage.light.sky_low) * band[..., None]
        return np.broadcast_to(colours, (*grid.shape, 3)).astype(np.float32)

    canvas.textured(body, paint, Part.VEHICLE)
    canvas.polygon(
        place([(0.15, 0.2), (length - 0.15, 0.2), (length - 0.15, 0.33), (0.15, 0.33)]),
        (28.0, 28.0, 30.0),
        Part.VEHICLE,
    )
    for pane in (rear, front):
        glass = place(pane)
        canvas.polygon(glass, (30.0, 36.0, 42.0))
        shine = mix((60.0, 70.0, 80.0), stage.light.sky_low, 0.35)
        canvas.polygon(
            glass.mean(0) + (glass - glass.mean(0)) * (0.9, 0.88), mix((36.0, 42.0, 48.0), shine, 0.5)
        )
    for door in ((rear[0][0] + 0.12), (front[0][0]), (front[-1][0] + 0.05)):
        canvas.line(place([(door, 0.4), (door, rear[0][1])]), 0.012 * size, tone(colour, 0.5))
    canvas.polygon(
        place([(length - 0.32, 0.66), (length - 0.04, 0.62), (length - 0.1, 0.78), (length - 0.36, 0.8)]),
        (235.0, 236.0, 228.0),
    )
    canvas.polygon(place([(0.02, 0.66), (0.16, 0.68), (0.18, 0.86), (0.06, 0.84)]), (170.0, 30.0, 28.0))
    for wheel in wheels:
        _wheel(stage, place([(wheel, 0.31)])[0], size)


def _wheel(stage: Stage, centre: Points, size: float) -> None:
    middle = (float(centre[0]), float(centre[1]))
    for radius, colour in (
        (0.36, (20.0,) * 3),
        (0.31, (30.0,) * 3),
        (0.21, (168.0, 170.0, 174.0)),
        (0.17, (96.0, 98.0, 102.0)),
        (0.06, (180.0,) * 3),
    ):
        stage.canvas.polygon(ellipse(middle, (radius * size, radius * size)), colour, Part.VEHICLE)
    for angle in np.radians(np.arange(0, 360, 72)):
        tip = centre + np.array([np.cos(angle), np.sin(angle)]) * 0.18 * size
        stage.canvas.line(np.stack([centre, tip]), 0.035 * size, (176.0, 178.0, 182.0))


def car_colour(rng: np.random.Generator) -> Colour:
    """White, black, silver, or a strong colour."""
    if rng.random() < 0.6:
        grey = float(rng.choice([30, 60, 120, 170, 205, 235]))
        return (grey, grey, grey * 1.02)
    choices = (
        (150.0, 24.0, 28.0),
        (28.0, 52.0, 110.0),
        (34.0, 84.0, 66.0),
        (196.0, 150.0, 40.0),
        (92.0, 40.0, 36.0),
        (70.0, 120.0, 160.0),
    )
    return choices[int(rng.integers(len(choices)))]
