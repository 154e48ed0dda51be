"""Defect sheets: numbered areas of damage, measured, rated and written as CSV, COCO, GeoJSON and HTML.

sheet = find_defects(infer(request, registry), DefectOptions(scale=Scale(((10, 40), (210, 40)), metres=1.5)))
Path("sheet.html").write_text(sheet_html(sheet, image, "facade.jpg", "ru"), encoding="utf-8")
"""

from .coco import coco_document, run_lengths
from .components import find_components
from .damage import damage_classes, damage_map, match_class
from .geojson import geojson_document
from .measure import measure_extent, skeleton_length, thin, zone
from .outlines import Polygon, outline
from .pictures import crop_picture, jpeg_bytes, overview_picture
from .search import find_defects
from .severity import Rules, load_rules
from .sheet import area_words, rule_lines, sheet_html
from .table import csv_text
from .types import Component, Defect, DefectOptions, DefectSheet, Extent, Kind, Scale, Severity
from .words import NOTE

__all__ = [
    "NOTE",
    "Component",
    "Defect",
    "DefectOptions",
    "DefectSheet",
    "Extent",
    "Kind",
    "Polygon",
    "Rules",
    "Scale",
    "Severity",
    "area_words",
    "coco_document",
    "crop_picture",
    "csv_text",
    "damage_classes",
    "damage_map",
    "find_components",
    "find_defects",
    "geojson_document",
    "jpeg_bytes",
    "load_rules",
    "match_class",
    "measure_extent",
    "outline",
    "overview_picture",
    "rule_lines",
    "run_lengths",
    "sheet_html",
    "skeleton_length",
    "thin",
    "zone",
]
