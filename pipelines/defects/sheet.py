"""A defect sheet as one HTML file to read, print or save as PDF."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2
import numpy as np
from numpy.typing import NDArray

from ..messages import Language
from .pictures import crop_picture, data_url, overview_picture
from .severity import Rule, load_rules
from .types import Defect, DefectSheet, Kind
from .words import NOTE, QUANTITIES, SHEET, number, percent, say, thousands

TEMPLATE: Final = Path(__file__).with_name("sheet.html.j2")


@dataclass(frozen=True, slots=True)
class Total:
    """One line of the summary."""

    title: str
    count: int
    area: str
    share: str


def sheet_html(
    sheet: DefectSheet,
    image: NDArray[np.uint8],
    file_name: str,
    language: Language = "en",
    created: datetime.date | None = None,
) -> str:
    """The sheet as a page that needs no other file and no network; every text in it is escaped.

    Args:
        sheet: all defects of one picture.
        image: that picture, upright, ``(H, W, 3)`` uint8 RGB.
        file_name: of the picture.
        language: of the sheet.
        created: day that the sheet names; today by default.
    """
    words = {key: phrase.text(language) for key, phrase in SHEET.items()}
    overview = overview_picture(image, sheet)
    return _template().render(
        language=language,
        words=words,
        note=NOTE.text(language),
        created=(created or datetime.date.today()).strftime("%d.%m.%Y" if language == "ru" else "%Y-%m-%d"),
        file_name=file_name,
        size=sheet.image_size,
        overview=data_url(overview),
        scale=_scale_words(sheet, language),
        rows=[_row(sheet, defect, image, language) for defect in sheet.defects],
        totals=list(_totals(sheet, language)),
        area_title=words["area_px" if sheet.scale is None else "area"],
        left_out=say("left_out", language, count=sheet.left_out, least=sheet.least_area)
        if sheet.left_out
        else "",
        rules=rule_lines(sheet, language),
        found_by=_found_by(sheet, language),
    )


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def _row(sheet: DefectSheet, defect: Defect, image: NDArray[np.uint8], language: Language) -> dict[str, Any]:
    component = defect.component
    x, y = (round(value) for value in component.centroid)
    return {
        "number": defect.number,
        "title": defect.kind.title.text(language),
        "severity": defect.severity.title.text(language),
        "colour": defect.severity.colour,
        "score": percent(defect.score, language),
        "extent": _extent_words(sheet, defect, language),
        "zone": defect.zone.text(language),
        "place": say("place", language, x=x, y=y, width=component.box[2], height=component.box[3]),
        "photo": data_url(crop_picture(image, defect)),
        "cause": defect.kind.cause.text(language),
        "measures": defect.kind.measures.text(language),
        "area": area_words(sheet, component.area, language),
        "pixels": "" if sheet.scale is None else say("pixels", language, area=thousands(component.area)),
        "box": component.box,
    }


def area_words(sheet: DefectSheet, pixels: int, language: Language) -> str:
    """An area in square metres; in pixels where there is no scale."""
    if sheet.scale is None:
        return thousands(pixels)
    area = pixels * sheet.scale.metres_per_pixel**2
    return number(area, language, 2 if area >= 0.1 else 4)


def _extent_words(sheet: DefectSheet, defect: Defect, language: Language) -> str:
    if defect.extent is None:
        return ""
    length, width = sheet.length_m(defect), sheet.width_mm(defect)
    if length is None or width is None:
        size = {"length": round(defect.extent.length), "width": number(defect.extent.width, language, 1)}
        return say("extent_px", language, **size)
    return say("extent", language, length=number(length, language, 2), width=number(width, language, 1))


def _scale_words(sheet: DefectSheet, language: Language) -> str:
    if sheet.scale is None:
        return say("scale_unknown", language)
    return say(
        "scale_known",
        language,
        metres=number(sheet.scale.metres, language, 2),
        pixels=round(sheet.scale.pixels),
        millimetres=number(sheet.scale.metres_per_pixel * 1000, language, 1),
    )


def _totals(sheet: DefectSheet, language: Language) -> Iterator[Total]:
    titles = dict.fromkeys(defect.kind.title.text(language) for defect in sheet.defects)
    for title in titles:
        areas = [each.component.area for each in sheet.defects if each.kind.title.text(language) == title]
        yield _total(title, areas, sheet, language)
    if len(titles) > 1:
        areas = [defect.component.area for defect in sheet.defects]
        yield _total(say("total", language), areas, sheet, language)


def _total(title: str, areas: Sequence[int], sheet: DefectSheet, language: Language) -> Total:
    whole = sheet.image_size[0] * sheet.image_size[1]
    share = f"{number(100 * sum(areas) / whole, language, 2)} %"
    return Total(title, len(areas), area_words(sheet, sum(areas), language), share)


def _kinds(sheet: DefectSheet) -> list[Kind]:
    return list({defect.kind.name: defect.kind for defect in sheet.defects}.values())


def rule_lines(sheet: DefectSheet, language: Language) -> list[str]:
    """How severity was rated: one sentence for each kind of defect of the sheet."""
    return [_rule_line(kind, sheet, language) for kind in _kinds(sheet)]


def _rule_line(kind: Kind, sheet: DefectSheet, language: Language) -> str:
    rules = load_rules()
    rule = rules.rule(kind, sheet.scale)
    first, *higher = [level.title.text(language) for level in rules.levels]
    figures = [_figure(rule, figure, language) for figure in rule.least]
    steps = [
        say("rule_below", language, level=first, figure=figures[0]),
        *(
            say("rule_step", language, level=level, figure=figure)
            for level, figure in zip(higher, figures, strict=True)
        ),
    ]
    title, quantity = kind.title.text(language), QUANTITIES[rule.quantity].text(language)
    return say("rule_line", language, title=title, quantity=quantity, steps=", ".join(steps))


def _figure(rule: Rule, figure: float, language: Language) -> str:
    if rule.quantity.endswith("_share"):
        return f"{number(100 * figure, language, 1)} %"
    return f"{figure:g}".replace(".", "," if language == "ru" else ".")


def _found_by(sheet: DefectSheet, language: Language) -> str:
    return say(
        "found_by_line",
        language,
        method=sheet.method,
        checkpoint=sheet.checkpoint.id,
        digest=sheet.checkpoint.sha256[:12],
        threshold=f"{sheet.threshold:g}".replace(".", "," if language == "ru" else "."),
        damage=", ".join(sheet.damage),
    )
