"""The style of a house: a record of its measures, materials and details, and how to draw one by lot."""

from dataclasses import dataclass, field, replace

import numpy as np

from tiny_vlm.drawing import materials
from tiny_vlm.drawing.canvas import Colour, Texture, mix, tone
from tiny_vlm.drawing.parts import Part
from tiny_vlm.drawing.windows import WindowStyle

PLASTERS: tuple[Colour, ...] = (
    (214.0, 176.0, 106.0),
    (226.0, 200.0, 140.0),
    (206.0, 150.0, 100.0),
    (196.0, 120.0, 96.0),
    (214.0, 160.0, 146.0),
    (170.0, 190.0, 164.0),
    (150.0, 178.0, 190.0),
    (218.0, 208.0, 186.0),
    (196.0, 190.0, 180.0),
    (232.0, 226.0, 212.0),
    (176.0, 164.0, 146.0),
    (160.0, 150.0, 140.0),
    (120.0, 130.0, 110.0),
    (240.0, 236.0, 228.0),
    (190.0, 200.0, 204.0),
)
BRICKS: tuple[Colour, ...] = (
    (156.0, 78.0, 58.0),
    (170.0, 92.0, 66.0),
    (132.0, 66.0, 54.0),
    (190.0, 140.0, 96.0),
    (206.0, 176.0, 130.0),
    (120.0, 84.0, 70.0),
    (214.0, 204.0, 188.0),
)
STONES: tuple[Colour, ...] = (
    (150.0, 144.0, 136.0),
    (186.0, 176.0, 158.0),
    (128.0, 120.0, 116.0),
    (164.0, 132.0, 118.0),
    (96.0, 92.0, 92.0),
    (206.0, 196.0, 174.0),
)
TILES: tuple[Colour, ...] = (
    (210.0, 206.0, 196.0),
    (120.0, 140.0, 150.0),
    (150.0, 96.0, 74.0),
    (186.0, 190.0, 176.0),
    (86.0, 110.0, 96.0),
    (90.0, 88.0, 90.0),
    (226.0, 214.0, 170.0),
)
PANELS: tuple[Colour, ...] = (
    (190.0, 192.0, 194.0),
    (120.0, 124.0, 130.0),
    (206.0, 196.0, 176.0),
    (150.0, 84.0, 60.0),
    (86.0, 98.0, 112.0),
    (220.0, 218.0, 210.0),
    (132.0, 148.0, 120.0),
    (60.0, 62.0, 66.0),
)
FRAMES: tuple[Colour, ...] = (
    (240.0, 240.0, 236.0),
    (232.0, 230.0, 224.0),
    (120.0, 80.0, 54.0),
    (78.0, 60.0, 50.0),
    (70.0, 76.0, 82.0),
    (46.0, 48.0, 52.0),
    (150.0, 150.0, 146.0),
)
FAMILIES: dict[int, float] = {
    int(Part.PLASTER_WALL): 0.44,
    int(Part.BRICK_WALL): 0.17,
    int(Part.STONE_WALL): 0.11,
    int(Part.TILED_WALL): 0.07,
    int(Part.CONCRETE_WALL): 0.08,
    int(Part.PANEL_WALL): 0.08,
    int(Part.GLASS_WALL): 0.05,
}


@dataclass(frozen=True)
class House:
    """The style of a house; lengths in metres.

    Attributes:
        wall: class of the upper wall.
        texture: its material.
        base: class of the ground floor's wall.
        base_texture: its material.
        colour: main colour of the wall, which reveals and ledges are mixed from.
        trim: colour of mouldings.
        ground: height of the ground floor.
        storey: height of each upper floor.
        floors: number of upper floors.
        bay: distance between window axes.
        size: width and height of an upper window.
        window: how its windows look.
        ornate: how much ornament, in [0, 1].
        balconies: share of bays that have balconies.
        parapet: kind of balcony.
        roof: kind of roof.
        roof_colour: colour of the roof.
        roof_height: its height, 0 to draw it by lot.
        attic: blank wall between the last floor and the cornice.
        shops: share of ground-floor bays that are shops.
    """

    wall: int
    texture: Texture
    base: int
    base_texture: Texture
    colour: Colour
    trim: Colour
    ground: float = 3.8
    storey: float = 3.4
    floors: int = 4
    bay: float = 2.6
    size: tuple[float, float] = (1.2, 1.9)
    window: WindowStyle = field(default_factory=WindowStyle)
    ornate: float = 0.5
    balconies: float = 0.15
    parapet: str = "iron"
    roof: str = "seam"
    roof_colour: Colour = (120.0, 128.0, 124.0)
    roof_height: float = 0.0
    attic: float = 0.0
    shops: float = 0.4

    @property
    def top(self) -> float:
        """Height of the cornice."""
        return self.ground + self.floors * self.storey + self.attic


def _jitter(rng: np.random.Generator, colour: Colour, spread: float = 10.0) -> Colour:
    red, green, blue = np.clip(
        np.array(colour) + rng.normal(0, spread, 3) + rng.normal(0, spread * 1.5), 20, 250
    )
    return (float(red), float(green), float(blue))


def material(rng: np.random.Generator, part: int) -> tuple[Texture, Colour]:
    """A texture of a wall class and its main colour."""

    def pick(colours: tuple[Colour, ...]) -> Colour:
        return _jitter(rng, colours[int(rng.integers(len(colours)))])

    if part == Part.BRICK_WALL:
        colour = pick(BRICKS)
        mortar = _jitter(rng, (178.0, 170.0, 158.0) if rng.random() < 0.7 else (96.0, 88.0, 82.0))
        return materials.brick(rng, colour, mortar, float(rng.uniform(0.9, 1.5))), colour
    if part == Part.STONE_WALL:
        colour = pick(STONES)
        height = float(rng.uniform(0.3, 0.7))
        return materials.ashlar(
            rng, colour, height * float(rng.uniform(1.4, 2.6)), height, float(rng.uniform(0.01, 0.05))
        ), colour
    if part == Part.TILED_WALL:
        colour = pick(TILES)
        return materials.tiles(
            rng,
            colour,
            float(rng.uniform(0.1, 0.45)),
            float(rng.uniform(0.8, 2.2)),
            float(rng.uniform(0.006, 0.016)),
        ), colour
    if part == Part.CONCRETE_WALL:
        colour = _jitter(rng, (158.0, 156.0, 150.0), 6)
        return materials.concrete(rng, colour, float(rng.uniform(1.0, 2.8))), colour
    if part == Part.PANEL_WALL:
        colour = pick(PANELS)
        return materials.panels(
            rng,
            colour,
            float(rng.uniform(0.6, 3.2)),
            float(rng.uniform(0.4, 2.8)),
            float(rng.uniform(0.01, 0.07)),
        ), colour
    if part == Part.GLASS_WALL:
        sky = _jitter(rng, (150.0, 180.0, 200.0), 16)
        dark = _jitter(rng, (58.0, 72.0, 82.0), 10)
        return materials.curtain_wall(
            rng,
            sky,
            dark,
            _jitter(rng, (60.0, 62.0, 66.0)),
            float(rng.uniform(0.9, 1.9)),
            float(rng.uniform(1.2, 3.2)),
        ), sky
    colour = pick(PLASTERS)
    return materials.plaster(rng, colour, float(rng.uniform(0.6, 2.0))), colour


def random_house(rng: np.random.Generator, wall: int | None = None) -> House:
    """A style drawn by lot; old materials get ornament, new ones bands of windows and balconies."""
    family = int(rng.choice(list(FAMILIES), p=list(FAMILIES.values()))) if wall is None else wall
    texture, colour = material(rng, family)
    old = family in (Part.PLASTER_WALL, Part.BRICK_WALL, Part.STONE_WALL)
    base, base_texture = family, texture
    if rng.random() < 0.45:
        base = int(
            rng.choice(
                [Part.STONE_WALL, Part.PLASTER_WALL, Part.TILED_WALL, Part.BRICK_WALL],
                p=[0.5, 0.25, 0.15, 0.1],
            )
        )
        base_texture, _ = material(rng, base)
    trim = mix(tone(colour, 1.35), (240.0, 236.0, 226.0), float(rng.uniform(0.1, 1.0)))
    if rng.random() < 0.15:
        trim = tone(colour, 0.7)
    house = House(
        family,
        texture,
        base,
        base_texture,
        colour,
        trim,
        ground=float(rng.uniform(3.0, 4.6)),
        storey=float(rng.uniform(2.7, 3.9)),
        floors=int(rng.integers(1, 6)),
        bay=float(rng.uniform(2.0, 3.6)),
        window=_random_window(rng, old, trim, colour),
        ornate=float(rng.uniform(0.1, 1.0)) if old else 0.05,
        balconies=float(rng.choice([0.0, 0.15, 0.5] if old else [0.0, 0.5, 1.0])),
        parapet=str(rng.choice(["iron", "stone", "iron"] if old else ["glass", "solid", "iron"])),
        roof=str(rng.choice(["seam", "tile", "gable", "flat"], p=[0.5, 0.25, 0.1, 0.15]))
        if old
        else str(rng.choice(["flat", "seam"])),
        roof_colour=_jitter(
            rng,
            ((110.0, 118.0, 116.0), (140.0, 80.0, 62.0), (84.0, 84.0, 88.0), (96.0, 130.0, 112.0))[
                int(rng.integers(4))
            ],
        ),
        shops=float(rng.choice([0.0, 0.3, 0.7])),
    )
    width = float(rng.uniform(0.42, 0.62) if old else rng.uniform(0.45, 0.85)) * house.bay
    attic = 0.7 if house.ornate > 0.55 else 0.0
    return replace(house, attic=attic, size=(width, float(rng.uniform(0.5, 0.68)) * house.storey))


def _random_window(rng: np.random.Generator, old: bool, trim: Colour, wall: Colour) -> WindowStyle:
    return WindowStyle(
        frame=FRAMES[int(rng.integers(len(FRAMES)))],
        reveal=tone(wall, 0.85),
        rise=float(rng.choice([0.0, 0.0, 0.0, 0.18, 0.5])) if old else 0.0,
        sashes=int(rng.integers(1, 4)),
        transom=float(rng.choice([0.68, 0.72, 1.0])),
        bars=int(rng.choice([0, 0, 1, 2])) if old else 0,
        depth=float(rng.uniform(0.08, 0.3)),
        surround=str(
            rng.choice(["none", "band", "ears", "pediment", "segment"], p=[0.25, 0.3, 0.2, 0.15, 0.1])
        )
        if old
        else "none",
        trim=trim,
        sill=bool(rng.random() < 0.75),
        lit=float(rng.uniform(0.2, 0.7)),
    )
