"""Balconies and free railings."""

import numpy as np

from tiny_vlm.drawing.canvas import Colour, rgb, tone
from tiny_vlm.drawing.geometry import Box, Points, arc
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part


def draw_balcony(stage: Stage, box: Box, kind: str, colour: Colour) -> None:
    """A balcony: slab, its shadow, and a parapet "iron", "glass", "solid" or "stone"."""
    canvas = stage.canvas
    if not canvas.sees(box.grow(0.5)):
        return
    slab = box._replace(top=box.bottom + 0.18)
    stage.cast(slab.points(), 0.7)
    stage.cast(slab.grow(0, 0.1).points(), 0.4, strength=0.6)
    parapet = box._replace(bottom=slab.top)
    if kind == "glass":
        canvas.textured(
            parapet.points(),
            lambda grid: np.broadcast_to(rgb(stage.light.sky_low), (*grid.shape, 3)),
            Part.BALCONY,
            opacity=0.4,
        )
        canvas.rect(parapet.part(0, 0.94, 1, 1), tone(colour, 0.8), Part.BALCONY)
        for share in np.linspace(0, 1, 4):
            x = parapet.left + share * parapet.width
            canvas.line(
                np.array([[x, parapet.bottom], [x, parapet.top]]), 0.04, tone(colour, 0.7), Part.BALCONY
            )
    elif kind == "solid":
        canvas.gradient(parapet, tone(colour, 1.05), tone(colour, 0.9), Part.BALCONY)
        canvas.rect(parapet.part(0, 0.92, 1, 1), tone(colour, 1.15), Part.BALCONY)
        canvas.rect(parapet.part(0, 0.88, 1, 0.92), tone(colour, 0.72), Part.BALCONY)
    else:
        canvas.mark(parapet, Part.BALCONY)
        _bars(stage, parapet, colour, kind == "stone", Part.BALCONY)
    canvas.gradient(
        slab.grow(0.06, 0),
        tone(colour if kind != "iron" else (190.0, 184.0, 174.0), 1.05),
        (120.0, 116.0, 110.0),
        Part.BALCONY,
    )
    if kind in ("iron", "stone"):
        for x in (box.left + 0.25, box.right - 0.25):
            console = arc((x, slab.bottom), (0.14, 0.45), 180, 360, 10)
            canvas.polygon(console, (168.0, 162.0, 152.0), Part.BALCONY)


def _bars(stage: Stage, box: Box, colour: Colour, thick: bool, part: int) -> None:
    canvas = stage.canvas
    width, gap = (0.12, 0.2) if thick else (0.022, 0.12)
    gap = max(gap, 2.2 / canvas.scale)
    for x in np.arange(box.left + width, box.right, gap):
        canvas.line(np.array([[x, box.bottom], [x, box.top]]), width, colour, part)
    if not thick and stage.fine(0.2, 6):
        for x in np.arange(box.left + 0.2, box.right - 0.1, 0.36):
            ring: Points = arc((x, box.centre[1]), (0.12, 0.16), 0, 360, 14)
            canvas.line(ring, 0.02, colour, part)
    rail = 0.1 if thick else 0.05
    canvas.rect(box._replace(bottom=box.top - rail), tone(colour, 1.1), part)
    canvas.rect(box._replace(top=box.bottom + rail), colour, part)
    for x in (box.left, box.right):
        canvas.line(np.array([[x, box.bottom], [x, box.top]]), 0.06, colour, part)


def draw_railing(stage: Stage, box: Box, colour: Colour) -> None:
    """A free railing along steps or the kerb."""
    stage.cast(box.part(0, 0.9, 1, 1).points(), 0.25)
    stage.canvas.mark(box, Part.RAILING)
    _bars(stage, box, colour, False, Part.RAILING)


def draw_handrail(stage: Stage, points: Points, height: float, colour: Colour) -> None:
    """A handrail above a sloping line with posts."""
    up = np.array([0.0, height])
    stage.canvas.line(points + up, 0.05, colour, Part.RAILING)
    stage.canvas.line(points + 0.5 * up, 0.03, colour, Part.RAILING)
    for x, y in points:
        stage.canvas.line(np.array([[x, y], [x, y + height]]), 0.045, colour, Part.RAILING)
