"""Pipes, cables and the small things screwed to a wall."""

import numpy as np

from tiny_vlm.drawing.canvas import Colour, tone
from tiny_vlm.drawing.geometry import Box, ellipse
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part


def draw_drainpipe(
    stage: Stage, x: float, bottom: float, top: float, colour: Colour, width: float = 0.14
) -> None:
    """A round downpipe with clamps, funnel and foot."""
    canvas = stage.canvas
    pipe = Box(x, bottom + 0.25, x + width, top)
    if not canvas.sees(pipe):
        return
    stage.cast(pipe.points(), 0.18)
    for share, factor in ((0.0, 0.62), (0.2, 0.92), (0.42, 1.18), (0.64, 0.95), (0.82, 0.7)):
        canvas.rect(pipe.part(share, 0, share + 0.24, 1), tone(colour, factor), None)
    canvas.polygon(
        np.array(
            [
                [x, bottom + 0.3],
                [x + width, bottom + 0.3],
                [x + width * 1.9, bottom + 0.06],
                [x + width, bottom + 0.06],
            ]
        ),
        tone(colour, 0.85),
        Part.PIPE,
    )
    canvas.mark(pipe, Part.PIPE)
    for y in np.arange(bottom + 0.8, top, 1.9):
        canvas.rect(Box(x - 0.03, y, x + width + 0.03, y + 0.07), tone(colour, 0.72), Part.PIPE)
    funnel = np.array([[x - 0.1, top], [x + width + 0.1, top], [x + width, top - 0.3], [x, top - 0.3]])
    canvas.polygon(funnel, tone(colour, 0.9), Part.PIPE)


def draw_gas_pipe(stage: Stage, left: float, right: float, y: float, colour: Colour) -> None:
    """A thin pipe along the wall with one branch upwards."""
    run = Box(left, y, right, y + 0.06)
    stage.cast(run.points(), 0.1)
    stage.canvas.gradient(run, tone(colour, 1.15), tone(colour, 0.75), Part.PIPE)
    x = stage.pick(left, right)
    stage.canvas.rect(Box(x, y, x + 0.05, y + stage.pick(0.5, 3)), colour, Part.PIPE)


def draw_cable(stage: Stage, start: tuple[float, float], end: tuple[float, float], sag: float) -> None:
    """A slack cable; too thin to be a class of its own."""
    share = np.linspace(0, 1, 14)
    x = start[0] + (end[0] - start[0]) * share
    y = start[1] + (end[1] - start[1]) * share - 4 * sag * share * (1 - share)
    stage.canvas.line(np.stack([x, y], 1), 0.015, (34.0, 34.0, 36.0))


def draw_conditioner(stage: Stage, x: float, y: float) -> None:
    """The outdoor unit of an air conditioner."""
    canvas = stage.canvas
    box = Box(x, y, x + 0.85, y + 0.58)
    stage.cast(box.points(), 0.35)
    grey = stage.pick(200, 240)
    canvas.gradient(box, (grey, grey, grey * 0.98), (grey * 0.82,) * 3, Part.FIXTURE)
    fan = (x + 0.34, y + 0.29)
    for radius, factor in ((0.25, 0.35), (0.22, 0.5), (0.15, 0.38), (0.06, 0.65)):
        canvas.polygon(ellipse(fan, (radius, radius)), (grey * factor,) * 3)
    canvas.rect(box.part(0.78, 0.1, 0.95, 0.9), (grey * 0.8,) * 3)
    canvas.rect(Box(x + 0.05, y - 0.06, x + 0.8, y), (90.0, 90.0, 92.0), Part.FIXTURE)


def draw_lamp(stage: Stage, x: float, y: float, kind: int) -> None:
    """A wall lamp: lantern, ball or arm."""
    canvas, night = stage.canvas, stage.light.night > 0.2
    glass = (255.0, 236.0, 190.0) if night else (226.0, 224.0, 212.0)
    glow = 255 if night else None
    stage.cast(Box(x - 0.12, y - 0.2, x + 0.12, y + 0.25).points(), 0.25)
    if kind == 0:
        body = np.array(
            [[x - 0.09, y - 0.18], [x + 0.09, y - 0.18], [x + 0.15, y + 0.16], [x - 0.15, y + 0.16]]
        )
        canvas.polygon(body.copy() * 1.0 + (0, 0), (36.0, 36.0, 38.0), Part.FIXTURE)
        canvas.polygon((body - (x, y)) * 0.78 + (x, y), glass, Part.FIXTURE, glow)
        cap = np.array([[x - 0.19, y + 0.16], [x + 0.19, y + 0.16], [x, y + 0.34]])
        canvas.polygon(cap, (30.0, 30.0, 32.0), Part.FIXTURE)
    elif kind == 1:
        canvas.rect(Box(x - 0.03, y, x + 0.03, y + 0.3), (60.0, 60.0, 62.0), Part.FIXTURE)
        canvas.polygon(ellipse((x, y), (0.16, 0.16)), glass, Part.FIXTURE, glow)
        canvas.polygon(ellipse((x - 0.05, y + 0.05), (0.06, 0.06)), tone(glass, 1.5))
    else:
        arm = np.array([[x, y - 0.1], [x + 0.1, y + 0.25], [x + 0.55, y + 0.3]])
        canvas.line(arm, 0.05, (70.0, 72.0, 74.0), Part.FIXTURE)
        head = np.array([[x + 0.4, y + 0.2], [x + 0.8, y + 0.2], [x + 0.7, y + 0.36], [x + 0.5, y + 0.36]])
        canvas.polygon(head, (120.0, 122.0, 124.0), Part.FIXTURE)
        canvas.rect(Box(x + 0.44, y + 0.17, x + 0.76, y + 0.21), glass, Part.FIXTURE, glow)


def draw_lamp_post(stage: Stage, x: float, y: float, height: float) -> None:
    """A cast-iron street lamp with a lantern on each of two arms."""
    canvas, iron = stage.canvas, (38.0, 42.0, 42.0)
    canvas.shade(ellipse((x + 0.1, y), (0.5, 0.08)), 0.4, 0.1)
    canvas.rect(Box(x - 0.05, y, x + 0.05, y + height), iron, Part.FIXTURE)
    canvas.rect(Box(x - 0.05, y, x - 0.02, y + height), tone(iron, 1.25), Part.FIXTURE)
    for half, top in ((0.16, 0.25), (0.11, 0.9), (0.08, height * 0.6)):
        canvas.rect(Box(x - half, y + top - 0.22, x + half, y + top), iron, Part.FIXTURE)
    for side in (-1, 1):
        arm = np.array(
            [[x, y + height - 0.5], [x + side * 0.3, y + height - 0.25], [x + side * 0.55, y + height - 0.3]]
        )
        canvas.line(arm, 0.045, iron, Part.FIXTURE)
        draw_lamp(stage, x + side * 0.55, y + height - 0.05, 0)


def draw_cabinet(stage: Stage, box: Box, colour: Colour) -> None:
    """A meter cabinet, letter box or vent grille."""
    canvas = stage.canvas
    stage.cast(box.points(), 0.15)
    canvas.gradient(box, tone(colour, 1.08), tone(colour, 0.9), Part.FIXTURE)
    if stage.chance(0.5) and stage.fine(0.06, 2):
        for share in np.arange(0.15, 0.9, 0.12):
            canvas.rect(box.part(0.12, share, 0.88, share + 0.05), tone(colour, 0.6))
    else:
        canvas.rect(box.part(0.46, 0.05, 0.5, 0.95), tone(colour, 0.7))


def draw_camera(stage: Stage, x: float, y: float) -> None:
    """A surveillance camera or a satellite dish."""
    canvas = stage.canvas
    if stage.chance(0.5):
        stage.cast(ellipse((x, y), (0.34, 0.34)), 0.3)
        canvas.polygon(ellipse((x, y), (0.34, 0.36)), (205.0, 205.0, 204.0), Part.FIXTURE)
        canvas.polygon(ellipse((x + 0.04, y - 0.03), (0.27, 0.29)), (182.0, 182.0, 182.0), Part.FIXTURE)
        canvas.line(np.array([[x, y - 0.3], [x + 0.2, y]]), 0.03, (90.0, 90.0, 92.0), Part.FIXTURE)
        return
    canvas.line(np.array([[x, y + 0.15], [x, y], [x + 0.12, y]]), 0.04, (150.0, 150.0, 152.0), Part.FIXTURE)
    body = np.array([[x + 0.02, y - 0.02], [x + 0.34, y - 0.12], [x + 0.37, y], [x + 0.06, y + 0.1]])
    canvas.polygon(body, (222.0, 222.0, 222.0), Part.FIXTURE)
