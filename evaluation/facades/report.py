"""The comparison as one page that a person can read; no file and no address beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines import load_taxonomy

from .comparison import Row, ShownPicture
from .outputs import NO_CLASS_COLUMN, normalise_rows, plain
from .tally import FacadeTally, class_table

TEMPLATE: Final = "report.html.j2"
PUBLISHED: Final = (
    "mIoU_absent_zero",
    "boundaryIoU",
    "macroF1",
    "f1",
    "damageIoU",
    "damagePlusIoU",
    "damageMIoU",
    "damagePlusMIoU",
    "damageDetectionRecall",
    "damageDetectionPrecision",
    "damageDetectionF1",
    "damageMislabelRate",
)
"""The published figures; the first is what the published tool calls mIoU."""


@dataclass(frozen=True, slots=True)
class Head:
    """A column of the first table."""

    key: str
    title: str
    meaning: str
    per_image: bool = False


HEADLINE: Final = (
    Head("mIoU", "mIoU", "Overlap over union of prediction and truth, mean over the classes that occur."),
    Head("damageIoU", "damage IoU", "The same with all kinds of damage taken as one class."),
    Head(
        "damageDetectionRecall",
        "damage pixels found",
        "Part of the damaged pixels that are predicted as damage of any kind.",
    ),
    Head(
        "componentRecall",
        "damaged areas found",
        "Part of the connected damaged areas that predicted damage of any kind touches, whatever their size.",
    ),
    Head(
        "falseAlarmsPerImage",
        "false alarms a picture",
        "Connected areas of predicted damage that touch no damage. Fewer are better.",
        per_image=True,
    ),
    Head(
        "crackF1_2px",
        "cracks within 2 px",
        "F1 of crack pixels, where a pixel within 2 px of the other side's crack counts as right.",
    ),
    Head(
        "boundary_mIoU",
        "outlines",
        "IoU of outlines 2 % of the diagonal wide, mean over the classes that occur.",
    ),
)


def render_report(
    tallies: Mapping[Row, FacadeTally],
    metrics: Mapping[Row, Mapping[str, Any]],
    pictures: Sequence[ShownPicture],
    about: Mapping[str, Any],
    notes: Sequence[str],
) -> str:
    """The page as HTML.

    Args:
        tallies: counts by row.
        metrics: figures by row, as :func:`evaluation.facades.outputs.describe_row` gives them.
        pictures: answers to look at.
        about: classes, configuration, models, prompts, versions, command.
        notes: sentences to read first.
    """
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
    )
    environment.filters.update(FILTERS)
    return environment.get_template(TEMPLATE).render(
        about=plain(about),
        notes=notes,
        headline=[head for head in HEADLINE if all(head.key in found for found in metrics.values())],
        rows=[_describe(row, tally, metrics) for row, tally in tallies.items()],
        classes=_class_tables(tallies),
        pictures=pictures,
        published=PUBLISHED,
    )


def _describe(row: Row, tally: FacadeTally, metrics: Mapping[Row, Mapping[str, Any]]) -> dict[str, Any]:
    rivals = [found for other, found in metrics.items() if other.split == row.split]
    return {
        "split": row.split,
        "model": row.model,
        "method": row.method,
        "metrics": plain(metrics[row]),
        "best": {head.key: len(rivals) > 1 and _is_best(head, metrics[row], rivals) for head in HEADLINE},
        "matrix": _matrix(tally),
    }


def _is_best(head: Head, own: Mapping[str, Any], rivals: Sequence[Mapping[str, Any]]) -> bool:
    values = [value for found in rivals if math.isfinite(value := found.get(head.key, math.nan))]
    if not values or min(values) == max(values):
        return False
    return bool(own[head.key] == (min(values) if head.per_image else max(values)))


def _matrix(tally: FacadeTally) -> dict[str, Any]:
    counts = tally.counts["confusion"].sum(0)
    names = tally.scheme.names
    columns = (*names, NO_CLASS_COLUMN) if counts[:, -1].any() else names
    shares = normalise_rows(counts[:, : len(columns)]).tolist()
    lines = [{"name": name, "cells": cells} for name, cells in zip(names, shares, strict=True)]
    return {"columns": columns, "lines": lines}


def _class_tables(tallies: Mapping[Row, FacadeTally]) -> dict[str, Any]:
    """By split: the support of each class and its IoU in each row."""
    tables = {}
    for split in dict.fromkeys(row.split for row in tallies):
        rows = {row: class_table(tally) for row, tally in tallies.items() if row.split == split}
        lines = [
            {
                "name": same[0]["class"],
                "colour": colour.colour,
                "pixels": plain(same[0]["pixels"]),
                "images": plain(same[0]["images"]),
                "regions": same[0]["regions"],
                "overlaps": [plain(line["IoU"]) for line in same],
            }
            for same, colour in zip(zip(*rows.values(), strict=True), load_taxonomy().classes, strict=False)
        ]
        tables[split] = {"columns": [f"{row.model}, {row.method}" for row in rows], "lines": lines}
    return tables


def _percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def _figure(value: float | None, head: Head) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if head.per_image else _percent(value)


def _span(pair: Sequence[float], head: Head) -> str:
    scale, digits = (1, 2) if head.per_image else (100, 1)
    return f"{scale * pair[0]:.{digits}f} to {scale * pair[1]:.{digits}f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}".replace(",", "\u202f")


def _words(name: str) -> str:
    return name.replace("_", " ").lower()


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "percent": _percent,
    "figure": _figure,
    "span": _span,
    "share": _share,
    "count": _count,
    "words": _words,
}
