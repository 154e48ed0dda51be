"""Lights, colours and neighbours that the elevations share."""

from dataclasses import replace

import numpy as np

from tiny_vlm.drawing import materials
from tiny_vlm.drawing.canvas import Canvas, Colour, tone
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.house_style import House
from tiny_vlm.drawing.light import Light, Stage, draw_sky
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.windows import WindowStyle

WHITE: Colour = (238.0, 233.0, 222.0)
GRANITE: Colour = (172.0, 166.0, 156.0)
WOOD: Colour = (98.0, 62.0, 42.0)
NOON = Light(
    slant=0.55,
    drop=0.85,
    shadow=0.52,
    softness=0.10,
    sky_high=(96.0, 146.0, 202.0),
    sky_low=(212.0, 226.0, 236.0),
    cloudiness=0.45,
)
EVENING = replace(
    NOON, slant=-0.8, drop=0.6, sky_high=(110.0, 146.0, 190.0), sky_low=(238.0, 228.0, 214.0), cloudiness=0.5
)
OVERCAST = replace(
    NOON,
    shadow=0.3,
    softness=0.35,
    sky_high=(172.0, 184.0, 196.0),
    sky_low=(222.0, 226.0, 228.0),
    cloudiness=0.75,
)
NIGHT = replace(
    NOON,
    shadow=0.2,
    softness=0.4,
    sky_high=(24.0, 34.0, 72.0),
    sky_low=(128.0, 104.0, 122.0),
    cloudiness=0.3,
    night=0.74,
)


def open_stage(seed: int, view: Box, pixels_per_metre: float, light: Light) -> Stage:
    stage = Stage(Canvas(view, pixels_per_metre), light, np.random.default_rng(seed))
    draw_sky(stage)
    return stage


def plaster_house(stage: Stage, colour: Colour) -> House:
    """A quiet plastered house, for neighbours."""
    walls = materials.plaster(stage.rng, colour)
    window = WindowStyle(surround="band", trim=WHITE, reveal=tone(colour, 0.8), lit=0.3)
    return House(
        wall=int(Part.PLASTER_WALL),
        texture=walls,
        base=int(Part.PLASTER_WALL),
        base_texture=materials.plaster(stage.rng, tone(colour, 0.9)),
        colour=colour,
        trim=WHITE,
        window=window,
        balconies=0.0,
        ornate=0.3,
    )


def far_shadow(stage: Stage, left: float, right: float, height: float) -> None:
    """The shadow that the other side of the street throws on the lower part of a house."""
    edge = np.array([[left, 0.0], [right, 0.0], [right, height * 0.45], [left, height]])
    stage.canvas.shade(edge, 0.16, 0.5)
