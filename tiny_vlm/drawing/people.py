"""People who walk past."""

import numpy as np

from tiny_vlm.drawing.canvas import Colour, mix, tone
from tiny_vlm.drawing.geometry import Box, Points, ellipse, smooth
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part


def draw_person(stage: Stage, x: float, y: float, height: float, facing: int = 1) -> None:
    """A walking person in a coat."""
    canvas, rng = stage.canvas, stage.rng
    if not canvas.sees(Box(x - 0.5, y, x + 0.5, y + height)):
        return
    coat = _cloth(rng)
    trousers = tone(mix(_cloth(rng), (90.0, 90.0, 96.0), 0.65), 0.55)
    skin = mix((232.0, 190.0, 160.0), (140.0, 96.0, 70.0), float(rng.random()))
    stride = float(rng.uniform(0.02, 0.16))

    def place(points: object) -> Points:
        return np.asarray(points, float) * (facing, 1) * height + (x, y)

    fall = stage.light.slant * 0.5
    shadow = place([(-0.1, 0.0), (0.1, 0.0), (0.1 + fall, -0.06), (fall - 0.1, -0.06)])
    canvas.shade(shadow, 0.4, 0.08)
    for sign, shade in ((-1, 0.8), (1, 1.0)):
        leg = place([(-0.05, 0.48), (0.05, 0.48), (sign * stride + 0.03, 0.02), (sign * stride - 0.03, 0.02)])
        canvas.polygon(leg, tone(trousers, shade), Part.PERSON)
        canvas.polygon(
            place(
                [
                    (sign * stride - 0.03, 0.03),
                    (sign * stride + 0.03, 0.03),
                    (sign * stride + 0.09, 0.0),
                    (sign * stride - 0.03, 0.0),
                ]
            ),
            (26.0, 24.0, 24.0),
            Part.PERSON,
        )
    hem = float(rng.uniform(0.28, 0.48))
    torso = [
        (-0.1, hem),
        (0.1, hem),
        (0.11, 0.7),
        (0.12, 0.8),
        (0.05, 0.86),
        (-0.05, 0.86),
        (-0.12, 0.8),
        (-0.11, 0.7),
    ]
    canvas.polygon(smooth(place(torso), 1), coat, Part.PERSON)
    canvas.polygon(
        place([(-0.1, hem), (-0.03, hem), (-0.04, 0.84), (-0.11, 0.78)]), tone(coat, 0.8), Part.PERSON
    )
    swing = float(rng.uniform(-0.08, 0.1))
    canvas.polygon(
        place([(-0.035, 0.8), (0.04, 0.8), (swing + 0.03, 0.45), (swing - 0.02, 0.45)]),
        tone(coat, 0.7),
        Part.PERSON,
    )
    canvas.polygon(
        ellipse(tuple(place([(0.01, 0.93)])[0]), (0.05 * height, 0.065 * height)), skin, Part.PERSON
    )
    hair = place(
        [
            (-0.055, 0.9),
            (-0.055, 0.97),
            (-0.02, 1.0),
            (0.04, 0.99),
            (0.05, 0.95),
            (-0.01, 0.95),
            (-0.03, 0.89),
        ]
    )
    canvas.polygon(
        smooth(hair, 1),
        tone(mix((40.0, 28.0, 22.0), (190.0, 150.0, 90.0), float(rng.random()) ** 2), 1.0),
        Part.PERSON,
    )
    if rng.random() < 0.5:
        canvas.polygon(
            place([(swing - 0.04, 0.3), (swing + 0.06, 0.3), (swing + 0.05, 0.44), (swing - 0.03, 0.44)]),
            _cloth(rng),
            Part.PERSON,
        )


def _cloth(rng: np.random.Generator) -> Colour:
    if rng.random() < 0.55:
        grey = float(rng.uniform(25, 110))
        return (grey, grey * 1.02, grey * 1.1)
    red, green, blue = (float(value) for value in rng.uniform(30, 230, 3))
    return mix((red, green, blue), (128.0, 124.0, 120.0), float(rng.uniform(0.1, 0.6)))
