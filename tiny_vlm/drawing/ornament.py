"""Mouldings on the wall: cornices, string courses, pilasters, quoins, friezes, rosettes."""

import numpy as np

from tiny_vlm.drawing.canvas import Colour, tone
from tiny_vlm.drawing.geometry import Box, arc, ellipse
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.windows import draw_ledge


def draw_cornice(stage: Stage, box: Box, colour: Colour, dentils: bool = True) -> None:
    """The main cornice: frieze, dentils, and a slab that throws a deep shadow."""
    canvas = stage.canvas
    if not canvas.sees(box.grow(0.8)):
        return
    stage.cast(box.points(), 0.55)
    canvas.gradient(box, tone(colour, 0.95), tone(colour, 0.8), Part.ORNAMENT)
    slab, middle, lower = box.part(0, 0.68, 1, 1), box.part(0, 0.4, 1, 0.68), box.part(0, 0, 1, 0.18)
    if dentils and stage.fine(0.12, 1.5):
        for x in np.arange(box.left, box.right - 0.15, max(0.28, 3.0 / canvas.scale)):
            tooth = Box(x, middle.bottom, x + 0.15, middle.top)
            stage.cast(tooth.points(), 0.06)
            canvas.rect(tooth, tone(colour, 0.98))
    draw_ledge(stage, lower.grow(0.03, 0), colour, 0.06)
    draw_ledge(stage, slab.grow(0.22, 0), colour, 0.22)
    canvas.rect(slab.part(0, 0.75, 1, 1).grow(0.26, 0), tone(colour, 1.25), Part.ORNAMENT)


def draw_course(stage: Stage, box: Box, colour: Colour) -> None:
    """A string course between two floors."""
    draw_ledge(stage, box, colour, 0.14)
    stage.canvas.rect(box.part(0, 0.42, 1, 0.55), tone(colour, 0.78))


def draw_pilaster(stage: Stage, box: Box, colour: Colour, fluted: bool) -> None:
    """A flat column with base and capital."""
    canvas = stage.canvas
    if not canvas.sees(box.grow(0.3)):
        return
    stage.cast(box.points(), 0.16)
    canvas.rect(box, colour, Part.ORNAMENT)
    lit = 0.0 if stage.light.slant > 0 else 0.88
    canvas.rect(box.part(lit, 0, lit + 0.12, 1), tone(colour, 1.15))
    if fluted and stage.fine(0.08, 1.5):
        for share in (0.28, 0.45, 0.62, 0.79):
            canvas.rect(box.part(share, 0.05, share + 0.07, 0.95), tone(colour, 0.82))
    for low, high in ((0.0, 0.05), (0.93, 1.0)):
        draw_ledge(stage, box.part(0, low, 1, high).grow(0.08, 0), colour, 0.1)
    if stage.fine(0.2, 4):
        for x in (box.left, box.right):
            canvas.polygon(ellipse((x, box.top - 0.18), (0.12, 0.12)), tone(colour, 0.9), Part.ORNAMENT)
            canvas.polygon(ellipse((x, box.top - 0.18), (0.06, 0.06)), tone(colour, 0.7), Part.ORNAMENT)


def draw_quoins(
    stage: Stage, left: float, bottom: float, top: float, colour: Colour, direction: int = 1
) -> None:
    """Corner blocks, long and short in turn."""
    for index, y in enumerate(np.arange(bottom, top - 0.35, 0.42)):
        width = (0.75 if index % 2 else 0.5) * direction
        block = Box(min(left, left + width), y, max(left, left + width), y + 0.38)
        stage.cast(block.points(), 0.06)
        stage.canvas.gradient(block, tone(colour, 1.08), tone(colour, 0.94), Part.ORNAMENT)


def draw_frieze(stage: Stage, box: Box, colour: Colour) -> None:
    """A band of garlands and rosettes."""
    canvas = stage.canvas
    if not canvas.sees(box):
        return
    canvas.rect(box, tone(colour, 0.92), Part.ORNAMENT)
    step = max(box.height * 1.6, 4.0 / canvas.scale)
    for x in np.arange(box.left + step / 2, box.right - step / 4, step):
        swag = arc((x, box.top - box.height * 0.15), (step * 0.42, box.height * 0.6), 180, 360, 12)
        canvas.line(swag - (0, 0.03), box.height * 0.16, tone(colour, 0.66))
        canvas.line(swag, box.height * 0.14, tone(colour, 1.15))
        draw_rosette(stage, (x + step / 2, box.centre[1]), box.height * 0.24, colour)


def draw_rosette(stage: Stage, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    """A round relief with petals."""
    stage.cast(ellipse(centre, (radius, radius)), 0.05)
    stage.canvas.polygon(ellipse(centre, (radius, radius)), tone(colour, 0.85), Part.ORNAMENT)
    if stage.canvas.length(radius) > 4:
        for angle in np.radians(np.arange(0, 360, 60)):
            petal = (centre[0] + 0.55 * radius * np.cos(angle), centre[1] + 0.55 * radius * np.sin(angle))
            stage.canvas.polygon(ellipse(petal, (radius * 0.3, radius * 0.3), 12), tone(colour, 1.1))
    stage.canvas.polygon(ellipse(centre, (radius * 0.3, radius * 0.3), 12), tone(colour, 1.2))


def draw_panel(stage: Stage, box: Box, colour: Colour, *, rosette: bool = True) -> None:
    """A framed field with a relief in its middle, as below windows."""
    if not stage.canvas.sees(box) or box.height < 0.2:
        return
    stage.canvas.rect(box, tone(colour, 0.8), Part.ORNAMENT)
    stage.canvas.rect(box.grow(-0.03).shift(0.012, -0.012), tone(colour, 1.1), Part.ORNAMENT)
    stage.canvas.rect(box.grow(-0.07), tone(colour, 0.94), Part.ORNAMENT)
    if rosette and stage.chance(0.6):
        draw_rosette(stage, box.centre, min(box.height, box.width) * 0.28, colour)
