"""Windows: reveal, glass with sky and curtains, frame, sill and surround."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiny_vlm.drawing.canvas import Colour, Grid, mix, rgb, tone
from tiny_vlm.drawing.geometry import Box, Points, arc, arched
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part


@dataclass(frozen=True)
class WindowStyle:
    """How the windows of one house look.

    Attributes:
        frame: colour of the frame.
        reveal: colour of the wall inside the opening.
        rise: height of the arch in metres, 0 for a straight lintel.
        sashes: casements side by side.
        transom: height of the cross bar as a share of the window, 1 for none.
        bars: further horizontal bars in the lower sashes.
        depth: how deep the glass lies behind the wall, in metres.
        surround: "none", "band", "ears", "pediment" or "segment".
        trim: colour of the surround.
        sill: whether a sill stands out below.
        lit: share of windows with light inside, at night.
    """

    frame: Colour = (236.0, 234.0, 228.0)
    reveal: Colour = (170.0, 150.0, 120.0)
    rise: float = 0.0
    sashes: int = 2
    transom: float = 0.68
    bars: int = 0
    depth: float = 0.18
    surround: str = "none"
    trim: Colour = (238.0, 234.0, 224.0)
    sill: bool = True
    lit: float = 0.4


def outline(box: Box, rise: float) -> Points:
    """The opening as a polygon."""
    return arched(box, rise) if rise > 0 else box.points()


def draw_window(stage: Stage, box: Box, style: WindowStyle) -> None:
    """One window with what surrounds it."""
    if not stage.canvas.sees(box.grow(0.6)):
        return
    draw_surround(stage, box, style)
    opening = outline(box, style.rise)
    stage.canvas.polygon(opening, tone(style.reveal, 0.72), Part.WINDOW)
    pane = box.grow(-0.05, -0.05)
    draw_glass(stage, pane, style.rise, stage.chance(style.lit))
    draw_frame(stage, pane, style)
    edge = Box(box.left, box.top, box.right, box.top + 0.5)
    stage.cast(edge.points(), style.depth, opening)
    side = Box(box.left - 0.5, box.bottom, box.left, box.top + 0.5)
    if stage.light.slant < 0:
        side = Box(box.right, box.bottom, box.right + 0.5, box.top + 0.5)
    stage.cast(side.points(), style.depth, opening)
    if style.sill:
        draw_ledge(stage, Box(box.left - 0.12, box.bottom - 0.09, box.right + 0.12, box.bottom), style.trim)


def draw_glass(stage: Stage, box: Box, rise: float, lit: bool) -> None:
    """Glass that mirrors the sky above and houses below, or shows a lit or curtained room."""
    canvas, light = stage.canvas, stage.light
    shape = outline(box, rise)
    at_night = light.night > 0.2
    if lit and at_night:
        _draw_lit_room(stage, box, shape)
        return
    dark = mix((38.0, 42.0, 48.0), (70.0, 78.0, 84.0), stage.pick(0, 1))
    mirror = mix(dark, mix(light.sky_low, light.sky_high, stage.pick(0.0, 0.7)), stage.pick(0.05, 0.7))
    room = mix(dark, mirror, stage.pick(0.0, 0.4))

    def texture(grid: Grid) -> NDArray[np.float32]:
        share = np.clip((grid.y - box.bottom) / box.height * 1.3 - 0.25, 0, 1)[..., None]
        return np.broadcast_to(rgb(room) * (1 - share) + rgb(mirror) * share, (*grid.shape, 3))

    canvas.textured(shape, texture, Part.WINDOW)
    if stage.chance(0.45):
        draw_curtains(stage, box, mix((215.0, 210.0, 200.0), dark, stage.pick(0.2, 0.6)))
    elif stage.chance(0.15):
        draw_blind(stage, box, mix((225.0, 222.0, 214.0), dark, stage.pick(0.0, 0.4)))
    if stage.chance(0.6):
        draw_reflection(stage, box)


def _draw_lit_room(stage: Stage, box: Box, shape: Points) -> None:
    """A room with the light on: bright below its ceiling, furniture in outline, curtains."""
    warm = mix((255.0, 206.0, 130.0), (252.0, 238.0, 208.0), stage.pick(0, 1))
    low, high = rgb(tone(warm, 0.62)), rgb(tone(warm, 0.97))

    def texture(grid: Grid) -> NDArray[np.float32]:
        share = np.clip((grid.y - box.bottom) / box.height, 0, 1)[..., None] ** 0.8
        return np.broadcast_to(low * (1 - share) + high * share, (*grid.shape, 3))

    stage.canvas.textured(shape, texture, Part.WINDOW, glow=int(stage.rng.integers(190, 256)))
    for _ in range(int(stage.rng.integers(0, 3))):
        left = stage.pick(box.left, box.right - 0.2)
        right, top = left + stage.pick(0.1, 0.4), box.bottom + box.height * stage.pick(0.2, 0.6)
        stage.canvas.rect(Box(left, box.bottom, min(right, box.right), top), tone(warm, 0.45))
    draw_curtains(stage, box, tone(warm, 0.72))


def draw_curtains(stage: Stage, box: Box, colour: Colour) -> None:
    """Two curtains with folds at the sides of a window."""
    share = stage.pick(0.12, 0.42)
    for left, right in ((0.0, share), (1 - share, 1.0)):
        cloth = box.part(left, 0.0, right, 0.98)
        stage.canvas.rect(cloth, colour)
        if stage.fine(0.06, 2.0):
            for fold in np.arange(0.05, 1.0, 0.12 / max(cloth.width, 0.05)):
                x = cloth.left + fold * cloth.width
                stage.canvas.shade(
                    Box(x, cloth.bottom, x + 0.035, cloth.top).points(), 0.22, 0.02, cloth.points()
                )


def draw_blind(stage: Stage, box: Box, colour: Colour) -> None:
    """A blind let down part of the way."""
    blind = box.part(0.02, stage.pick(0.0, 0.7), 0.98, 0.99)
    stage.canvas.rect(blind, colour)
    if stage.fine(0.06, 2.0):
        for y in np.arange(blind.bottom, blind.top, 0.06):
            stage.canvas.line(np.array([[blind.left, y], [blind.right, y]]), 0.01, tone(colour, 0.8))


def draw_reflection(stage: Stage, box: Box) -> None:
    """The skyline of the other side of the street, and a slanting streak of sky."""
    canvas = stage.canvas
    top = box.bottom + box.height * stage.pick(0.15, 0.6)
    steps = np.linspace(box.left, box.right, 5)
    heights = top + box.height * 0.12 * stage.rng.standard_normal(5)
    skyline = np.concatenate(
        [np.stack([steps, heights], 1), [[box.right, box.bottom], [box.left, box.bottom]]]
    )
    canvas.shade(skyline, stage.pick(0.1, 0.4), 0.03, box.points())
    if stage.chance(0.5):
        left = stage.pick(box.left, box.right)
        streak = np.array(
            [[left, box.bottom], [left + 0.35, box.bottom], [left + 0.9, box.top], [left + 0.5, box.top]]
        )
        streak[:, 0] = np.clip(streak[:, 0], box.left, box.right)
        light = stage.light.sky_low
        canvas.textured(
            streak,
            lambda grid: np.broadcast_to(rgb(light), (*grid.shape, 3)),
            opacity=stage.pick(0.08, 0.25),
        )


def draw_frame(stage: Stage, box: Box, style: WindowStyle) -> None:
    """Outer frame, mullions, transom and glazing bars."""
    bar, straight = 0.07, box.top - style.rise
    cross = box.bottom + style.transom * box.height
    upper = box.top if style.transom < 1 else min(box.top, cross)
    bars = [
        Box(box.left, box.bottom, box.left + bar, straight),
        Box(box.right - bar, box.bottom, box.right, straight),
        Box(box.left, box.bottom, box.right, box.bottom + bar),
    ]
    for index in range(1, style.sashes):
        x = box.left + box.width * index / style.sashes
        bars.append(Box(x - bar * 0.6, box.bottom, x + bar * 0.6, upper))
    for index in range(1, style.bars + 1):
        y = box.bottom + (cross - box.bottom) * index / (style.bars + 1)
        bars.append(Box(box.left, y - bar / 3, box.right, y + bar / 3))
    if style.rise == 0:
        bars.append(Box(box.left, box.top - bar, box.right, box.top))
    if style.transom < 1:
        bars.append(Box(box.left, cross - bar / 2, box.right, cross + bar / 2))
        stage.cast(bars[-1].points(), 0.04, box.points())
    for piece in bars:
        stage.canvas.rect(piece, style.frame, glow=0)
    if style.rise > 0:
        stage.canvas.line(outline(box.grow(-bar / 2), style.rise)[2:], bar, style.frame, glow=0)


def draw_ledge(
    stage: Stage, box: Box, colour: Colour, depth: float = 0.12, part: int = Part.ORNAMENT
) -> None:
    """A sill or string course: lit on top, in shade below, with its shadow on the wall."""
    stage.cast(box.points(), depth)
    stage.canvas.gradient(box, tone(colour, 1.15), tone(colour, 0.8), part)


def draw_surround(stage: Stage, box: Box, style: WindowStyle) -> None:
    """The moulding around a window, with what crowns it."""
    if style.surround == "none":
        return
    canvas, width = stage.canvas, 0.18
    outer = box.grow(width)
    shape = outline(outer, style.rise + width if style.rise else 0.0)
    stage.cast(shape, 0.08)
    canvas.polygon(shape, style.trim, Part.ORNAMENT)
    inner = outline(box.grow(width * 0.45), style.rise + width * 0.45 if style.rise else 0.0)
    canvas.polygon(inner, tone(style.trim, 0.86), Part.ORNAMENT)
    if style.surround == "ears":
        for left in (outer.left - 0.08, outer.right - 0.22):
            canvas.rect(Box(left, outer.top - 0.3, left + 0.3, outer.top), style.trim, Part.ORNAMENT)
    if style.surround in ("pediment", "segment"):
        draw_pediment(stage, outer, style)
    elif style.surround != "band":
        draw_keystone(stage, box, style)


def draw_pediment(stage: Stage, outer: Box, style: WindowStyle) -> None:
    """A small gable or arch on a shelf above a window."""
    shelf = Box(outer.left - 0.12, outer.top + 0.1, outer.right + 0.12, outer.top + 0.22)
    middle = shelf.centre[0]
    if style.surround == "pediment":
        crown = np.array([[shelf.left, shelf.top], [shelf.right, shelf.top], [middle, shelf.top + 0.45]])
    else:
        crown = arc((middle, shelf.top), (shelf.width / 2, 0.38), 0, 180, 18)
    stage.cast(crown, 0.16)
    stage.canvas.polygon(crown, style.trim, Part.ORNAMENT)
    inner = (crown - crown.mean(0)) * 0.68 + crown.mean(0)
    stage.canvas.polygon(inner, tone(style.trim, 0.8), Part.ORNAMENT)
    draw_ledge(stage, shelf, style.trim, 0.2)


def draw_keystone(stage: Stage, box: Box, style: WindowStyle) -> None:
    """The wedge in the middle of the lintel."""
    x, top = box.centre[0], box.top
    wedge = np.array(
        [[x - 0.1, top - 0.02], [x + 0.1, top - 0.02], [x + 0.17, top + 0.32], [x - 0.17, top + 0.32]]
    )
    stage.cast(wedge, 0.08)
    stage.canvas.polygon(wedge, tone(style.trim, 1.05), Part.ORNAMENT)
