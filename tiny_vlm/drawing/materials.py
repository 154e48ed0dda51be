"""Wall materials as textures in metres: the same brick at every scale."""

from dataclasses import dataclass

import cv2
import numpy as np

from tiny_vlm.drawing.canvas import Colour, Grid, Plane, Texture, rgb


def cloud(rng: np.random.Generator, shape: tuple[int, int], cell: float, octaves: int = 3) -> Plane:
    """Smooth noise about 0 with a spread near 1; ``cell`` is the size of its largest spots in pixels."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        size = cell / 2**octave
        if size < 1.0 and octave:
            break
        rows, columns = int(shape[0] / max(size, 1)) + 3, int(shape[1] / max(size, 1)) + 3
        coarse = rng.random((rows, columns), dtype=np.float32) * 2 - 1
        total += cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC) * 0.6**octave
    return total * 1.3


@dataclass(frozen=True)
class Units:
    """Bricks, blocks, tiles or panels laid in courses.

    Attributes:
        across: distance to the left end of the unit in metres, shape (h, w).
        up: distance to the lower edge in metres, shape (h, 1).
        edge: distance to the nearest edge in metres, shape (h, w).
        tint: one random number about 0 a unit, shape (h, w).
    """

    across: Plane
    up: Plane
    edge: Plane
    tint: Plane


def lay(grid: Grid, rng: np.random.Generator, width: float, height: float, bond: float = 0.0) -> Units:
    """Lay units of a size in metres; every second course is shifted by ``bond`` widths."""
    course = np.floor(grid.y / height)
    x = grid.x / width + bond * (course % 2)
    column = np.floor(x)
    across, up = (x - column) * width, grid.y - course * height
    edge = np.minimum(np.minimum(across, width - across), np.minimum(up, height - up))
    table = rng.standard_normal(1024).astype(np.float32)
    tint = table[((course * 379 + column * 151).astype(np.int64)) % 1024]
    return Units(across, up, edge, tint)


def joints(units: Units, width: float, scale: float) -> Plane:
    """1 in the joints and 0 on the units, faded where a joint is finer than a pixel."""
    fine = min(1.0, width * scale * 1.4)
    sharp = np.clip(0.5 - (units.edge - width / 2) * scale, 0, 1)
    return np.asarray(sharp * (0.25 + 0.75 * fine), np.float32)


def _tinted(colour: Colour, factor: Plane) -> Plane:
    return rgb(colour) * factor[..., None]


def plaster(rng: np.random.Generator, colour: Colour, roughness: float = 1.0) -> Texture:
    """Painted plaster: broad uneven fading, fine grain, splashed dirt above the pavement."""

    def texture(grid: Grid) -> Plane:
        broad = cloud(rng, grid.shape, 2.5 * grid.scale, 3)
        grain = cloud(rng, grid.shape, max(0.06 * grid.scale, 1.0), 2)
        splash = np.clip(1 - grid.y / 0.9, 0, 1) * (0.10 + 0.08 * np.clip(broad, 0, 1))
        return _tinted(colour, 1 + roughness * (0.030 * broad + 0.022 * grain) - splash * roughness)

    return texture


def brick(rng: np.random.Generator, colour: Colour, mortar: Colour, size: float = 1.0) -> Texture:
    """Bricks of 25 x 6.5 cm (times ``size``) in running bond."""

    def texture(grid: Grid) -> Plane:
        units = lay(grid, rng, 0.26 * size, 0.077 * size, 0.5)
        soft = min(1.0, 0.077 * size * grid.scale / 2.5)
        grain = cloud(rng, grid.shape, max(0.03 * grid.scale, 1.0), 2)
        broad = cloud(rng, grid.shape, 2.0 * grid.scale, 2)
        face = _tinted(colour, 1 + 0.13 * soft * units.tint + 0.05 * grain + 0.04 * broad)
        face += soft * units.tint[..., None] * rgb([4, -3, -6])
        joint = joints(units, 0.012 * size, grid.scale)[..., None]
        lower = np.clip(1 - (units.up / (0.077 * size)) * 4, 0, 1)[..., None] * 0.15 * soft
        wall = face * (1 - lower) * (1 - joint) + _tinted(mortar, 1 + 0.06 * grain) * joint
        return np.asarray(wall, np.float32)

    return texture


def ashlar(
    rng: np.random.Generator, colour: Colour, width: float = 0.9, height: float = 0.42, groove: float = 0.025
) -> Texture:
    """Dressed stone blocks with grooved joints, lit from above."""

    def texture(grid: Grid) -> Plane:
        units = lay(grid, rng, width, height, 0.5)
        grain = cloud(rng, grid.shape, max(0.03 * grid.scale, 1.0), 2)
        broad = cloud(rng, grid.shape, 1.2 * grid.scale, 3)
        bevel = np.clip(1 - (height - units.up - groove) / 0.03, 0, 1) - np.clip(
            1 - (units.up - groove) / 0.03, 0, 1
        )
        factor = 1 + 0.06 * units.tint + 0.05 * grain + 0.045 * broad + 0.12 * bevel
        return _tinted(colour, factor * (1 - 0.5 * joints(units, groove, grid.scale)))

    return texture


def tiles(
    rng: np.random.Generator, colour: Colour, size: float = 0.2, aspect: float = 1.0, gap: float = 0.008
) -> Texture:
    """Glazed tiles: even joints, each tile a little different and shining at its upper edge."""

    def texture(grid: Grid) -> Plane:
        units = lay(grid, rng, size * aspect, size, 0.0)
        broad = cloud(rng, grid.shape, 1.5 * grid.scale, 2)
        shine = np.clip(units.up / size - 0.6, 0, 1) * 0.18
        factor = 1 + 0.05 * units.tint + 0.04 * broad + shine
        joint = joints(units, gap, grid.scale)[..., None]
        return _tinted(colour, factor) * (1 - joint) + rgb([150, 146, 140]) * joint

    return texture


def concrete(rng: np.random.Generator, colour: Colour, board: float = 1.5) -> Texture:
    """Cast concrete: clouds, pores, marks of the formwork and its tie holes."""

    def texture(grid: Grid) -> Plane:
        units = lay(grid, rng, board * 1.6, board, 0.0)
        broad = cloud(rng, grid.shape, 1.4 * grid.scale, 4)
        pores = cloud(rng, grid.shape, max(0.05 * grid.scale, 1.0), 1)
        factor = 1 + 0.05 * broad + 0.025 * units.tint - 0.09 * (pores > 1.05) + 0.02 * pores
        hole = np.hypot(units.across - 0.35, units.up - 0.35) < 0.03
        return _tinted(colour, factor * (1 - 0.3 * joints(units, 0.015, grid.scale)) * (1 - 0.35 * hole))

    return texture


def panels(
    rng: np.random.Generator, colour: Colour, width: float = 1.2, height: float = 0.6, spread: float = 0.05
) -> Texture:
    """Cladding sheets with dark shadow gaps and a faint sheen."""

    def texture(grid: Grid) -> Plane:
        units = lay(grid, rng, width, height, 0.0)
        broad = cloud(rng, grid.shape, 4.0 * grid.scale, 2)
        sheen = 0.05 * (units.up / height - 0.5) + 0.03 * (units.across / width - 0.5)
        factor = 1 + spread * units.tint + 0.025 * broad + sheen
        return _tinted(colour, factor * (1 - 0.6 * joints(units, 0.02, grid.scale)))

    return texture


def curtain_wall(
    rng: np.random.Generator,
    sky: Colour,
    ground: Colour,
    bar: Colour,
    width: float = 1.3,
    height: float = 1.8,
) -> Texture:
    """Glass wall: panes that mirror the sky and the houses opposite, between dark bars."""
    horizon = rng.uniform(3.0, 9.0)

    def texture(grid: Grid) -> Plane:
        units = lay(grid, rng, width, height, 0.0)
        skyline = cloud(rng, (1, grid.shape[1]), 5.0 * grid.scale, 3) * 1.8
        high = np.clip((grid.y + 0.35 * units.tint - horizon - skyline) * 1.2, 0, 1)
        wisps = cloud(rng, grid.shape, 3.0 * grid.scale, 3)
        pane = rgb(sky) * (high * (1 + 0.10 * wisps))[..., None] + rgb(ground) * (1 - high)[..., None]
        pane *= (1 + 0.07 * units.tint)[..., None]
        frame = joints(units, 0.07, grid.scale)[..., None]
        return pane * (1 - frame) + rgb(bar) * frame

    return texture
