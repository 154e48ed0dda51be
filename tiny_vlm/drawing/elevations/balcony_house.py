"""A new house of light panels with glass balconies over a ground floor of glass."""

from dataclasses import replace

from tiny_vlm.drawing import materials
from tiny_vlm.drawing.balconies import draw_balcony
from tiny_vlm.drawing.canvas import Colour
from tiny_vlm.drawing.elevations.common import (
    EVENING,
    open_stage,
    plaster_house,
)
from tiny_vlm.drawing.entrances import draw_canopy, draw_door
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.ground import draw_ground, draw_lane
from tiny_vlm.drawing.house import draw_shell
from tiny_vlm.drawing.house_style import House
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.people import draw_person
from tiny_vlm.drawing.signs import (
    draw_letters,
    draw_plate,
    lettering,
)
from tiny_vlm.drawing.vegetation import draw_bush, draw_tree
from tiny_vlm.drawing.vehicles import draw_car
from tiny_vlm.drawing.windows import WindowStyle, draw_window


def balcony_house(oversampling: float) -> Stage:
    """A new house of light panels with glass balconies over a ground floor of glass."""
    stage = open_stage(
        41,
        Box(0.0, -2.6, 25.5, 14.4),
        47.0588 * oversampling,
        replace(EVENING, slant=-0.4, cloudiness=0.4, sky_low=(226.0, 230.0, 232.0)),
    )
    rng = stage.rng
    light: Colour = (222.0, 220.0, 212.0)
    window = WindowStyle(
        frame=(62.0, 66.0, 70.0),
        reveal=(140.0, 140.0, 136.0),
        sashes=2,
        transom=1.0,
        depth=0.14,
        sill=False,
        lit=0.2,
    )
    house = House(
        wall=int(Part.PANEL_WALL),
        texture=materials.panels(rng, light, 1.55, 1.05, 0.02),
        base=int(Part.PANEL_WALL),
        base_texture=materials.panels(rng, (120.0, 92.0, 70.0), 0.3, 3.6, 0.05),
        colour=light,
        trim=(206.0, 204.0, 198.0),
        ground=3.6,
        storey=3.05,
        floors=3,
        bay=3.1,
        size=(2.0, 1.75),
        window=window,
        ornate=0.0,
        balconies=0.0,
        roof="flat",
        roof_colour=(88.0, 92.0, 96.0),
    )
    draw_bush(stage, Box(-1.0, 0.0, 1.5, 2.2))
    draw_shell(stage, house, 1.4, 20.0)
    for floor in range(3):
        base = 3.6 + 3.05 * floor
        for left in (1.9, 14.3):
            _loggia(stage, Box(left, base + 0.05, left + 5.2, base + 2.75))
    tower = Box(9.35, 3.6, 12.05, 12.75)
    stage.cast(tower.points(), 0.4)
    sky, ground = (168.0, 194.0, 210.0), (84.0, 98.0, 106.0)
    stage.canvas.textured(
        tower.points(),
        materials.curtain_wall(rng, sky, ground, (60.0, 64.0, 68.0), 0.9, 1.52),
        Part.GLASS_WALL,
    )
    _lobby(stage)
    far = replace(
        plaster_house(stage, (196.0, 186.0, 176.0)),
        ground=3.2,
        storey=2.9,
        floors=1,
        bay=2.4,
        size=(1.2, 1.5),
        roof_height=1.4,
    )
    draw_shell(stage, far, 20.0, 30.0)
    draw_ground(stage, 1.2, asphalt=120.0)
    draw_lane(stage, -2.3)
    for left, right in ((1.6, 8.6), (20.2, 25.5)):
        draw_bush(stage, Box(left, 0.0, right, 0.55))
    draw_tree(stage, 22.9, -0.3, 8.8, green=(96.0, 124.0, 62.0))
    draw_tree(stage, 0.5, -0.3, 7.2, green=(120.0, 140.0, 66.0))
    draw_person(stage, 12.9, -0.6, 1.75, 1)
    draw_person(stage, 7.2, -0.75, 1.66, -1)
    draw_car(stage, 14.2, -1.8, "saloon", (64.0, 84.0, 108.0), 1.1)
    return stage


def _loggia(stage: Stage, box: Box) -> None:
    """A recess with doors of glass behind a balcony."""
    stage.canvas.rect(box, (120.0, 118.0, 114.0), Part.PANEL_WALL)
    glass = WindowStyle(
        frame=(62.0, 66.0, 70.0),
        reveal=(90.0, 90.0, 88.0),
        sashes=3,
        transom=1.0,
        depth=0.9,
        sill=False,
        lit=0.2,
    )
    draw_window(stage, box.part(0.06, 0.0, 0.94, 0.9), glass)
    stage.cast(Box(box.left, box.top, box.right, box.top + 0.6).points(), 1.0, box.points())
    draw_balcony(
        stage,
        Box(box.left - 0.15, box.bottom - 0.1, box.right + 0.15, box.bottom + 1.05),
        "glass",
        (176.0, 180.0, 182.0),
    )


def _lobby(stage: Stage) -> None:
    glass = WindowStyle(
        frame=(52.0, 54.0, 58.0),
        reveal=(110.0, 104.0, 98.0),
        sashes=4,
        transom=0.8,
        depth=0.2,
        sill=False,
        lit=0.4,
    )
    draw_window(stage, Box(2.0, 0.35, 8.6, 2.9), glass)
    draw_window(stage, Box(13.2, 0.35, 19.4, 2.9), glass)
    draw_door(stage, Box(9.9, 0.0, 11.5, 2.6), (58.0, 60.0, 64.0), glazed=True, leaves=2)
    draw_canopy(stage, Box(9.1, 2.75, 12.3, 3.05), "slab", (200.0, 198.0, 192.0))
    draw_letters(stage, Box(13.6, 3.05, 17.6, 3.42), lettering("КОФЕ & КНИГИ", 0, 160), (246.0, 244.0, 236.0))
    draw_plate(stage, Box(8.85, 1.9, 9.3, 2.2))
