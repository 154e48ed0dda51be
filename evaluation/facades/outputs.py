"""Results on disk, in the published layout: metrics, tables and confusion matrices of one row."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .intervals import Interval
from .tally import FacadeTally, class_table, derive

NO_CLASS_COLUMN: Final = "none"
CELL_INCHES: Final = 0.62
LEFT, BOTTOM, RIGHT, TOP = 2.0, 1.7, 1.2, 0.2  # margins in inches
DPI: Final = 200
PHOTOGRAPH_FIGURES: Final = (
    "damageShare", "damageSharePredicted", "damageIoU", "mIoU", "componentRecall", "falseAlarmsPerImage",
)  # fmt: skip


def write_row(
    folder: Path,
    split: str,
    tally: FacadeTally,
    intervals: Mapping[str, Interval],
    photographs: Sequence[str],
) -> dict[str, Any]:
    """Write one row's files: ``SPLIT_metrics.json``, ``SPLIT_per_class_iou.json``, tables and matrices.

    Args:
        folder: where to; made where it is missing.
        split: first word of the names.
        tally: counts.
        intervals: of the figures.
        photographs: names, by their number in the counts.

    Returns:
        What ``SPLIT_metrics.json`` holds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = tally.scheme.names
    figures = tally.figures()
    classes = class_table(tally)
    metrics = describe_row(tally, figures, intervals)
    write_json(folder / f"{split}_metrics.json", metrics)
    write_json(folder / f"{split}_per_class_iou.json", dict(zip(names, figures["iou"], strict=True)))
    write_class_table(folder / f"{split}_per_class.csv", classes, intervals)
    write_photograph_table(folder / f"{split}_photographs.csv", photographs, tally)
    counts = tally.counts["confusion"].sum(0)
    titles = (*names, NO_CLASS_COLUMN) if counts[:, -1].any() else names
    counts = counts[:, : len(titles)]
    shares = normalise_rows(counts)
    write_matrix(folder / f"{split}_confusion.csv", names, titles, counts)
    write_matrix(folder / f"{split}_confusion_normalised.csv", names, titles, shares)
    draw_matrix(folder / f"{split}_confusion.png", names, titles, counts)
    draw_matrix(folder / f"{split}_confusion_normalised.png", names, titles, shares)
    return metrics


def describe_row(
    tally: FacadeTally, figures: Mapping[str, Any], intervals: Mapping[str, Interval]
) -> dict[str, Any]:
    """Figures, their intervals and what they rest on, by name."""
    numbers = {key: value for key, value in figures.items() if isinstance(value, float)}
    pixels = tally.counts["confusion"].sum((0, 2)).tolist()
    images = tally.counts["showing"].sum(0).tolist()
    support = {
        name: {"pixels": count, "images": seen}
        for name, count, seen in zip(tally.scheme.names, pixels, images, strict=True)
    }
    return {
        **numbers,
        "images": int(tally.counts["images"].sum()),
        "photographs": tally.photographs,
        "pixels": sum(pixels),
        "support": support,
        "intervals": {key: list(pair) for key, pair in intervals.items()},
    }


def write_json(path: Path, content: Any) -> None:
    """Write JSON that every reader takes: NaN becomes null."""
    text = json.dumps(plain(content), ensure_ascii=False, indent=2, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def plain(value: Any) -> Any:
    """The value in types that JSON knows; NaN and infinities as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_class_table(
    path: Path, rows: Sequence[Mapping[str, Any]], intervals: Mapping[str, Interval]
) -> None:
    """Write one line a class as CSV; what does not exist stays empty."""
    columns = [*rows[0], "IoU low", "IoU high"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            low, high = intervals.get(f"IoU {row['class']}", (None, None))
            writer.writerow(plain({**row, "IoU low": low, "IoU high": high}))


def write_photograph_table(path: Path, names: Sequence[str], tally: FacadeTally) -> None:
    """Write one line a photograph as CSV: how much of it is damaged, how much is said to be, and how well."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["photograph", "images", "pixels", *PHOTOGRAPH_FIGURES])
        for number, name in enumerate(names):
            sums = {key: counts[number] for key, counts in tally.counts.items()}
            figures = derive(sums, tally.scheme)
            found = plain([figures[key] for key in PHOTOGRAPH_FIGURES])
            writer.writerow([name, int(sums["images"]), int(sums["confusion"].sum()), *found])


def normalise_rows(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Each row over its sum: what became of a class's pixels; an empty row stays 0."""
    return np.asarray(counts / np.maximum(counts.sum(1, keepdims=True), 1))


def write_matrix(path: Path, rows: Sequence[str], columns: Sequence[str], cells: npt.NDArray[Any]) -> None:
    """Write a matrix as CSV: the first line is ``class`` and the columns' names."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["class", *columns])
        writer.writerows([name, *line] for name, line in zip(rows, cells.tolist(), strict=True))


def draw_matrix(path: Path, rows: Sequence[str], columns: Sequence[str], cells: npt.NDArray[Any]) -> None:
    """Draw a matrix in blues with numbers in its cells, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = CELL_INCHES * len(columns), CELL_INCHES * len(rows)
    size = (LEFT + width + RIGHT, BOTTOM + height + TOP)
    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((LEFT / size[0], BOTTOM / size[1], width / size[0], height / size[1]))
    picture = axes.imshow(cells, cmap="Blues", vmin=0)
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel("prediction")
    axes.set_ylabel("ground truth")
    _write_numbers(axes, cells)
    bar = figure.add_axes((1 - 0.75 * RIGHT / size[0], BOTTOM / size[1], 0.2 / size[0], height / size[1]))
    figure.colorbar(picture, cax=bar)
    figure.savefig(path, dpi=DPI)


def short_number(value: int | float) -> str:
    """A number that fits a cell: shares with two digits, large counts as 12k or 3.4M."""
    if isinstance(value, float):
        return f"{value:.2f}" if value else "0"
    for limit, ending in ((10**6, "M"), (10**3, "k")):
        if value >= limit:
            scaled = value / limit
            return f"{scaled:.1f}{ending}" if scaled < 10 else f"{scaled:.0f}{ending}"
    return str(value)


def _write_numbers(axes: Any, cells: npt.NDArray[Any]) -> None:
    middle = cells.max() / 2
    for place, value in np.ndenumerate(cells):
        colour = "white" if value > middle else "black"
        axes.text(
            place[1], place[0], short_number(value.item()), ha="center", va="center", color=colour, size=7
        )
