"""The ground floor: doors, arches, shops with their signs, and what is fixed to the wall there."""

from dataclasses import replace

import numpy as np

from tiny_vlm.drawing.canvas import Colour, mix, tone
from tiny_vlm.drawing.entrances import draw_archway, draw_canopy, draw_door, draw_roller, draw_steps
from tiny_vlm.drawing.fittings import (
    draw_cabinet,
    draw_cable,
    draw_camera,
    draw_conditioner,
    draw_drainpipe,
    draw_gas_pipe,
    draw_lamp,
)
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.house_style import House
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.signs import (
    draw_board,
    draw_letters,
    draw_plate,
    draw_poster,
    draw_projecting,
    random_word,
)
from tiny_vlm.drawing.windows import draw_window

DOORS: tuple[Colour, ...] = (
    (110.0, 66.0, 42.0),
    (84.0, 56.0, 44.0),
    (70.0, 40.0, 36.0),
    (60.0, 64.0, 70.0),
    (120.0, 124.0, 128.0),
    (50.0, 84.0, 66.0),
    (128.0, 40.0, 44.0),
    (168.0, 120.0, 72.0),
    (40.0, 56.0, 84.0),
)
BOARDS: tuple[Colour, ...] = (
    (176.0, 34.0, 38.0),
    (30.0, 90.0, 60.0),
    (34.0, 56.0, 120.0),
    (236.0, 232.0, 222.0),
    (44.0, 42.0, 44.0),
    (220.0, 170.0, 50.0),
    (110.0, 60.0, 110.0),
    (40.0, 140.0, 150.0),
    (90.0, 62.0, 44.0),
)


def draw_ground_floor(stage: Stage, house: House, body: Box) -> None:
    """Fill each bay of the ground floor, then hang the fittings."""
    count = max(1, int(body.width / (house.bay * 1.15)))
    for index in range(count):
        bay = body.part(index / count, 0, (index + 1) / count, 1)
        if stage.canvas.sees(bay):
            _draw_bay(stage, house, bay)
    draw_wall_fittings(stage, house, body)


def _draw_bay(stage: Stage, house: House, bay: Box) -> None:
    kinds = ["shop", "door", "arch", "window", "blank", "roller"]
    rest = 1 - house.shops
    weights = np.array([house.shops, 0.30 * rest, 0.14 * rest, 0.44 * rest, 0.06 * rest, 0.06 * rest])
    kind = str(stage.rng.choice(kinds, p=weights / weights.sum()))
    if kind == "shop":
        draw_shop(stage, house, bay)
    elif kind == "door":
        draw_entrance(stage, house, bay)
    elif kind == "arch":
        box = bay.part(0.14, 0, 0.86, 0.82)
        draw_archway(stage, box, house.trim)
    elif kind == "roller":
        draw_roller(
            stage, bay.part(0.15, 0, 0.85, 0.7), tone(BOARDS[int(stage.rng.integers(len(BOARDS)))], 0.9)
        )
    elif kind == "window":
        style = replace(house.window, surround=house.window.surround if stage.chance(0.5) else "none")
        box = bay.part(0.2, stage.pick(0.2, 0.32), 0.8, stage.pick(0.68, 0.8))
        draw_window(stage, box, style)
        if stage.chance(0.15):
            _grille(stage, box)
        if stage.chance(0.3):
            draw_poster(stage, box.part(0.1, 0.05, 0.9, stage.pick(0.3, 0.9)))


def _grille(stage: Stage, box: Box) -> None:
    for x in np.arange(box.left, box.right, 0.14):
        stage.canvas.line(np.array([[x, box.bottom], [x, box.top]]), 0.02, (40.0, 40.0, 42.0))


def draw_entrance(stage: Stage, house: House, bay: Box) -> None:
    """A house door with steps, perhaps a canopy, a lamp, a plate and a sign."""
    rise = float(stage.rng.choice([0.0, 0.15, 0.3, 0.6]))
    width = stage.pick(1.0, min(1.7, bay.width * 0.6))
    middle = bay.centre[0]
    box = Box(middle - width / 2, rise, middle + width / 2, rise + stage.pick(2.1, 2.7))
    colour = DOORS[int(stage.rng.integers(len(DOORS)))]
    if stage.chance(0.5):
        frame = box.grow(0.2, 0)._replace(top=box.top + 0.2)
        stage.cast(frame.points(), 0.1)
        stage.canvas.rect(frame, house.trim, Part.ORNAMENT)
    draw_door(
        stage,
        box,
        colour,
        glazed=stage.chance(0.4),
        arch=stage.pick(0.25, 0.5) if stage.chance(0.3) else 0.0,
        leaves=1 + stage.chance(0.5),
    )
    if rise > 0:
        draw_steps(
            stage, box.left - 0.1, box.right + 0.1, rise, mix((150.0, 146.0, 140.0), house.colour, 0.2)
        )
    if stage.chance(0.45):
        kind = str(stage.rng.choice(["slab", "glass", "awning", "gable"]))
        top = box.top + (0.65 if kind in ("awning", "gable") else 0.32)
        draw_canopy(
            stage,
            Box(box.left - 0.3, box.top + 0.12, box.right + 0.3, top),
            kind,
            BOARDS[int(stage.rng.integers(len(BOARDS)))],
        )
    if stage.chance(0.5):
        draw_lamp(stage, box.left - 0.4, box.top - 0.2, int(stage.rng.integers(3)))
    if stage.chance(0.6):
        draw_plate(stage, Box(box.right + 0.25, box.top - 0.5, box.right + 0.65, box.top - 0.22))


def draw_shop(stage: Stage, house: House, bay: Box) -> None:
    """A shop: large panes or a glazed door, a sign above, perhaps an awning and posters."""
    rng = stage.rng
    pane = bay.part(0.08, 0.13 if stage.chance(0.7) else 0.02, 0.92, 0.66)
    shining = stage.light.night > 0.2 and stage.chance(0.8)
    board = BOARDS[int(rng.integers(len(BOARDS)))]
    if stage.chance(0.35):
        stage.canvas.rect(
            bay.part(0.03, 0.0, 0.97, 0.7),
            tone(board, 0.8),
            int(Part.ORNAMENT) if stage.chance(0.3) else house.base,
        )
    style = replace(
        house.window,
        rise=0.0,
        surround="none",
        sashes=int(rng.integers(1, 4)),
        transom=float(rng.choice([0.78, 1.0])),
        bars=0,
        lit=0.85,
    )
    draw_window(stage, pane, style)
    draw_goods(stage, pane)
    if stage.chance(0.55):
        left = pane.left + pane.width * float(rng.choice([0.0, 0.35, 0.66]))
        door = Box(left, 0.0, left + pane.width * 0.34, pane.top)
        draw_door(stage, door, DOORS[int(rng.integers(len(DOORS)))], glazed=stage.chance(0.8))
    draw_shop_sign(stage, bay, board, shining)
    if stage.chance(0.3):
        draw_canopy(
            stage, Box(pane.left - 0.05, pane.top - 0.35, pane.right + 0.05, pane.top + 0.3), "awning", board
        )


def draw_goods(stage: Stage, pane: Box) -> None:
    """What stands in a shop window: shelves, figures, posters stuck to the glass."""
    for _ in range(int(stage.rng.integers(0, 4))):
        left = stage.pick(0.05, 0.8)
        high = stage.pick(0.2, 0.6)
        colour = tuple(float(value) for value in stage.rng.uniform(40, 220, 3))
        stage.canvas.rect(
            pane.part(left, 0.04, left + stage.pick(0.05, 0.18), high),
            tone((colour[0], colour[1], colour[2]), 0.8),
        )
    if stage.chance(0.45):
        left = stage.pick(0.06, 0.5)
        draw_poster(
            stage,
            pane.part(left, stage.pick(0.1, 0.4), left + stage.pick(0.25, 0.45), stage.pick(0.55, 0.95)),
        )
    if stage.chance(0.25):
        draw_letters(stage, pane.part(0.1, 0.5, 0.9, 0.75), random_word(stage), (245.0, 245.0, 240.0))


def draw_shop_sign(stage: Stage, bay: Box, board: Colour, shining: bool) -> None:
    """The shop's name above its window, on a board or as letters, and perhaps a projecting sign."""
    text = random_word(stage)
    place = bay.part(0.08, 0.72, 0.92, 0.88)
    ink: Colour = (250.0, 248.0, 240.0) if sum(board) < 420 else (50.0, 40.0, 44.0)
    if stage.chance(0.55):
        draw_board(stage, place, text, board, ink, shining)
    else:
        colour = board if stage.chance(0.6) else (248.0, 246.0, 240.0)
        draw_letters(stage, place, text, colour, shining)
    if stage.chance(0.3):
        x = bay.left + stage.pick(0.0, 0.1)
        tall = stage.pick(0.4, 1.3)
        draw_projecting(
            stage,
            Box(x, 2.5, x + 0.45, 2.5 + tall),
            BOARDS[int(stage.rng.integers(len(BOARDS)))],
            random_word(stage),
        )


def draw_wall_fittings(stage: Stage, house: House, body: Box) -> None:
    """Downpipes at the ends, gas pipes, cables, conditioners, lamps, cabinets, cameras and plates by lot."""
    rng = stage.rng
    metal = mix(house.colour, (150.0, 152.0, 152.0), stage.pick(0.2, 1.0))
    for x in (body.left + 0.1, body.right - 0.3):
        if stage.chance(0.6):
            draw_drainpipe(stage, x, 0.0, house.top - 0.5, metal, stage.pick(0.1, 0.17))
    if stage.chance(0.2):
        yellow = ((206.0, 170.0, 60.0), (150.0, 150.0, 146.0))[int(rng.integers(2))]
        draw_gas_pipe(stage, body.left, body.right, stage.pick(2.7, 3.3), yellow)
    view = stage.canvas.view
    low, high = max(body.left, view.left), min(body.right, view.right)
    if high - low < 1.5:
        return
    if stage.chance(0.3):
        y = stage.pick(2.8, house.top)
        draw_cable(stage, (low, y), (high, y + stage.pick(-0.4, 0.4)), stage.pick(0.05, 0.4))
    for _ in range(int(rng.poisson(0.8))):
        draw_conditioner(stage, stage.pick(low, high - 0.9), stage.pick(2.6, min(house.top, view.top)))
    for _ in range(int(rng.poisson(0.7))):
        draw_lamp(stage, stage.pick(low, high - 0.5), stage.pick(2.3, 3.4), int(rng.integers(3)))
    for _ in range(int(rng.poisson(0.6))):
        x, y = stage.pick(low, high - 0.5), stage.pick(0.3, 2.0)
        draw_cabinet(
            stage,
            Box(x, y, x + stage.pick(0.2, 0.5), y + stage.pick(0.2, 0.6)),
            mix(house.colour, (190.0, 190.0, 186.0), stage.pick(0, 1)),
        )
    for _ in range(int(rng.poisson(0.4))):
        draw_camera(stage, stage.pick(low, high - 0.4), stage.pick(2.4, 3.5))
    for _ in range(int(rng.poisson(0.5))):
        x, y = stage.pick(low, high - 0.6), stage.pick(1.4, 2.6)
        draw_plate(stage, Box(x, y, x + stage.pick(0.2, 0.6), y + stage.pick(0.2, 0.35)))
