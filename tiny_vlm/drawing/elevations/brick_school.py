"""A red-brick school with tall windows, stone bands and a flight of steps."""

import numpy as np

from tiny_vlm.drawing import materials
from tiny_vlm.drawing.balconies import draw_handrail, draw_railing
from tiny_vlm.drawing.canvas import Colour, tone
from tiny_vlm.drawing.elevations.common import EVENING, GRANITE, far_shadow, open_stage
from tiny_vlm.drawing.entrances import draw_door, draw_steps
from tiny_vlm.drawing.fittings import draw_drainpipe, draw_lamp
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.ground import draw_ground
from tiny_vlm.drawing.house import draw_shell
from tiny_vlm.drawing.house_style import House
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.ornament import (
    draw_cornice,
    draw_pilaster,
    draw_rosette,
)
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.people import draw_person
from tiny_vlm.drawing.signs import (
    draw_letters,
    lettering,
)
from tiny_vlm.drawing.vegetation import draw_bush, draw_tree
from tiny_vlm.drawing.windows import WindowStyle, draw_window


def brick_school(oversampling: float) -> Stage:
    """A red-brick school with tall windows, stone bands and a flight of steps."""
    stage = open_stage(23, Box(0.0, -2.6, 24.0, 13.4), 50 * oversampling, EVENING)
    rng = stage.rng
    red: Colour = (150.0, 88.0, 70.0)
    walls = materials.brick(rng, red, (188.0, 178.0, 164.0), 1.15)
    window = WindowStyle(
        frame=(234.0, 232.0, 224.0),
        reveal=tone(red, 0.8),
        rise=0.35,
        sashes=3,
        transom=0.66,
        bars=1,
        surround="ears",
        trim=(222.0, 208.0, 180.0),
    )
    house = House(
        wall=int(Part.BRICK_WALL),
        texture=walls,
        base=int(Part.BRICK_WALL),
        base_texture=walls,
        colour=red,
        trim=(222.0, 208.0, 180.0),
        ground=4.9,
        storey=4.2,
        floors=1,
        bay=3.2,
        size=(1.75, 2.5),
        window=window,
        ornate=0.5,
        balconies=0.0,
        roof="tile",
        roof_colour=(112.0, 74.0, 62.0),
        roof_height=1.5,
    )
    for left, right in ((-1.0, 1.2), (22.8, 25.0)):
        draw_bush(stage, Box(left, 0.0, right, 2.6))
    draw_shell(stage, house, 1.2, 22.8)
    plinth = Box(1.2, 0.0, 22.8, 0.75)
    stage.canvas.textured(plinth.points(), materials.ashlar(rng, GRANITE, 1.2, 0.75, 0.02), Part.STONE_WALL)
    for x in (2.0, 5.3, 16.65, 19.95):
        draw_window(stage, Box(x, 1.15, x + 1.9, 3.65), window)
    _school_porch(stage)
    for x in (1.35, 22.5):
        draw_drainpipe(stage, x, 0, 8.4, (118.0, 96.0, 84.0))
    far_shadow(stage, 0.0, 24.0, 2.5)
    draw_ground(stage, 1.3, asphalt=116.0)
    draw_bush(stage, Box(2.0, 0.0, 7.6, 0.7))
    draw_bush(stage, Box(16.4, 0.0, 22.2, 0.7))
    draw_tree(stage, 0.6, -0.3, 9.2, green=(122.0, 132.0, 58.0))
    draw_tree(stage, 23.6, -0.4, 10.2, green=(176.0, 122.0, 54.0))
    for x, height, facing in ((8.2, 1.32, 1), (8.9, 1.38, 1), (15.2, 1.7, -1), (15.9, 1.25, -1)):
        draw_person(stage, x, -0.75, height, facing)
    draw_railing(stage, Box(17.2, -1.25, 23.9, -0.35), (44.0, 58.0, 52.0))
    return stage


def _school_porch(stage: Stage) -> None:
    stone: Colour = (222.0, 208.0, 180.0)
    porch = Box(9.2, 0.6, 14.8, 4.2)
    stage.cast(porch.points(), 0.5)
    stage.canvas.textured(
        porch.points(), materials.ashlar(stage.rng, stone, 1.1, 0.48, 0.03), Part.STONE_WALL
    )
    draw_door(stage, Box(10.9, 0.6, 13.1, 3.45), (64.0, 84.0, 72.0), glazed=True, arch=0.55, leaves=2)
    for x in (9.55, 13.85):
        draw_pilaster(stage, Box(x, 0.6, x + 0.6, 4.1), stone, True)
    draw_cornice(stage, Box(9.0, 4.15, 15.0, 4.75), stone)
    gable = np.array([[8.85, 4.75], [15.15, 4.75], [12.0, 5.85]])
    stage.cast(gable, 0.4)
    stage.canvas.polygon(gable, tone(stone, 1.04), Part.ORNAMENT)
    inner = (gable - gable.mean(0)) * 0.78 + gable.mean(0)
    stage.canvas.polygon(inner, tone(stone, 0.8), Part.ORNAMENT)
    draw_rosette(stage, (12.0, 5.12), 0.24, stone)
    draw_letters(stage, Box(10.3, 3.62, 13.7, 4.02), lettering("ШКОЛА № 12", 2, 160), (64.0, 44.0, 30.0))
    draw_steps(stage, 9.6, 14.4, 0.6, GRANITE)
    for x in (8.75, 15.25):
        draw_lamp(stage, x, 3.1, 0)
    draw_handrail(stage, np.array([[9.3, 0.5], [8.75, 0.0]]), 0.9, (40.0, 42.0, 44.0))
    draw_handrail(stage, np.array([[14.7, 0.5], [15.25, 0.0]]), 0.9, (40.0, 42.0, 44.0))
