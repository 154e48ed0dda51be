"""Damage of plaster, brick and stone, painted only where wall or ornament is seen."""

from collections.abc import Callable

import cv2
import numpy as np

from tiny_vlm.drawing.canvas import Colour, Grid, Plane, mix, rgb, tone
from tiny_vlm.drawing.geometry import Box, Points, ragged
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.materials import brick, cloud, concrete
from tiny_vlm.drawing.parts import DAMAGE, WALLS, Part
from tiny_vlm.drawing.signs import lettering

MASONRY = (*WALLS, int(Part.ORNAMENT), *DAMAGE)
METAL = (
    int(Part.PIPE),
    int(Part.RAILING),
    int(Part.BALCONY),
    int(Part.CANOPY),
    int(Part.DOOR),
    int(Part.FIXTURE),
)


def wall_spot(stage: Stage, wanted: tuple[int, ...] = MASONRY) -> tuple[float, float] | None:
    """A random place of the picture that shows one of some classes, in metres."""
    canvas = stage.canvas
    height, width = canvas.mask.shape
    for _ in range(24):
        row, column = int(stage.rng.integers(height)), int(stage.rng.integers(width))
        if canvas.mask[row, column] in wanted:
            return canvas.view.left + column / canvas.scale, canvas.view.top - row / canvas.scale
    return None


def local_colour(stage: Stage, spot: tuple[float, float]) -> Colour:
    """The colour of the picture at a place."""
    column, row = stage.canvas.to_pixels(np.array([spot]))[0]
    height, width = stage.canvas.mask.shape
    pixel = stage.canvas.image[min(max(int(row), 0), height - 1), min(max(int(column), 0), width - 1)]
    return (float(pixel[0]), float(pixel[1]), float(pixel[2]))


def add_crack(stage: Stage, spot: tuple[float, float], size: float) -> None:
    """A thin line that wanders and forks."""
    heading = float(stage.rng.uniform(0, 2 * np.pi))
    branches = [(np.array(spot), heading, size, 1.0)]
    width, darkness = stage.pick(0.004, 0.016), stage.pick(0.45, 0.9)
    while branches:
        origin, heading, length, weight = branches.pop()
        path, turns = _wander(stage, origin, heading, length)
        _stroke(stage, path, width * weight, darkness)
        if weight > 0.5:
            for _ in range(int(stage.rng.integers(0, 3))):
                at = int(stage.rng.integers(len(path)))
                branches.append(
                    (path[at], turns[at] + stage.rng.choice([-0.9, 0.9]), length * 0.45, weight * 0.65)
                )


def _wander(stage: Stage, origin: Points, heading: float, length: float) -> tuple[Points, Points]:
    """A wandering path of a length and its headings."""
    steps = int(np.clip(length / 0.06, 5, 60))
    drift = np.cumsum(stage.rng.standard_normal(steps) * 0.12)
    turns = heading + drift + 0.5 * stage.rng.standard_normal(steps)
    return origin + np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1) * length / steps, 0), turns


def _stroke(stage: Stage, path: Points, width: float, darkness: float) -> None:
    """Darken a line on masonry; below one pixel it grows fainter instead of thinner."""
    canvas = stage.canvas
    pixels = canvas.to_pixels(path)
    thickness = canvas.length(width)
    reach = int(thickness) + 3
    low = np.maximum(np.floor(pixels.min(0)).astype(int) - reach, 0)
    high = np.minimum(np.ceil(pixels.max(0)).astype(int) + reach, canvas.mask.shape[::-1])
    if (low >= high).any():
        return
    rows, columns = slice(low[1], high[1]), slice(low[0], high[0])
    line = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    corners = np.round((pixels - low) * 16).astype(np.int32)
    cv2.polylines(line, [corners], False, 255, max(1, round(thickness)), cv2.LINE_AA, 4)
    line[~np.isin(canvas.mask[rows, columns], MASONRY)] = 0
    share = line[..., None].astype(np.float32) / 255 * darkness * min(1.0, 0.45 + 0.55 * thickness)
    patch = canvas.image[rows, columns]
    patch[...] = (patch + (rgb([26, 22, 20]) - patch) * share).astype(np.uint8)
    wide = cv2.dilate(line, np.ones((3, 3), np.uint8)) if canvas.scale < 160 else line
    marked = (wide > 90) & np.isin(canvas.mask[rows, columns], MASONRY)
    canvas.mask[rows, columns][marked] = Part.CRACK


def _flat(colour: Colour) -> Callable[[Grid], Plane]:
    return lambda grid: np.broadcast_to(rgb(colour), (*grid.shape, 3))


def add_spalling(stage: Stage, spot: tuple[float, float], size: float) -> None:
    """Plaster fallen off down to the brick or to rough mortar."""
    around = local_colour(stage, spot)
    outline = ragged(spot, (size * stage.pick(0.5, 1.2), size * stage.pick(0.4, 0.9)), stage.rng)
    edge = (outline - spot) * 1.10 + spot
    stage.canvas.textured(
        edge, _flat(mix(around, (214.0, 204.0, 188.0), 0.6)), Part.SPALLING, only=MASONRY, opacity=0.9
    )
    if stage.chance(0.65):
        red = mix((148.0, 82.0, 58.0), (120.0, 90.0, 72.0), stage.pick(0, 1))
        body = brick(stage.rng, red, (168.0, 158.0, 144.0))
    else:
        body = concrete(stage.rng, mix((128.0, 116.0, 102.0), around, 0.25), 9.0)
    stage.canvas.textured(outline, body, Part.SPALLING, only=MASONRY)
    edge_shadow = outline[(outline[:, 1] > spot[1])]
    if len(edge_shadow) > 2:
        stage.canvas.shade(
            np.concatenate([edge_shadow, edge_shadow[::-1] - (0, 0.05)]), 0.4, 0.02, only=(Part.SPALLING,)
        )


def add_peeling(stage: Stage, spot: tuple[float, float], size: float) -> None:
    """Paint come off in flakes, an older coat seen between them."""
    around = local_colour(stage, spot)
    under = mix(
        around, (222.0, 214.0, 198.0) if stage.chance(0.6) else (150.0, 142.0, 128.0), stage.pick(0.5, 0.85)
    )
    for _ in range(int(stage.rng.integers(4, 11))):
        centre = (
            spot[0] + size * 0.6 * stage.rng.standard_normal(),
            spot[1] + size * 0.5 * stage.rng.standard_normal(),
        )
        flake = ragged(centre, (size * stage.pick(0.1, 0.4), size * stage.pick(0.1, 0.35)), stage.rng, 0.45)
        dark = (flake - centre) * 1.08 + centre + (0.012, -0.012)
        stage.canvas.textured(dark, _flat(tone(around, 0.6)), Part.PEELING, only=MASONRY, opacity=0.8)
        stage.canvas.textured(
            flake, _flat(tone(under, stage.pick(0.92, 1.05))), Part.PEELING, only=MASONRY, opacity=0.95
        )


def add_water_stain(stage: Stage, spot: tuple[float, float], size: float) -> None:
    """Dark streaks that run down."""
    width, length = size * stage.pick(0.3, 0.9), size * stage.pick(1.0, 2.6)
    add_streaks(
        stage,
        Box(spot[0] - width, spot[1] - length, spot[0] + width, spot[1]),
        (62.0, 58.0, 50.0),
        stage.pick(0.45, 0.75),
        Part.WATER_STAIN,
    )


def add_corrosion(stage: Stage, spot: tuple[float, float], size: float) -> None:
    """Rust on metal, or a rusty streak below it."""
    rust = mix((142.0, 74.0, 30.0), (110.0, 52.0, 24.0), stage.pick(0, 1))
    metal = wall_spot(stage, METAL)
    if metal is not None:
        reach = max(size * 0.35, 0.1)
        outline = ragged(metal, (reach, reach * 1.2), stage.rng, 0.4)
        stage.canvas.textured(outline, _speckled(stage, rust), Part.CORROSION, only=METAL, opacity=0.85)
        spot = (metal[0], metal[1] - reach * 0.5)
    width, length = size * stage.pick(0.12, 0.4), size * stage.pick(0.8, 2.0)
    add_streaks(
        stage, Box(spot[0] - width, spot[1] - length, spot[0] + width, spot[1]), rust, 0.7, Part.CORROSION
    )


def _speckled(stage: Stage, colour: Colour) -> Callable[[Grid], Plane]:
    def texture(grid: Grid) -> Plane:
        grain = cloud(stage.rng, grid.shape, max(0.12 * grid.scale, 1.5), 3)
        return rgb(colour) * (1 + 0.3 * grain)[..., None]

    return texture


def add_streaks(stage: Stage, box: Box, colour: Colour, strength: float, part: int) -> None:
    """Blend a colour into the wall in vertical threads that fade downwards."""
    canvas = stage.canvas
    window, stencil = canvas.stencil(box.points(), 0.0)
    if stencil is None:
        return
    rows, columns = window
    grid = canvas.grid(window)
    threads = cloud(stage.rng, (1, grid.shape[1]), max(0.18 * canvas.scale, 2.0), 3)
    reach = 0.55 + 0.35 * threads
    down = (box.top - grid.y) / box.height
    aside = 1 - np.abs((grid.x - box.centre[0]) / (box.width / 2)) ** 2
    fade = np.clip((reach - down) * 2.5, 0, 1) * np.clip(aside * 1.3, 0, 1) * np.clip(down * 9 + 0.1, 0, 1)
    fade *= np.clip(0.85 + 0.25 * cloud(stage.rng, grid.shape, max(0.2 * canvas.scale, 2.0), 2), 0, 1)
    alpha = np.where(np.isin(canvas.mask[rows, columns], MASONRY), fade * strength, 0).astype(np.float32)
    patch = canvas.image[rows, columns]
    patch[...] = (patch + (rgb(colour) - patch) * alpha[..., None]).astype(np.uint8)
    canvas.mask[rows, columns][alpha > 0.3 * strength] = part


def add_efflorescence(stage: Stage, spot: tuple[float, float], size: float) -> None:
    """White salt bloom in clouds."""
    outline = ragged(spot, (size * stage.pick(0.6, 1.4), size * stage.pick(0.4, 0.9)), stage.rng, 0.3)
    canvas = stage.canvas
    window, stencil = canvas.stencil(outline, size * 0.25)
    if stencil is None:
        return
    rows, columns = window
    spots = cloud(stage.rng, stencil.shape, max(0.3 * canvas.scale, 2.0), 5)
    alpha = stencil.astype(np.float32) / 255 * np.clip(0.55 + 0.45 * spots, 0, 1)
    alpha = np.where(np.isin(canvas.mask[rows, columns], MASONRY), alpha * 0.85, 0).astype(np.float32)
    patch = canvas.image[rows, columns]
    patch[...] = (patch + (rgb([232, 230, 222]) - patch) * alpha[..., None]).astype(np.uint8)
    canvas.mask[rows, columns][alpha > 0.25] = Part.EFFLORESCENCE


def add_graffiti(stage: Stage, spot: tuple[float, float], size: float, paint: Colour | None = None) -> None:
    """A sprayed tag: loops and letters in a strong colour."""
    red, green, blue = (float(value) for value in stage.rng.choice([20, 40, 90, 200, 235], 3))
    colour = paint or (red, green, blue)
    if stage.chance(0.5):
        letters = "".join(stage.rng.choice(list("АБЖКЛМРЯЭSKZROXE4"), int(stage.rng.integers(3, 6))))
        text = lettering(letters, 5, 64)
        height = size * 0.7
        box = Box(spot[0], spot[1], spot[0] + height * text.shape[1] / text.shape[0], spot[1] + height)
        outline = box.grow(0.04)
        stage.canvas.stamp(outline.shift(0.03, -0.03), text, tone(colour, 0.3))
        stage.canvas.stamp(box, text, colour)
        stage.canvas.mark(outline, Part.GRAFFITI, MASONRY)
        return
    steps = np.linspace(0, 1, 40)
    loops = stage.pick(2, 5) * 2 * np.pi
    x = spot[0] + size * (steps * 1.6 + 0.25 * np.sin(steps * loops))
    y = spot[1] + size * (
        0.35 * np.cos(steps * loops * stage.pick(0.8, 1.2))
        + 0.15 * stage.rng.standard_normal(40).cumsum() * 0.2
    )
    width = max(0.05, 1.2 / stage.canvas.scale)
    stage.canvas.line(np.stack([x, y], 1), width, colour, Part.GRAFFITI)


def add_repair(stage: Stage, spot: tuple[float, float], size: float) -> None:
    """A patch of fresh mortar or of paint in the wrong tone."""
    around = local_colour(stage, spot)
    tinted = mix(tone(around, stage.pick(0.8, 1.25)), (176.0, 172.0, 164.0), stage.pick(0.15, 0.7))
    if stage.chance(0.5):
        outline = Box(
            spot[0], spot[1], spot[0] + size * stage.pick(0.6, 2.2), spot[1] + size * stage.pick(0.5, 1.6)
        ).points()
        outline = outline + 0.03 * size * stage.rng.standard_normal((4, 2))
    else:
        outline = ragged(spot, (size, size * stage.pick(0.5, 1.0)), stage.rng, 0.2)
    stage.canvas.textured(outline, _trowelled(stage, tinted), Part.REPAIR_PATCH, only=MASONRY, opacity=0.92)


def _trowelled(stage: Stage, colour: Colour) -> Callable[[Grid], Plane]:
    def texture(grid: Grid) -> Plane:
        grain = cloud(stage.rng, grid.shape, max(0.25 * grid.scale, 2.0), 3)
        return rgb(colour) * (1 + 0.05 * grain)[..., None]

    return texture


def add_missing(stage: Stage, spot: tuple[float, float], size: float) -> None:
    """A piece of ornament, or where there is none a few bricks, broken out."""
    on_ornament = wall_spot(stage, (int(Part.ORNAMENT),))
    if on_ornament is None:
        break_out(stage, spot, size, MASONRY)
    else:
        break_out(stage, on_ornament, size, (int(Part.ORNAMENT),))


def break_out(stage: Stage, where: tuple[float, float], size: float, only: tuple[int, ...]) -> None:
    """A hole with its raw core in shade, in some classes only."""
    outline = ragged(where, (size * 0.8, size * 0.6), stage.rng, 0.4)
    core = mix((112.0, 84.0, 66.0), (96.0, 90.0, 82.0), stage.pick(0, 1))
    stage.canvas.textured(outline, _speckled(stage, core), Part.MISSING_ELEMENT, only=only)
    upper = outline[outline[:, 1] >= where[1]]
    if len(upper) > 2:
        stage.canvas.shade(
            np.concatenate([upper, upper[::-1] - (0, size * 0.3)]), 0.45, 0.03, only=(Part.MISSING_ELEMENT,)
        )


Painter = Callable[[Stage, tuple[float, float], float], None]
PAINTERS: tuple[Painter, ...] = (
    add_crack,
    add_spalling,
    add_peeling,
    add_water_stain,
    add_efflorescence,
    add_corrosion,
    add_graffiti,
    add_repair,
    add_missing,
)
SIZES: tuple[tuple[float, float], ...] = (
    (0.6, 3.0),
    (0.2, 0.9),
    (0.3, 1.0),
    (0.4, 1.4),
    (0.4, 1.3),
    (0.3, 1.0),
    (0.4, 1.1),
    (0.4, 1.3),
    (0.12, 0.4),
)


def add_damage(stage: Stage, kinds: list[int], count: int) -> None:
    """Spread ``count`` places of damage over the wall; kinds are 0 to 8 in the order of the classes."""
    reach = min(stage.canvas.view.width, stage.canvas.view.height)
    for _ in range(count):
        kind = int(stage.rng.choice(kinds))
        spot = wall_spot(stage)
        if spot is None:
            return
        low, high = SIZES[kind]
        size = stage.pick(low, high) * float(np.clip(reach / 6, 0.5, 1.8))
        PAINTERS[kind](stage, spot, size)
