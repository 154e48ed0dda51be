"""An ochre apartment house with white ornament, a bakery and a passage to the yard."""

from dataclasses import replace

from tiny_vlm.drawing import materials
from tiny_vlm.drawing.canvas import Colour, mix
from tiny_vlm.drawing.elevations.common import (
    GRANITE,
    NOON,
    WHITE,
    WOOD,
    far_shadow,
    open_stage,
    plaster_house,
)
from tiny_vlm.drawing.entrances import draw_archway, draw_canopy, draw_door, draw_steps
from tiny_vlm.drawing.fittings import draw_drainpipe, draw_lamp, draw_lamp_post
from tiny_vlm.drawing.geometry import Box, ellipse
from tiny_vlm.drawing.ground import draw_ground, draw_lane
from tiny_vlm.drawing.house import draw_shell
from tiny_vlm.drawing.house_style import House
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.people import draw_person
from tiny_vlm.drawing.signs import (
    draw_board,
    draw_plate,
    lettering,
)
from tiny_vlm.drawing.vegetation import draw_bush, draw_tree
from tiny_vlm.drawing.vehicles import draw_car
from tiny_vlm.drawing.windows import WindowStyle, draw_window


def apartment_house(oversampling: float) -> Stage:
    """An ochre apartment house with white ornament, a bakery and a passage to the yard."""
    stage = open_stage(15, Box(0.0, -2.7, 26.4, 14.9), 45.4545 * oversampling, NOON)
    rng = stage.rng
    ochre: Colour = (222.0, 178.0, 104.0)
    beside = replace(
        plaster_house(stage, (180.0, 194.0, 186.0)),
        ground=3.7,
        storey=3.2,
        floors=2,
        bay=2.4,
        size=(1.1, 1.7),
        roof_colour=(132.0, 92.0, 76.0),
        roof_height=1.5,
    )
    draw_shell(stage, beside, -7.0, 2.6)
    draw_window(stage, Box(0.6, 1.1, 1.75, 2.9), beside.window)
    far = replace(
        plaster_house(stage, (206.0, 186.0, 170.0)),
        ground=3.5,
        storey=3.0,
        floors=1,
        bay=2.6,
        size=(1.1, 1.6),
        roof_colour=(120.0, 126.0, 126.0),
        roof_height=1.8,
    )
    draw_shell(stage, far, 18.0, 32.0)
    house = House(
        wall=int(Part.PLASTER_WALL),
        texture=materials.plaster(rng, ochre),
        base=int(Part.STONE_WALL),
        base_texture=materials.ashlar(rng, (188.0, 178.0, 158.0), 1.1, 0.46, 0.03),
        colour=ochre,
        trim=WHITE,
        ground=4.1,
        storey=3.6,
        floors=2,
        bay=2.55,
        size=(1.2, 1.95),
        window=WindowStyle(
            frame=(240.0, 238.0, 230.0), reveal=(186.0, 150.0, 90.0), surround="pediment", trim=WHITE
        ),
        ornate=0.8,
        balconies=0.0,
        roof_colour=(112.0, 128.0, 122.0),
        roof_height=1.1,
        attic=0.75,
    )
    draw_shell(stage, house, 2.6, 18.0)
    _bakery(stage)
    for x in (2.72, 17.7):
        draw_drainpipe(stage, x, 0, 11.2, (200.0, 194.0, 182.0))
    far_shadow(stage, 0.0, 18.0, 4.0)
    draw_ground(stage, 1.0, asphalt=122.0)
    draw_lane(stage, -2.35)
    draw_lamp_post(stage, 17.5, -0.85, 4.4)
    draw_bush(stage, Box(18.6, 0.0, 26.4, 1.0))
    draw_tree(stage, 22.3, -0.3, 10.4, green=(104.0, 128.0, 58.0))
    draw_person(stage, 9.5, -0.6, 1.76)
    draw_person(stage, 15.9, -0.75, 1.68, -1)
    draw_car(stage, 19.4, -1.85, "hatchback", (160.0, 40.0, 40.0), 1.12, flip=True)
    return stage


def _bakery(stage: Stage) -> None:
    shop = WindowStyle(
        frame=(78.0, 54.0, 40.0), reveal=(150.0, 138.0, 118.0), sashes=2, transom=0.76, trim=WHITE
    )
    green: Colour = (42.0, 72.0, 60.0)
    for left in (3.5, 8.0):
        draw_window(stage, Box(left, 0.6, left + 2.1, 2.95), shop)
        for share, colour in (
            (0.2, (214.0, 170.0, 110.0)),
            (0.45, (196.0, 140.0, 84.0)),
            (0.7, (226.0, 190.0, 130.0)),
        ):
            loaf = ellipse((left + 2.1 * share, 0.86), (0.2, 0.11))
            stage.canvas.polygon(loaf, mix(colour, (40.0, 40.0, 44.0), 0.25))
    draw_door(stage, Box(6.2, 0.15, 7.4, 2.95), WOOD, glazed=True)
    draw_steps(stage, 6.1, 7.5, 0.15, GRANITE)
    draw_board(
        stage, Box(3.5, 3.2, 10.1, 3.84), lettering("ПЕКАРНЯ · BAKERY", 2, 160), green, (244.0, 228.0, 182.0)
    )
    for left in (3.4, 7.9):
        draw_canopy(stage, Box(left, 2.55, left + 2.3, 3.12), "stripes", (58.0, 104.0, 84.0))
    draw_archway(stage, Box(11.1, 0.0, 13.7, 3.35), WHITE)
    draw_door(stage, Box(14.7, 0.3, 16.0, 3.0), WOOD, arch=0.4, leaves=2)
    draw_steps(stage, 14.6, 16.1, 0.3, GRANITE)
    for x in (14.35, 16.35):
        draw_lamp(stage, x, 2.6, 0)
    draw_plate(stage, Box(16.75, 2.3, 17.25, 2.65))
