"""A street at night: lit windows, shop signs, lamps and a wet road."""

from dataclasses import replace

from tiny_vlm.drawing import materials
from tiny_vlm.drawing.canvas import Colour, tone
from tiny_vlm.drawing.elevations.common import NIGHT, WHITE, WOOD, open_stage, plaster_house
from tiny_vlm.drawing.entrances import draw_door
from tiny_vlm.drawing.fittings import draw_lamp, draw_lamp_post
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.ground import draw_ground, draw_wet_road
from tiny_vlm.drawing.house import draw_shell
from tiny_vlm.drawing.house_style import House
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.people import draw_person
from tiny_vlm.drawing.signs import (
    draw_board,
    draw_letters,
    draw_projecting,
    lettering,
)
from tiny_vlm.drawing.vehicles import draw_car
from tiny_vlm.drawing.windows import WindowStyle, draw_window


def night_street(oversampling: float) -> Stage:
    """A street at night: lit windows, shop signs, lamps and a wet road."""
    stage = open_stage(67, Box(0.0, -3.4, 25.5, 13.6), 47.0588 * oversampling, NIGHT)
    rng = stage.rng
    rose: Colour = (196.0, 136.0, 118.0)
    house = House(
        wall=int(Part.PLASTER_WALL),
        texture=materials.plaster(rng, rose),
        base=int(Part.STONE_WALL),
        base_texture=materials.ashlar(rng, (168.0, 160.0, 148.0), 1.1, 0.46, 0.03),
        colour=rose,
        trim=WHITE,
        ground=4.0,
        storey=3.6,
        floors=2,
        bay=2.6,
        size=(1.25, 2.0),
        window=WindowStyle(surround="ears", trim=WHITE, reveal=tone(rose, 0.7), lit=0.6),
        ornate=0.65,
        balconies=0.0,
        roof_height=1.3,
    )
    draw_shell(stage, house, 6.2, 19.4)
    left = replace(
        plaster_house(stage, (150.0, 166.0, 176.0)),
        ground=3.8,
        storey=3.3,
        floors=1,
        bay=2.5,
        size=(1.2, 1.8),
        roof_height=1.6,
    )
    draw_shell(stage, left, -3.0, 6.2)
    brick: Colour = (146.0, 84.0, 66.0)
    walls = materials.brick(rng, brick, (150.0, 140.0, 128.0), 1.1)
    right = House(
        wall=int(Part.BRICK_WALL),
        texture=walls,
        base=int(Part.BRICK_WALL),
        base_texture=walls,
        colour=brick,
        trim=(190.0, 178.0, 160.0),
        ground=3.9,
        storey=3.3,
        floors=2,
        bay=2.4,
        size=(1.2, 1.8),
        window=WindowStyle(rise=0.3, reveal=tone(brick, 0.7), lit=0.5),
        ornate=0.3,
        balconies=0.0,
        roof_height=1.2,
    )
    draw_shell(stage, right, 19.4, 30.0)
    _night_shops(stage)
    draw_ground(stage, 1.0, asphalt=86.0)
    draw_wet_road(stage, 0.72)
    for x in (6.0, 19.6):
        draw_lamp_post(stage, x, -0.85, 4.6)
    draw_person(stage, 5.4, -0.7, 1.75, 1)
    draw_person(stage, 14.3, -0.65, 1.7, -1)
    draw_person(stage, 14.9, -0.7, 1.8, -1)
    draw_car(stage, 18.4, -1.9, "saloon", (60.0, 64.0, 72.0), 1.12)
    return stage


def _night_shops(stage: Stage) -> None:
    shop = WindowStyle(
        frame=(60.0, 48.0, 40.0), reveal=(120.0, 112.0, 100.0), sashes=2, transom=0.78, lit=1.0
    )
    for x, width in ((0.5, 2.2), (3.2, 2.2), (7.0, 2.4), (11.2, 2.4), (16.0, 2.4), (20.4, 2.1)):
        draw_window(stage, Box(x, 0.55, x + width, 2.9), shop)
    for x, colour in ((9.7, WOOD), (14.2, (70.0, 50.0, 44.0)), (22.9, (60.0, 70.0, 64.0))):
        draw_door(stage, Box(x, 0.15, x + 1.2, 2.9), colour, glazed=True)
    draw_letters(
        stage, Box(7.0, 3.15, 13.6, 3.75), lettering("РЕСТОРАН", 2, 160), (255.0, 214.0, 150.0), True
    )
    draw_board(
        stage,
        Box(0.5, 3.05, 5.4, 3.62),
        lettering("АПТЕКА", 0, 160),
        (40.0, 128.0, 84.0),
        (250.0, 250.0, 246.0),
        True,
    )
    draw_board(
        stage,
        Box(20.2, 3.05, 24.4, 3.6),
        lettering("ЦВЕТЫ", 3, 160),
        (150.0, 46.0, 84.0),
        (255.0, 240.0, 236.0),
        True,
    )
    draw_projecting(stage, Box(15.6, 2.4, 16.05, 3.6), (60.0, 90.0, 150.0), lettering("КИНО", 0, 60))
    for x in (9.45, 10.95, 13.9):
        draw_lamp(stage, x, 2.9, 1)
