"""Pictures of a study: pixel-aligned PNGs without titles, and one captioned sheet a sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipelines import load_taxonomy, overlay
from pipelines.explanation_types import ExplanationResult
from pipelines.render import rgb

from .study import Side, Study

OPACITY: Final = 0.6
HEAT_COLOURS: Final = "RdBu_r"  # blue against, white for nothing, red for
SHEET_SIDE: Final = 240  # longest side of a picture on the sheet, in pixels
LEAST_COLUMN: Final = 170  # room for a caption, in pixels
CAPTION: Final = 34  # height of a caption, in pixels
FONT: Final = "DejaVuSans.ttf"

Pixels = NDArray[np.uint8]


def taxonomy_colours(names: Sequence[str]) -> list[str]:
    """Colours of classes by their names, ``#rrggbb``."""
    taxonomy = load_taxonomy()
    return [taxonomy.find(name).colour for name in names]


def paint_labels(labels: Pixels, colours: Sequence[str]) -> Pixels:
    """A label map ``(H, W)`` in colours ``(H, W, 3)``; pixels without a class are white."""
    table = np.full((256, 3), 255, dtype=np.uint8)
    table[: len(colours)] = [rgb(colour) for colour in colours]
    return table[labels]


def paint_heat(result: ExplanationResult) -> Pixels:
    """A heat map in colours on its scale, ``(H, W, 3)``: red speaks for the class, blue against it."""
    import matplotlib

    unit = result.scale.unit(result.attribution)
    painted = matplotlib.colormaps[HEAT_COLOURS](unit, bytes=True)
    return np.asarray(painted[..., :3], np.uint8)


def write_pictures(folder: Path, study: Study, side: Side, truth: Pixels) -> None:
    """Write all pictures and raw maps of one side, each of the very size of the sample.

    Args:
        folder: of the sample under the side's prompt set.
        study: of the sample.
        side: prompt set and model.
        truth: taxonomy indices, ``(H, W)``; 255 is white.
    """
    model, found = side[1], study.segmentations[side]
    colours = taxonomy_colours([item.name for item in found.classes])
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "input": study.image,
        "ground_truth": paint_labels(truth, [item.colour for item in load_taxonomy().classes]),
        f"{model}_segmentation_input": study.image,
        f"{model}_segmentation_prediction": paint_labels(found.label_map, colours),
        f"{model}_segmentation_overlay": overlay(study.image, found.label_map, colours, OPACITY),
    }
    for (word, name), result in study.maps[side].items():
        pictures[f"{model}_{word}_{name}"] = paint_heat(result)
        result.save(folder / f"{model}_{word}_{name}.npz")
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")


def write_sheet(path: Path, study: Study, set_name: str, focus: Sequence[str]) -> None:
    """Draw a sheet with captions: a row a model; the overlay, then the maps of the focus classes."""
    models = [model for name, model in study.segmentations if name == set_name]
    rows = [_sheet_row(study, (set_name, model), focus) for model in models]
    height, width = _thumbnail(study.image).shape[:2]
    cell = (max(width, LEAST_COLUMN) + 8, height + CAPTION)
    sheet = Image.new("RGB", (cell[0] * max(map(len, rows)), cell[1] * len(rows)), "white")
    pen, font = ImageDraw.Draw(sheet), _font()
    for row, pictures in enumerate(rows):
        for column, (caption, pixels) in enumerate(pictures):
            corner = (column * cell[0], row * cell[1])
            pen.multiline_text((corner[0] + 2, corner[1] + 2), caption, fill="black", font=font, spacing=1)
            sheet.paste(Image.fromarray(_thumbnail(pixels)), (corner[0], corner[1] + CAPTION))
    sheet.save(path)


def _sheet_row(study: Study, side: Side, focus: Sequence[str]) -> list[tuple[str, Pixels]]:
    found = study.segmentations[side]
    colours = taxonomy_colours([item.name for item in found.classes])
    row = [(f"{side[1]}\n{found.method}", overlay(study.image, found.label_map, colours, OPACITY))]
    for (word, name), result in study.maps[side].items():
        if name in focus:
            caption = (
                f"{word} {name}\n\N{PLUS-MINUS SIGN}{result.scale.high:.2g}{' flagged' * result.flagged}"
            )
            row.append((caption, paint_heat(result)))
    return row


def _thumbnail(pixels: Pixels) -> Pixels:
    image = Image.fromarray(pixels)
    image.thumbnail((SHEET_SIDE, SHEET_SIDE))
    return np.asarray(image)


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    import matplotlib

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / FONT), 11)
