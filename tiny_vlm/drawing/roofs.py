"""Roofs above the cornice: sheet metal, tiles or a flat edge, with dormers and chimneys."""

import numpy as np

from tiny_vlm.drawing.canvas import Colour, Grid, Plane, mix, rgb, tone
from tiny_vlm.drawing.geometry import Box
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.materials import cloud, joints, lay
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.windows import WindowStyle, draw_window


def draw_roof(stage: Stage, base: Box, kind: str, colour: Colour) -> None:
    """A roof that fills ``base``, its lower edge on the cornice: "seam", "tile", "gable" or "flat"."""
    canvas = stage.canvas
    if not canvas.sees(base.grow(1.5)):
        return
    if kind == "flat":
        canvas.gradient(
            base._replace(top=base.bottom + 0.35), tone(colour, 1.1), tone(colour, 0.9), Part.ROOF
        )
        return
    for share in stage.rng.uniform(0.05, 0.95, int(stage.rng.integers(0, 4))):
        _chimney(stage, base, float(share))
    inset = base.height * stage.pick(0.3, 0.7)
    shape = np.array(
        [
            [base.left, base.bottom],
            [base.right, base.bottom],
            [base.right - inset, base.top],
            [base.left + inset, base.top],
        ]
    )
    if kind == "gable":
        shape = np.array([[base.left, base.bottom], [base.right, base.bottom], [base.centre[0], base.top]])

    def texture(grid: Grid) -> Plane:
        units = lay(grid, stage.rng, 0.6 if kind != "tile" else 0.22, 40.0 if kind != "tile" else 0.25, 0.5)
        broad = cloud(stage.rng, grid.shape, 2 * grid.scale, 3)
        slope = 0.85 + 0.3 * np.clip((grid.y - base.bottom) / base.height, 0, 1)
        factor = slope * (1 + 0.05 * units.tint + 0.04 * broad) * (1 - 0.35 * joints(units, 0.05, grid.scale))
        return np.asarray(rgb(colour) * factor[..., None], np.float32)

    canvas.textured(shape, texture, Part.ROOF)
    if kind != "gable" and base.height > 1.4 and stage.chance(0.6):
        for x in np.arange(base.left + 2.2, base.right - 2.2, stage.pick(3.0, 6.0)):
            _dormer(stage, Box(x, base.bottom + 0.25, x + 1.0, base.bottom + 1.5), colour)
    canvas.rect(Box(base.left, base.bottom, base.right, base.bottom + 0.1), tone(colour, 0.6), Part.ROOF)


def _chimney(stage: Stage, base: Box, share: float) -> None:
    x = base.left + share * base.width
    stack = Box(x, base.bottom, x + stage.pick(0.6, 1.4), base.top + stage.pick(0.5, 1.4))
    colour = mix((150.0, 90.0, 70.0), (190.0, 180.0, 165.0), stage.pick(0, 1))
    stage.canvas.gradient(stack, tone(colour, 1.05), tone(colour, 0.8), Part.ROOF)
    stage.canvas.rect(
        Box(stack.left - 0.08, stack.top, stack.right + 0.08, stack.top + 0.12), tone(colour, 0.7), Part.ROOF
    )


def _dormer(stage: Stage, box: Box, colour: Colour) -> None:
    stage.canvas.rect(box.grow(0.1, 0), tone(colour, 0.85), Part.ROOF)
    gable = np.array(
        [[box.left - 0.25, box.top], [box.right + 0.25, box.top], [box.centre[0], box.top + 0.5]]
    )
    stage.cast(gable, 0.3)
    draw_window(stage, box.grow(-0.12, -0.1), WindowStyle(sill=False, reveal=tone(colour, 0.6)))
    stage.canvas.polygon(gable, tone(colour, 1.08), Part.ROOF)
