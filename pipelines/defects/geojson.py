"""A defect sheet as GeoJSON in the picture's own pixels."""

from __future__ import annotations

from typing import Any, Final

from ..messages import Language
from .outlines import Ring, outline
from .types import Defect, DefectSheet
from .words import NOTE

SPACE: Final = (
    "Pixels of the upright picture, not longitude and latitude: x to the right, y down, (0, 0) is the upper "
    "left corner of the upper left pixel. Outlines run along the edges of pixels."
)


def geojson_document(sheet: DefectSheet, file_name: str, language: Language = "en") -> dict[str, Any]:
    """The sheet as a FeatureCollection of MultiPolygons; the file states its coordinate space.

    Args:
        sheet: all defects of one picture.
        file_name: of the picture.
        language: of the words among the properties.
    """
    height, width = sheet.image_size
    return {
        "type": "FeatureCollection",
        "coordinate_space": SPACE,
        "image": {"file_name": file_name, "width": width, "height": height},
        "metres_per_pixel": None if sheet.scale is None else sheet.scale.metres_per_pixel,
        "note": NOTE.text(language),
        "features": [_feature(sheet, defect, language) for defect in sheet.defects],
    }


def _feature(sheet: DefectSheet, defect: Defect, language: Language) -> dict[str, Any]:
    component = defect.component
    x, y, width, height = component.box
    return {
        "type": "Feature",
        "id": defect.number,
        "bbox": [x, y, x + width, y + height],
        "properties": {
            "number": defect.number,
            "class": defect.kind.name,
            "title": defect.kind.title.text(language),
            "prompt": defect.class_name,
            "severity": defect.severity.name,
            "score": round(defect.score, 4),
            "zone": defect.zone.text(language),
            "area_px": component.area,
            "area_m2": sheet.area_m2(defect),
            "length_m": sheet.length_m(defect),
            "width_mm": sheet.width_mm(defect),
        },
        "geometry": {
            "type": "MultiPolygon",
            "coordinates": [
                [_closed(piece.exterior), *(_closed(hole) for hole in piece.holes)]
                for piece in outline(component.mask, (x, y))
            ],
        },
    }


def _closed(ring: Ring) -> list[list[int]]:
    return [list(corner) for corner in (*ring, ring[0])]
