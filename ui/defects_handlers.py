"""Between the defect panel and the pipelines: form values in, a sheet and its files out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import gradio as gr

from lposs_core import LPOSSConfig
from pipelines import InferenceResult, Method, PipelineError, infer, load_taxonomy
from pipelines.defects import (
    NOTE,
    Defect,
    DefectOptions,
    DefectSheet,
    Scale,
    area_words,
    coco_document,
    crop_picture,
    csv_text,
    damage_classes,
    find_defects,
    geojson_document,
    jpeg_bytes,
    rule_lines,
    sheet_html,
)
from pipelines.defects.words import SHEET
from pipelines.messages import Language, Phrase

from .files import file_data, write_once, write_unique
from .handlers import FORM_FIELDS, Form, Handlers
from .images import Picture
from .refusals import explain, refusal
from .text import LANGUAGES, say

MOST_ROWS: Final = 100
OWN_FIELDS: Final = ("method", "damage", "threshold", "least", "metres", "points", "kinds", "known")
FILE_KINDS: Final = ("html", "csv", "coco", "geojson")
Updates = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DefectForm:
    """The values of the defect panel, in the order in which its events send them.

    Attributes:
        method: whose scores are searched; the picture's own result may come from another.
        damage: names that are ticked.
        threshold: least damage probability.
        least: smallest area in per cent of the picture.
        metres: length between the two marks.
        points: the marks, (x, y) in pixels; None without marks.
        kinds: class of the taxonomy by the key of a row, as chosen by the visitor.
        known: names that the ticks were offered for.
    """

    method: str
    damage: Sequence[str]
    threshold: float
    least: float
    metres: float | None
    points: Sequence[Sequence[float]] | None
    kinds: Mapping[str, str] | None
    known: Sequence[str] | None

    def options(self, names: Sequence[str]) -> DefectOptions:
        """How to search; ticks that belong to other prompts are not looked at.

        Args:
            names: of the classes of the result.

        Raises:
            SettingsError: the marks or a number cannot be used.
        """
        own = list(names) == list(self.known or ())
        return DefectOptions(
            damage=tuple(name for name in names if name in self.damage) if own else None,
            threshold=self.threshold,
            least_share=self.least / 100,
            scale=self.scale(),
            kinds=(self.kinds or {}) if own else {},
            most=MOST_ROWS,
        )

    def scale(self) -> Scale | None:
        """The known length, once both its marks and its metres are there."""
        if self.points is None or not self.metres:  # an empty number field may come as 0
            return None
        (x, y), (u, v) = self.points
        return Scale(((float(x), float(y)), (float(u), float(v))), float(self.metres))


class DefectHandlers:
    """What the defect panel's events call.

    Args:
        page: gives pictures and results.
    """

    def __init__(self, page: Handlers) -> None:
        self._page = page

    def find(self, *values: Any) -> Updates:
        """List the defects of the picture as the page shows it. A refusal becomes the panel's sentence."""
        form, own = _split(values)
        if form.image is None:
            return {"table": {"message": _both("no_image")}}
        try:
            picture, result = self._result(form, own.method)
        except Exception as error:
            return {"table": _message(error)}
        names = [item.name for item in result.classes]
        ticked = own.damage if names == list(own.known or ()) else damage_classes(result.classes)
        updates: Updates = {"damage": gr.update(choices=names, value=list(ticked)), "known": names}
        try:
            sheet = find_defects(result, own.options(names))
        except Exception as error:
            return {**updates, "table": _message(error)}
        return {**updates, "table": table_value(sheet, picture)}

    def _result(self, form: Form, method: str) -> tuple[Picture, InferenceResult]:
        picture, request = self._page.request_for(form)
        if method != request.method:
            kept = request.settings if isinstance(request.settings, LPOSSConfig) else None
            request = dataclasses.replace(request, method=cast(Method, method), settings=kept)
        return picture, infer(request, self._page.registry)

    def save(self, kind: str) -> Callable[..., str]:
        """The handler that writes one file of the sheet for download.

        Args:
            kind: one of :data:`FILE_KINDS`.
        """

        def write(*values: Any) -> str:
            form, own = _split(values)
            if form.image is None:
                raise gr.Error(say("no_image", form.spoken), print_exception=False)
            try:
                picture, result = self._result(form, own.method)
                sheet = find_defects(result, own.options([item.name for item in result.classes]))
                return str(write_file(kind, sheet, picture, form.image.path.name, form.spoken))
            except Exception as error:
                raise refusal(error, form.spoken) from error

        return write


def _split(values: Sequence[Any]) -> tuple[Form, DefectForm]:
    count = len(FORM_FIELDS)
    return Form(*values[:count]), DefectForm(*values[count:])


def table_value(sheet: DefectSheet, picture: Picture) -> dict[str, Any]:
    """What the browser needs to show a sheet; words come in both languages.

    Args:
        sheet: at most :data:`MOST_ROWS` defects.
        picture: that it is about.
    """
    known = load_taxonomy()
    return {
        "rows": [_table_row(sheet, defect, picture) for defect in sheet.defects],
        "kinds": [
            {"name": item.name, "title": {code: item.title[code] for code in LANGUAGES}}
            for item in (known.classes[index] for index in known.damage_plus)
        ],
        "scale": None if sheet.scale is None else sheet.scale.metres_per_pixel,
        "left_out": sheet.left_out,
        "rule": _words(SHEET["rule"]),
        "rules": {code: rule_lines(sheet, code) for code in LANGUAGES},
        "note": _words(NOTE),
    }


def _table_row(sheet: DefectSheet, defect: Defect, picture: Picture) -> dict[str, Any]:
    component = defect.component
    photo = jpeg_bytes(crop_picture(picture.pixels, defect))
    path = write_once("defect", ".jpg", photo, lambda target: target.write_bytes(photo))
    return {
        "number": defect.number,
        "key": component.key,
        "kind": defect.kind.name,
        "title": _words(defect.kind.title),
        "severity": _words(defect.severity.title),
        "colour": defect.severity.colour,
        "score": defect.score,
        "zone": _words(defect.zone),
        "centre": [round(value) for value in component.centroid],
        "box": list(component.box),
        "area": {code: area_words(sheet, component.area, code) for code in LANGUAGES},
        "length": sheet.length_m(defect),
        "width": sheet.width_mm(defect),
        "length_px": None if defect.extent is None else round(defect.extent.length),
        "edited": defect.edited,
        "photo": file_data(path),
    }


def write_file(kind: str, sheet: DefectSheet, picture: Picture, name: str, language: Language) -> Path:
    """Write one file of a sheet for download.

    Args:
        kind: one of :data:`FILE_KINDS`.
        sheet: all defects.
        picture: that it is about.
        name: of the picture's file.
        language: of the words in the file.
    """
    if kind == "html":
        text = sheet_html(sheet, picture.pixels, name, language)
        return _write("defect-sheet", ".html", text)
    if kind == "csv":
        return _write("defects", ".csv", csv_text(sheet, language), "utf-8-sig")
    document = coco_document(sheet, name) if kind == "coco" else geojson_document(sheet, name, language)
    suffix = ".json" if kind == "coco" else ".geojson"
    return _write("defects", suffix, json.dumps(document, ensure_ascii=False) + "\n")


def _write(kind: str, suffix: str, text: str, encoding: str = "utf-8") -> Path:
    return write_unique(kind, suffix, lambda path: path.write_bytes(text.encode(encoding)))


def _words(phrase: Phrase) -> dict[str, str]:
    return {code: phrase.text(code) for code in LANGUAGES}


def _message(error: Exception) -> dict[str, Any]:
    if not isinstance(error, PipelineError):
        sentence = explain(error)
        return {"message": dict.fromkeys(LANGUAGES, sentence)}
    return {"message": {code: error.text(code) for code in LANGUAGES}}


def _both(key: str) -> dict[str, str]:
    return {code: say(key, code) for code in LANGUAGES}
