"""Lettering and the things that carry it: boards, letters on the wall, projecting signs, plates, posters."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tiny_vlm.drawing.canvas import Colour, Pixels, mix, tone
from tiny_vlm.drawing.geometry import Box, ellipse
from tiny_vlm.drawing.light import Stage
from tiny_vlm.drawing.parts import Part

WORDS = (
    "ЦВЕТЫ",
    "АПТЕКА",
    "КНИГИ",
    "ХЛЕБ",
    "Кофе",
    "ПРОДУКТЫ",
    "Пекарня",
    "РЕМОНТ ОБУВИ",
    "ОПТИКА",
    "Столовая",
    "БАНК",
    "Парикмахерская",
    "ТКАНИ",
    "Чай и пряности",
    "МЕБЕЛЬ",
    "Ателье",
    "ВИНО",
    "Мастерская",
    "НОТАРИУС",
    "СТОМАТОЛОГИЯ",
    "Школа",
    "ЗООМАГАЗИН",
    "Сувениры",
    "ПИЦЦА",
    "Музей",
    "КЛЮЧИ",
    "Детский мир",
    "ОДЕЖДА",
    "BAKERY",
    "Coffee",
    "HOTEL",
    "Flowers",
    "BANK",
    "PHARMACY",
    "Books",
    "Wine & Cheese",
    "OPTIKA",
    "Bar",
    "SHOP",
    "Studio",
    "MARKET",
    "Restaurant",
    "CAFÉ",
    "SALE -50%",
    "24",
    "Atelier",
    "Gallery",
    "PIZZA",
    "SCHOOL",
    "Apotheke",
)
FACES = (
    "DejaVuSans-Bold",
    "DejaVuSans",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "DejaVuSansMono-Bold",
    "DejaVuSans-BoldOblique",
)


@lru_cache(maxsize=1)
def font_folder() -> Path | None:
    """Where matplotlib keeps its DejaVu fonts (Latin and Cyrillic), or None without matplotlib."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"


def lettering(text: str, face: int = 0, size: int = 48) -> Pixels:
    """A line of text as a stencil (255 = ink), cropped to its ink."""
    folder = font_folder()
    path = folder / f"{FACES[face % len(FACES)]}.ttf" if folder else None
    font = ImageFont.truetype(str(path), size) if path and path.is_file() else ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("L", (max(1, round(right - left) + 4), max(1, round(bottom - top) + 4)))
    ImageDraw.Draw(picture).text((2 - left, 2 - top), text, fill=255, font=font)
    return np.asarray(picture)


def fitted(box: Box, text: Pixels, fill: float = 0.8) -> Box:
    """The largest box of the text's shape in the middle of another box."""
    aspect = text.shape[1] / text.shape[0]
    height = min(box.height * fill, box.width * fill / aspect)
    return Box(
        box.centre[0] - height * aspect / 2,
        box.centre[1] - height / 2,
        box.centre[0] + height * aspect / 2,
        box.centre[1] + height / 2,
    )


def random_word(stage: Stage) -> Pixels:
    """The lettering of one word from the list, in one of the faces."""
    size = int(np.clip(stage.canvas.length(0.7), 16, 160))
    return lettering(str(stage.rng.choice(WORDS)), int(stage.rng.integers(len(FACES))), size)


def draw_board(
    stage: Stage, box: Box, text: Pixels, board: Colour, ink: Colour, shining: bool = False
) -> None:
    """A flat sign board with text."""
    canvas = stage.canvas
    if not canvas.sees(box):
        return
    glow = 215 if shining else None
    stage.cast(box.points(), 0.12)
    canvas.gradient(box, tone(board, 1.06), tone(board, 0.94), Part.SIGN, glow)
    canvas.rect(box.part(0, 0, 1, 0.04), tone(board, 0.6))
    canvas.stamp(fitted(box, text, 0.72), text, ink, glow=glow)


def draw_letters(stage: Stage, box: Box, text: Pixels, ink: Colour, shining: bool = False) -> None:
    """Single letters fixed to the wall; the whole line counts as the sign."""
    canvas = stage.canvas
    place = fitted(box, text, 1.0)
    if not canvas.sees(place):
        return
    lift = 0.12 * place.height
    shift = (stage.light.slant * lift, -stage.light.drop * lift)
    canvas.stamp(
        place.shift(*shift), (text * (stage.light.shadow * 0.7)).astype(np.uint8), (20.0, 18.0, 16.0)
    )
    canvas.stamp(place, text, ink, glow=255 if shining else None)
    canvas.mark(place.grow(0.03), Part.SIGN)


def draw_projecting(stage: Stage, box: Box, board: Colour, text: Pixels) -> None:
    """A small sign that stands out from the wall on a bracket, seen half from the side."""
    canvas = stage.canvas
    stage.cast(box.points(), 0.4)
    bracket = np.array([[box.centre[0], box.top + 0.06], [box.right + 0.25, box.top + 0.06]])
    canvas.line(bracket, 0.03, (40.0, 40.0, 42.0), Part.SIGN)
    lit = stage.light.night > 0.2 and stage.chance(0.7)
    if stage.chance(0.4):
        canvas.polygon(
            ellipse(box.centre, (box.width / 2, box.height / 2)), board, Part.SIGN, 220 if lit else None
        )
    else:
        canvas.gradient(box, tone(board, 1.1), tone(board, 0.9), Part.SIGN, 220 if lit else None)
        canvas.rect(box.part(0, 0, 0.08, 1), tone(board, 0.6))
    upright = np.ascontiguousarray(np.rot90(text)) if box.height > 1.5 * box.width else text
    ink = (250.0, 250.0, 245.0) if sum(board) < 400 else (40.0, 36.0, 40.0)
    canvas.stamp(fitted(box, upright, 0.8), upright, ink)


def draw_plate(stage: Stage, box: Box) -> None:
    """A street-name or number plate."""
    colour = [(30.0, 60.0, 120.0), (240.0, 238.0, 230.0), (40.0, 40.0, 44.0)][int(stage.rng.integers(3))]
    ink = (240.0, 240.0, 236.0) if sum(colour) < 400 else (30.0, 40.0, 90.0)
    text = lettering(str(stage.rng.integers(1, 180)), 0, 24)
    stage.cast(box.points(), 0.04)
    stage.canvas.rect(box, colour, Part.SIGN)
    stage.canvas.stamp(fitted(box, text, 0.75), text, ink)


def draw_poster(stage: Stage, box: Box) -> None:
    """An advertisement: a coloured sheet with blocks and a word."""
    rng, canvas = stage.rng, stage.canvas
    strong = (float(rng.uniform(20, 250)), float(rng.uniform(20, 250)), float(rng.uniform(20, 250)))
    ground = mix(strong, (205.0, 200.0, 192.0), float(rng.uniform(0.1, 0.9)))
    other = mix(ground, (255.0, 255.0, 255.0) if sum(ground) < 380 else (40.0, 30.0, 60.0), 0.8)
    lit = stage.light.night > 0.2 and stage.chance(0.6)
    canvas.rect(box, ground, Part.SIGN, 200 if lit else None)
    for _ in range(int(rng.integers(1, 4))):
        low = stage.pick(0.05, 0.6)
        block = box.part(0.1, low, stage.pick(0.4, 0.92), low + stage.pick(0.08, 0.25))
        canvas.rect(block, mix(ground, other, stage.pick(0.3, 1.0)))
    word = random_word(stage)
    canvas.stamp(fitted(box.part(0, 0.6, 1, 1), word, 0.85), word, other)
