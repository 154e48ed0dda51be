"""A defect sheet as COCO annotations."""

from __future__ import annotations

from typing import Any

import numpy as np

from .outlines import Ring, outline
from .types import Component, Defect, DefectSheet
from .words import NOTE


def run_lengths(component: Component, image_size: tuple[int, int]) -> list[int]:
    """The mask of a component in COCO's uncompressed run-length code.

    Pixels are read column by column; runs of zeros and ones take turns, zeros first.

    Args:
        component: at least one pixel.
        image_size: (height, width) of the whole picture.

    Returns:
        Lengths that sum to height x width.
    """
    height, width = image_size
    x, y, _, _ = component.box
    columns, rows = np.nonzero(component.mask.T)
    places = (columns + x) * height + rows + y
    breaks = np.flatnonzero(np.diff(places) > 1)
    starts = np.concatenate([places[:1], places[breaks + 1]])
    ends = np.concatenate([places[breaks], places[-1:]]) + 1
    edges = np.stack([starts, ends], 1).ravel()
    lengths = np.diff(edges, prepend=0).tolist()
    rest = height * width - int(ends[-1])
    return [*lengths, rest] if rest else lengths


def coco_document(sheet: DefectSheet, file_name: str) -> dict[str, Any]:
    """The sheet as one COCO object: ``images``, ``categories`` and ``annotations``.

    ``segmentation`` is the exact mask as run lengths. COCO's own polygons know no holes, so outlines stand
    apart in ``polygons``: each has an ``exterior`` and ``holes``, corners of pixels as x, y, x, y, ...

    Args:
        sheet: all defects of one picture.
        file_name: of the picture.
    """
    height, width = sheet.image_size
    names = sorted({category(defect) for defect in sheet.defects})
    return {
        "info": {
            "description": NOTE.en,
            "model": {"checkpoint": sheet.checkpoint.id, "sha256": sheet.checkpoint.sha256},
            "method": sheet.method,
            "damage_threshold": sheet.threshold,
            "metres_per_pixel": None if sheet.scale is None else sheet.scale.metres_per_pixel,
        },
        "licenses": [],
        "images": [{"id": 1, "file_name": file_name, "width": width, "height": height}],
        "categories": [
            {"id": number, "name": name, "supercategory": "defect"} for number, name in enumerate(names, 1)
        ],
        "annotations": [_annotation(sheet, defect, names) for defect in sheet.defects],
    }


def category(defect: Defect) -> str:
    """Class of the taxonomy, or the name the user gave where there is none."""
    return defect.kind.name


def _annotation(sheet: DefectSheet, defect: Defect, names: list[str]) -> dict[str, Any]:
    component = defect.component
    x, y, _, _ = component.box
    return {
        "id": defect.number,
        "image_id": 1,
        "category_id": names.index(category(defect)) + 1,
        "bbox": list(component.box),
        "area": component.area,
        "iscrowd": 0,
        "segmentation": {
            "size": list(sheet.image_size),
            "counts": run_lengths(component, sheet.image_size),
        },
        "polygons": [
            {"exterior": _flat(piece.exterior), "holes": [_flat(hole) for hole in piece.holes]}
            for piece in outline(component.mask, (x, y))
        ],
        "score": round(defect.score, 4),
        "attributes": {
            "prompt": defect.class_name,
            "severity": defect.severity.name,
            "area_m2": sheet.area_m2(defect),
            "length_m": sheet.length_m(defect),
            "width_mm": sheet.width_mm(defect),
        },
    }


def _flat(ring: Ring) -> list[int]:
    return [value for corner in ring for value in corner]
