"""Doors, archways, steps and canopies."""

import numpy as np

from tiny_vlm.drawing.canvas import Colour, Grid, Plane, mix, rgb, tone
from tiny_vlm.drawing.geometry import Box, arc, arched
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.windows import draw_ledge


def draw_door(
    stage: Stage, box: Box, colour: Colour, *, glazed: bool = False, arch: float = 0.0, leaves: int = 1
) -> None:
    """A door with its panels or glass, handle and frame."""
    canvas = stage.canvas
    if not canvas.sees(box):
        return
    opening = arched(box, arch) if arch else box.points()
    canvas.polygon(opening, tone(colour, 0.55), Part.DOOR)
    leaf = box.grow(-0.06, 0.0)._replace(top=box.top - 0.06 - arch)
    canvas.gradient(leaf, tone(colour, 1.05), tone(colour, 0.9))
    if arch:
        light = arc((box.centre[0], box.top - arch), (box.width / 2 - 0.08, max(arch - 0.1, 0.02)), 0, 180)
        canvas.polygon(light, mix((60.0, 66.0, 72.0), stage.light.sky_low, 0.3))
    for index in range(leaves):
        _leaf(stage, leaf.part(index / leaves, 0, (index + 1) / leaves, 1), colour, glazed)
    stage.cast(Box(box.left, box.top, box.right, box.top + 0.4).points(), 0.2, opening)
    side = (
        Box(box.left - 0.4, box.bottom, box.left, box.top)
        if stage.light.slant > 0
        else Box(box.right, box.bottom, box.right + 0.4, box.top)
    )
    stage.cast(side.points(), 0.2, opening)


def _leaf(stage: Stage, box: Box, colour: Colour, glazed: bool) -> None:
    canvas = stage.canvas
    canvas.line(box.points()[[0, 3]], 0.015, tone(colour, 0.6))
    if glazed:
        pane = box.grow(-0.1, -0.1)
        lit = stage.light.night > 0.2 and stage.chance(0.6)
        top = (
            (250.0, 232.0, 185.0)
            if lit
            else mix((50.0, 56.0, 60.0), stage.light.sky_low, stage.pick(0.1, 0.5))
        )
        canvas.gradient(pane, top, tone(top, 0.6), glow=220 if lit else None)
    else:
        for low, high in ((0.08, 0.42), (0.5, 0.92)):
            panel = box.part(0.16, low, 0.84, high)
            canvas.rect(panel, tone(colour, 0.78))
            canvas.rect(panel.grow(-0.035).shift(0.008, -0.008), tone(colour, 1.08))
    handle = box.part(0.84, 0.42, 0.92, 0.5)
    canvas.rect(handle, (205.0, 190.0, 140.0))


def draw_roller(stage: Stage, box: Box, colour: Colour) -> None:
    """A roller shutter or garage door."""

    def texture(grid: Grid) -> Plane:
        wave = 0.9 + 0.14 * np.sin(grid.y * (2 * np.pi / 0.11))
        return np.asarray(rgb(colour) * np.broadcast_to(wave[..., None], (*grid.shape, 1)), np.float32)

    stage.canvas.textured(box.points(), texture, Part.DOOR)
    stage.cast(Box(box.left, box.top, box.right, box.top + 0.4).points(), 0.2, box.points())


def draw_archway(stage: Stage, box: Box, trim: Colour) -> None:
    """A passage to the courtyard: vault in the dark, light at its far end, perhaps a gate."""
    canvas = stage.canvas
    if not canvas.sees(box.grow(0.4)):
        return
    rise = min(box.width / 2, box.height * 0.5) * stage.pick(0.6, 1.0)
    ring = arched(box.grow(0.25, 0.0)._replace(top=box.top + 0.25), rise + 0.25)
    stage.cast(ring, 0.08)
    canvas.polygon(ring, trim, Part.ORNAMENT)
    opening = arched(box, rise)
    deep = stage.pick(16, 40)
    colour = (deep * 1.1, deep, deep * 0.92)
    canvas.polygon(opening, tone(colour, 2.0) if stage.light.night else (62.0, 58.0, 52.0), Part.ARCHWAY)
    _vault(stage, box, rise, colour)
    if stage.chance(0.4):
        _gate(stage, box, rise)
    wedge = np.array([[-0.14, -0.03], [0.14, -0.03], [0.2, 0.42], [-0.2, 0.42]])
    wedge += np.array([box.centre[0], box.top])
    stage.cast(wedge, 0.1)
    canvas.polygon(wedge, tone(trim, 1.06), Part.ORNAMENT)


def _vault(stage: Stage, box: Box, rise: float, colour: Colour) -> None:
    canvas = stage.canvas
    for share in np.linspace(0.95, 0.5, 6):
        inner = Box(
            box.centre[0] - box.width * share / 2,
            box.bottom,
            box.centre[0] + box.width * share / 2,
            box.bottom + box.height * (0.35 + 0.65 * share),
        )
        canvas.polygon(arched(inner, rise * share), mix((70.0, 64.0, 56.0), colour, (1 - share) * 2))
    end = box.part(0.33, 0.08, 0.67, 0.5)
    if stage.chance(0.7):
        yard = mix((150.0, 140.0, 125.0), stage.light.sky_low, 0.3)
        canvas.polygon(arched(end, min(rise * 0.4, end.height)), tone(yard, stage.pick(0.5, 1.0)))
        canvas.rect(end.part(0.2, 0.3, 0.45, 0.6), (60.0, 62.0, 66.0))
    floor = np.array(
        [[box.left, box.bottom], [box.right, box.bottom], [end.right, end.bottom], [end.left, end.bottom]]
    )
    canvas.polygon(floor, (84.0, 80.0, 76.0))


def _gate(stage: Stage, box: Box, rise: float) -> None:
    canvas, iron = stage.canvas, (28.0, 28.0, 30.0)
    top = box.top - rise * 0.6
    for x in np.arange(box.left + 0.08, box.right, 0.16):
        canvas.line(np.array([[x, box.bottom], [x, top]]), 0.025, iron)
    for y in (box.bottom + 0.2, box.bottom + 1.1, top):
        canvas.line(np.array([[box.left, y], [box.right, y]]), 0.05, iron)


def draw_steps(stage: Stage, left: float, right: float, top: float, colour: Colour) -> None:
    """A flight of steps from the pavement up to ``top`` metres, wider below."""
    count = max(1, round(top / 0.15))
    for index in range(count):
        spread = 0.12 + 0.22 * index
        step = Box(
            left - spread,
            top - (index + 1) * top / count - 0.02 * index,
            right + spread,
            top - index * top / count - 0.02 * index,
        )
        stage.canvas.rect(step, tone(colour, 0.72), Part.STEPS)
        tread = step._replace(bottom=step.top - step.height * 0.4)
        stage.canvas.rect(tread, tone(colour, 1.08), Part.STEPS)
    base = Box(left - 0.2 - 0.22 * count, -0.1, right + 0.2 + 0.22 * count, 0.0)
    stage.canvas.shade(base.points(), 0.3, 0.1)


def draw_canopy(stage: Stage, box: Box, kind: str, colour: Colour) -> None:
    """A roof over a door or shop: "slab", "glass", "awning", "stripes" or "gable"."""
    canvas = stage.canvas
    if not canvas.sees(box):
        return
    stage.cast(box.points(), 0.7, strength=0.9)
    if kind in ("awning", "stripes"):
        _awning(stage, box, colour, kind == "stripes" or stage.chance(0.5))
    elif kind == "gable":
        peak = np.array([[box.left, box.bottom], [box.right, box.bottom], [box.centre[0], box.top]])
        canvas.polygon(peak, tone(colour, 0.7), Part.CANOPY)
        canvas.line(peak[[0, 2, 1]], 0.1, colour, Part.CANOPY)
    elif kind == "glass":
        canvas.rect(box, mix((150.0, 170.0, 178.0), stage.light.sky_low, 0.4), Part.CANOPY)
        canvas.rect(box.part(0, 0, 1, 0.25), (90.0, 94.0, 98.0), Part.CANOPY)
        for share in np.linspace(0, 1, 5):
            x = box.left + share * box.width
            canvas.line(np.array([[x, box.bottom], [x, box.top]]), 0.03, (80.0, 84.0, 88.0))
    else:
        draw_ledge(stage, box, colour, 0.8, Part.CANOPY)


def _awning(stage: Stage, box: Box, colour: Colour, striped: bool) -> None:
    spread = 0.12
    stripes = max(1, round(box.width / 0.28)) if striped else 1
    for index in range(stripes):
        a, b = index / stripes, (index + 1) / stripes
        shade = colour if index % 2 == 0 else (240.0, 236.0, 226.0)
        lower_left = box.left - spread + a * (box.width + 2 * spread)
        lower_right = box.left - spread + b * (box.width + 2 * spread)
        cloth = np.array(
            [
                [lower_left, box.bottom + 0.16],
                [lower_right, box.bottom + 0.16],
                [box.left + b * box.width, box.top],
                [box.left + a * box.width, box.top],
            ]
        )
        stage.canvas.polygon(cloth, tone(shade, 1.0), Part.CANOPY)
        stage.canvas.rect(
            Box(lower_left, box.bottom, lower_right, box.bottom + 0.16), tone(shade, 0.82), Part.CANOPY
        )
