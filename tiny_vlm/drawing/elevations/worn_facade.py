"""A facade in need of repair: cracks, fallen plaster, stains, rust and old patches."""

from dataclasses import replace

from tiny_vlm.drawing import damage, materials
from tiny_vlm.drawing.balconies import draw_balcony
from tiny_vlm.drawing.canvas import Colour, tone
from tiny_vlm.drawing.elevations.common import (
    GRANITE,
    OVERCAST,
    open_stage,
)
from tiny_vlm.drawing.entrances import draw_door, draw_steps
from tiny_vlm.drawing.fittings import draw_cable, draw_conditioner, draw_drainpipe
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.ground import draw_ground
from tiny_vlm.drawing.house import draw_shell
from tiny_vlm.drawing.house_style import House
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.ornament import (
    draw_course,
)
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.people import draw_person
from tiny_vlm.drawing.signs import (
    draw_plate,
)
from tiny_vlm.drawing.windows import WindowStyle, draw_window


def worn_facade(oversampling: float) -> Stage:
    """A facade in need of repair: cracks, fallen plaster, stains, rust and old patches."""
    stage = open_stage(53, Box(0.0, -1.5, 13.0, 7.1667), 92.3077 * oversampling, OVERCAST)
    rng = stage.rng
    faded: Colour = (202.0, 178.0, 146.0)
    window = WindowStyle(
        frame=(196.0, 186.0, 170.0),
        reveal=tone(faded, 0.75),
        surround="ears",
        trim=(214.0, 204.0, 188.0),
        lit=0.0,
    )
    house = House(
        wall=int(Part.PLASTER_WALL),
        texture=materials.plaster(rng, faded, 1.3),
        base=int(Part.PLASTER_WALL),
        base_texture=materials.plaster(rng, tone(faded, 0.86), 1.5),
        colour=faded,
        trim=(214.0, 204.0, 188.0),
        ground=4.0,
        storey=3.9,
        floors=2,
        bay=3.1,
        size=(1.35, 2.1),
        window=window,
        ornate=0.35,
        balconies=0.0,
    )
    draw_shell(stage, house, -2.5, 16.0)
    plinth = Box(-2.5, 0.0, 16.0, 0.75)
    stage.canvas.textured(
        plinth.points(),
        materials.brick(rng, (134.0, 84.0, 68.0), (160.0, 150.0, 138.0), 1.1),
        Part.BRICK_WALL,
    )
    draw_course(stage, Box(-2.5, 0.72, 16.0, 0.86), (170.0, 162.0, 150.0))
    draw_balcony(stage, Box(5.0, 4.25, 8.5, 5.4), "iron", (46.0, 44.0, 42.0))
    draw_door(stage, Box(6.0, 0.3, 7.5, 3.0), (96.0, 74.0, 56.0), arch=0.35, leaves=2)
    draw_steps(stage, 5.9, 7.6, 0.3, GRANITE)
    for x in (2.6, 9.1):
        draw_window(stage, Box(x, 1.3, x + 1.35, 3.2), replace(window, surround="band"))
    draw_drainpipe(stage, 11.9, 0, 8.4, (128.0, 124.0, 116.0))
    draw_cable(stage, (-1.0, 3.7), (14.0, 3.55), 0.12)
    draw_conditioner(stage, 10.9, 4.6)
    draw_plate(stage, Box(8.0, 2.3, 8.5, 2.6))
    _wear(stage)
    draw_ground(stage, 1.1)
    draw_person(stage, 4.6, -0.6, 1.72, 1)
    return stage


def _wear(stage: Stage) -> None:
    rust: Colour = (128.0, 70.0, 36.0)
    for x, y, size in ((4.75, 2.7, 0.7), (1.1, 1.5, 0.85), (9.7, 5.0, 0.5), (12.6, 1.6, 0.55)):
        damage.add_spalling(stage, (x, y), size)
    for x, y, size in ((1.2, 6.6, 2.4), (8.8, 3.9, 2.0), (5.4, 3.95, 1.5), (11.0, 6.9, 2.2), (8.2, 2.0, 1.2)):
        damage.add_crack(stage, (x, y), size)
    for x, y, size in ((1.4, 4.2, 0.8), (8.9, 6.3, 0.6), (11.1, 2.6, 0.7)):
        damage.add_peeling(stage, (x, y), size)
    for x, y, size in ((3.2, 4.05, 0.9), (11.95, 6.4, 1.1), (0.4, 7.0, 1.0), (10.3, 4.0, 0.8)):
        damage.add_water_stain(stage, (x, y), size)
    for box in (Box(5.15, 2.6, 5.5, 4.2), Box(8.05, 2.5, 8.4, 4.2), Box(11.1, 3.4, 11.4, 4.55)):
        damage.add_streaks(stage, box, rust, 0.75, Part.CORROSION)
    for x in (3.4, 9.2):
        damage.add_efflorescence(stage, (x, 0.35), 0.45)
    damage.add_repair(stage, (2.2, 5.0), 0.4)
    damage.break_out(stage, (3.3, 6.2), 0.2, (int(Part.ORNAMENT),))
    damage.break_out(stage, (10.8, 4.05), 0.22, (int(Part.ORNAMENT),))
    damage.add_graffiti(stage, (7.72, 1.2), 0.45, (38.0, 60.0, 110.0))
