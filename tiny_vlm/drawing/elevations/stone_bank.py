"""A bank in dressed stone: columns over two floors, rustication, bronze doors."""

from dataclasses import replace
from itertools import pairwise

from tiny_vlm.drawing import materials
from tiny_vlm.drawing.canvas import Colour, tone
from tiny_vlm.drawing.elevations.common import (
    GRANITE,
    NOON,
    far_shadow,
    open_stage,
    plaster_house,
)
from tiny_vlm.drawing.entrances import draw_door, draw_steps
from tiny_vlm.drawing.fittings import draw_lamp
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.ground import draw_ground
from tiny_vlm.drawing.house import draw_shell
from tiny_vlm.drawing.house_style import House
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.ornament import (
    draw_frieze,
    draw_panel,
    draw_pilaster,
)
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.people import draw_person
from tiny_vlm.drawing.signs import (
    draw_letters,
    draw_plate,
    lettering,
)
from tiny_vlm.drawing.vegetation import draw_tree
from tiny_vlm.drawing.windows import WindowStyle, draw_window


def stone_bank(oversampling: float) -> Stage:
    """A bank in dressed stone: columns over two floors, rustication, bronze doors."""
    stage = open_stage(
        37, Box(0.0, -2.2, 14.0, 15.3), 68.57 * oversampling, replace(NOON, slant=0.7, cloudiness=0.3)
    )
    rng = stage.rng
    stone: Colour = (206.0, 194.0, 170.0)
    window = WindowStyle(
        frame=(86.0, 74.0, 60.0),
        reveal=tone(stone, 0.8),
        sashes=2,
        transom=0.7,
        surround="segment",
        trim=tone(stone, 1.12),
        depth=0.3,
    )
    house = House(
        wall=int(Part.STONE_WALL),
        texture=materials.ashlar(rng, stone, 1.3, 0.55, 0.012),
        base=int(Part.STONE_WALL),
        base_texture=materials.ashlar(rng, tone(stone, 0.93), 1.25, 0.52, 0.06),
        colour=stone,
        trim=tone(stone, 1.1),
        ground=5.0,
        storey=3.7,
        floors=2,
        bay=2.7,
        size=(1.35, 2.1),
        window=window,
        ornate=0.5,
        balconies=0.0,
        roof="seam",
        roof_colour=(96.0, 128.0, 116.0),
        roof_height=0.95,
        attic=1.5,
    )
    beside = replace(plaster_house(stage, (196.0, 176.0, 152.0)), storey=3.6, floors=2, size=(1.2, 2.0))
    for left, right in ((-8.0, 0.4), (13.6, 22.0)):
        draw_shell(stage, beside, left, right)
    draw_shell(stage, house, 0.4, 13.6)
    axes = [0.4 + 13.2 * (index + 0.5) / 4 for index in range(4)]
    for x in (0.75, *[(a + b) / 2 for a, b in pairwise(axes)], 13.25):
        draw_pilaster(stage, Box(x - 0.32, 5.25, x + 0.32, 12.42), tone(stone, 1.14), True)
    draw_frieze(stage, Box(0.4, 12.42, 13.6, 13.0), tone(stone, 1.08))
    arch = WindowStyle(
        frame=(70.0, 60.0, 50.0),
        reveal=tone(stone, 0.7),
        rise=0.75,
        sashes=2,
        transom=0.62,
        bars=1,
        surround="ears",
        trim=tone(stone, 1.1),
        depth=0.35,
    )
    for x in (axes[0], axes[3]):
        draw_window(stage, Box(x - 0.85, 1.2, x + 0.85, 4.0), arch)
    draw_door(stage, Box(6.0, 0.6, 8.0, 3.9), (104.0, 76.0, 48.0), glazed=True, arch=0.9, leaves=2)
    for x in (4.2, 9.1):
        draw_window(
            stage, Box(x - 0.0, 1.3, x + 0.75, 3.6), replace(arch, rise=0.0, sashes=1, surround="band")
        )
    draw_steps(stage, 5.6, 8.4, 0.6, GRANITE)
    draw_panel(stage, Box(3.9, 4.18, 10.1, 4.8), tone(stone, 1.1), rosette=False)
    draw_letters(
        stage, Box(4.1, 4.32, 9.9, 4.66), lettering("СБЕРЕГАТЕЛЬНЫЙ БАНК", 2, 160), (70.0, 48.0, 26.0)
    )
    for x in (5.3, 8.7):
        draw_lamp(stage, x, 2.9, 1)
    draw_plate(stage, Box(8.95, 0.85, 9.35, 1.1))
    far_shadow(stage, 0.0, 14.0, 3.0)
    draw_ground(stage, 1.1, asphalt=120.0)
    draw_person(stage, 3.1, -0.6, 1.78)
    draw_person(stage, 10.6, -0.85, 1.7, -1)
    draw_person(stage, 11.2, -0.85, 1.8, -1)
    draw_tree(stage, 13.7, -0.3, 6.6, green=(84.0, 114.0, 56.0))
    return stage
