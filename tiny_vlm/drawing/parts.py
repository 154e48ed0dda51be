"""The classes that a drawn scene knows, as numbers and as names."""

from enum import IntEnum


class Part(IntEnum):
    """Class index of a pixel; the name in lower case with spaces is the class name."""

    SKY = 0
    PLASTER_WALL = 1
    BRICK_WALL = 2
    STONE_WALL = 3
    TILED_WALL = 4
    CONCRETE_WALL = 5
    PANEL_WALL = 6
    GLASS_WALL = 7
    WINDOW = 8
    DOOR = 9
    ARCHWAY = 10
    BALCONY = 11
    ORNAMENT = 12
    ROOF = 13
    SIGN = 14
    PIPE = 15
    GROUND = 16
    STEPS = 17
    VEGETATION = 18
    VEHICLE = 19
    PERSON = 20
    RAILING = 21
    CANOPY = 22
    FIXTURE = 23
    CRACK = 24
    SPALLING = 25
    PEELING = 26
    WATER_STAIN = 27
    EFFLORESCENCE = 28
    CORROSION = 29
    GRAFFITI = 30
    REPAIR_PATCH = 31
    MISSING_ELEMENT = 32


CLASSES: tuple[str, ...] = tuple(part.name.lower().replace("_", " ") for part in Part)
IGNORE = 255
WALLS = tuple(range(Part.PLASTER_WALL, Part.GLASS_WALL + 1))
DAMAGE = tuple(range(Part.CRACK, Part.MISSING_ELEMENT + 1))
