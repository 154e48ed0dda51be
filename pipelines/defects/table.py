"""A defect sheet as CSV."""

from __future__ import annotations

import csv
import io
from typing import Final

from ..messages import Language
from .types import Defect, DefectSheet
from .words import number, say

COLUMNS: Final = (
    "number", "defect", "class", "prompt", "location", "centre_x", "centre_y", "left", "top", "box_width",
    "box_height", "area_px", "area", "length", "width", "severity", "score", "cause", "measures",
)  # fmt: skip
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_text(sheet: DefectSheet, language: Language = "en") -> str:
    """The sheet as the text of a CSV file; write it as ``utf-8-sig`` so that Excel knows the letters.

    English files have commas and decimal points. Russian ones have semicolons and decimal commas, as Excel
    set to Russian expects.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if language == "ru" else ",", lineterminator="\r\n")
    writer.writerow([say(column, language) for column in COLUMNS])
    for defect in sheet.defects:
        writer.writerow([_harmless(value) for value in _row(sheet, defect, language)])
    return text.getvalue()


def _row(sheet: DefectSheet, defect: Defect, language: Language) -> list[str]:
    component = defect.component
    return [
        str(defect.number),
        defect.kind.title.text(language),
        defect.kind.name,
        defect.class_name,
        defect.zone.text(language),
        *(number(value, language, 1) for value in component.centroid),
        *(str(value) for value in component.box),
        str(component.area),
        _known(sheet.area_m2(defect), language, 4),
        _known(sheet.length_m(defect), language, 3),
        _known(sheet.width_mm(defect), language, 1),
        defect.severity.title.text(language),
        number(defect.score, language, 4),
        defect.kind.cause.text(language),
        defect.kind.measures.text(language),
    ]


def _known(value: float | None, language: Language, digits: int) -> str:
    return "" if value is None else number(value, language, digits)


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell
