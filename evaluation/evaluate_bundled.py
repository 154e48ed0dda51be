"""Measure the bundled model on labelled photographs and on drawn scenes.

    python -m evaluation.evaluate_bundled --photos ../shared/photos --write

One confusion matrix a line over the labelled pixels at each picture's own size, one text a class and no
threshold; labels that a row does not list are ignored and an abstention counts as wrong. The damage row is
scored by how well the summed probability of its texts tells damage from sound wall (docs/evaluation.md).
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import logging
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from evaluation.contact_sheet import ContactSheet
from evaluation.damage import ScoredPhoto, areas_at_one_alarm, pixel_auc
from evaluation.facade_rows import (
    DAMAGE_CLASSES,
    ROWS,
    SOUND_LABELS,
    LabelledPhotos,
    Labels,
    Language,
    Row,
    select_labels,
)
from evaluation.metrics import ConfusionMatrix, ratio
from pipelines import (
    METHODS,
    ClassPrompt,
    InferenceRequest,
    InferenceResult,
    Method,
    PipelineError,
    PipelineRegistry,
    PromptSet,
    ScoreMaps,
    build_registry,
    infer,
    read_image,
)
from tiny_vlm.facades import CLASSES, draw_facade

DRAWN_SEEDS = range(900_000_000, 900_000_100)
"""Scenes kept for measuring; training draws from smaller seeds."""
DRAWN_SIZE = (448, 640)
RESULTS = Path(__file__).resolve().parents[1] / "docs" / "bundled_model_results.md"
SHEETS = Path("runs") / "contact_sheets"
"""Git ignores it: the sheets show photographs that are not ours to publish."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One labelled picture."""

    name: str
    image: npt.NDArray[np.uint8]
    mask: Labels


@dataclass(frozen=True, slots=True)
class Line:
    """One combination that is measured."""

    row: Row
    language: Language
    checkpoint: str
    method: Method

    def request(self, image: npt.NDArray[np.uint8]) -> InferenceRequest:
        """What is asked of a picture: one text a class, no abstention."""
        texts = self.row.texts(self.language)
        prompts = PromptSet(tuple(ClassPrompt(text, (text,)) for text in texts))
        return InferenceRequest(image, prompts, method=self.method, checkpoint=self.checkpoint)

    def asked(self) -> tuple[Line, ...]:
        """The lines that are measured for this one: itself, or one a wording."""
        return tuple(dataclasses.replace(self, row=row) for row in self.row.wordings) or (self,)

    def in_english(self) -> Line:
        """The same with English texts."""
        return dataclasses.replace(self, language="en")


@dataclass(slots=True, eq=False)
class ClassTally:
    """Counts of a line whose figure is mIoU."""

    row: Row
    names: dict[str, int]
    matrix: ConfusionMatrix = field(init=False)

    def __post_init__(self) -> None:
        self.matrix = ConfusionMatrix(len(self.row.classes))

    def update(self, result: InferenceResult, mask: Labels) -> None:
        """Count one picture."""
        self.matrix.update(result.label_map, self.truth(mask))

    def truth(self, mask: Labels) -> Labels:
        """The row's class of each pixel by its label; 255 where none counts."""
        return select_labels(mask, tuple(item.labels for item in self.row.classes), self.names)

    def figures(self) -> dict[str, float]:
        """MIoU and the IoU of each class."""
        found: dict[str, Any] = self.matrix.compute()
        per_class = {item.en: float(iou) for item, iou in zip(self.row.classes, found["iou"], strict=True)}
        return {"mIoU": found["mIoU"]} | per_class


@dataclass(slots=True, eq=False)
class DamageTally:
    """Damage scores of a line whose figures are the AUC and the share of areas found."""

    names: dict[str, int]
    photos: list[ScoredPhoto] = field(default_factory=list)

    def update(self, result: InferenceResult, mask: Labels) -> None:
        """Keep one picture's score."""
        damage = tuple(label for item in DAMAGE_CLASSES for label in item.labels)
        kinds = select_labels(mask, (damage, SOUND_LABELS), self.names)
        score = damage_score(result.scores, len(DAMAGE_CLASSES), mask.shape)
        self.photos.append(ScoredPhoto(score, kinds == 0, kinds == 1))

    def figures(self) -> dict[str, float]:
        """Pixel AUC, and the areas found at one false alarm a photograph."""
        areas = areas_at_one_alarm(self.photos)
        alarms = ratio(areas.false_alarms, len(self.photos))
        return {"AUC": pixel_auc(self.photos), "areas found": areas.share, "alarms a photograph": alarms}


Tally = ClassTally | DamageTally


@dataclass(slots=True)
class Agreement:
    """Pixels that two languages give one class."""

    equal: int = 0
    pixels: int = 0

    def update(self, one: Labels, other: Labels) -> None:
        """Compare two label maps of a picture."""
        self.equal += int(np.count_nonzero(one == other))
        self.pixels += one.size


def damage_score(scores: ScoreMaps, damage_count: int, shape: tuple[int, ...]) -> npt.NDArray[np.float16]:
    """Summed probability of the last ``damage_count`` classes at every pixel.

    Args:
        scores: scores of all classes at working size.
        damage_count: how many classes at the end are damage.
        shape: (height, width) of the picture; scores are enlarged to it before the softmax.

    Returns:
        float16 ``(H, W)`` in ``[0, 1]``.
    """
    planes = np.stack([_enlarge(plane, shape) for plane in scores.scores])
    if scores.scale:
        planes *= scores.scale
        planes -= planes.max(0)
        np.exp(planes, out=planes)
    total = planes.sum(0)
    return np.asarray(planes[-damage_count:].sum(0) / total, dtype=np.float16)


def _enlarge(plane: npt.NDArray[np.float16], shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_LINEAR))


def drawn_examples(limit: int | None) -> Iterator[Example]:
    """Scenes drawn from the seeds kept for measuring."""
    for seed in DRAWN_SEEDS[:limit]:
        scene = draw_facade(seed, *DRAWN_SIZE)
        yield Example(f"drawn {seed}", scene.image, scene.mask)


def photo_examples(photos: LabelledPhotos, limit: int | None) -> Iterator[Example]:
    """Photographs of the ``val`` split."""
    for path, mask in itertools.islice(photos.split("val"), limit):
        yield Example(path.name, read_image(path), mask)


def label_names(row: Row, photos: Path) -> dict[str, int]:
    """Label index by name of a row's pictures."""
    if row.source == "drawn":
        return {name: index for index, name in enumerate(CLASSES)}
    return LabelledPhotos(photos / row.source).names()


def examples_of(source: str, photos: Path, limit: int | None) -> Iterator[Example]:
    """Labelled pictures of one source."""
    if source == "drawn":
        return drawn_examples(limit)
    return photo_examples(LabelledPhotos(photos / source), limit)


def build_tally(row: Row, photos: Path) -> Tally:
    """An empty tally for a row."""
    names = label_names(row, photos)
    return DamageTally(names) if row.name == "damage" else ClassTally(row, names)


def measure(
    lines: Sequence[Line],
    photos: Path,
    limit: int | None,
    registry: PipelineRegistry,
    sheets: Path | None = None,
) -> dict[Line, dict[str, float]]:
    """Measure every line; picture by picture, so that a picture is encoded once for all of them.

    Args:
        lines: what to measure.
        photos: folder with ``spb_facades`` and ``bern_facades``.
        limit: at most this many pictures a source; None takes all.
        registry: models to use.
        sheets: folder for a contact sheet of each line with classes; None draws none.

    Returns:
        Figures by line.
    """
    drawn = {line: ContactSheet() for line in lines if sheets is not None}
    tallies = {line: build_tally(line.row, photos) for line in lines}
    agreements = {line: Agreement() for line in lines if line.language == "ru" and line.in_english() in lines}
    for source in dict.fromkeys(line.row.source for line in lines):
        chosen = [line for line in lines if line.row.source == source]
        for number, example in enumerate(examples_of(source, photos, limit), start=1):
            started = time.perf_counter()
            results = {line: infer(line.request(example.image), registry) for line in chosen}
            for line, result in results.items():
                tallies[line].update(result, example.mask)
                _draw(drawn.get(line), tallies[line], example, result)
            for line in agreements.keys() & results.keys():
                agreements[line].update(results[line].label_map, results[line.in_english()].label_map)
            log.info("%s %d: %s, %.1f s", source, number, example.name, time.perf_counter() - started)
    for line, sheet in drawn.items():
        if sheets is not None and sheet.cells:
            sheet.save(sheets / f"{line.row.name}_{line.checkpoint}_{line.method}_{line.language}.jpg")
    figures = {line: tally.figures() for line, tally in tallies.items()}
    for line, agreement in agreements.items():
        figures[line]["as in English"] = ratio(agreement.equal, agreement.pixels)
    return figures


def average_wordings(
    lines: Sequence[Line], measured: dict[Line, dict[str, float]]
) -> dict[Line, dict[str, float]]:
    """Figures of ``lines``; one with wordings gets the mean over them, under its own class names."""
    figures = {}
    for line in lines:
        found = [_rename(measured[one], one.row, line.row) for one in line.asked()]
        figures[line] = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    return figures


def _rename(figures: dict[str, float], asked: Row, row: Row) -> dict[str, float]:
    names = {one.en: other.en for one, other in zip(asked.classes, row.classes, strict=True)}
    return {names.get(name, name): figure for name, figure in figures.items()}


def _draw(sheet: ContactSheet | None, tally: Tally, example: Example, result: InferenceResult) -> None:
    if sheet is not None and isinstance(tally, ClassTally):
        sheet.add(example.image, result.label_map, tally.truth(example.mask), result.classes)


def show(value: float, digits: int) -> str:
    """A figure for a table; empty where there is none."""
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def summary_table(figures: dict[Line, dict[str, float]]) -> str:
    """Markdown: one line a row, checkpoint, method and figure; a column a language."""
    languages = list(dict.fromkeys(line.language for line in figures))
    lines = [
        f"| row | checkpoint | method | figure | {' | '.join(languages)} |",
        f"|---|---|---|---|{'---|' * len(languages)}",
    ]
    for row, checkpoint, method in dict.fromkeys((k.row, k.checkpoint, k.method) for k in figures):
        found = [figures[Line(row, language, checkpoint, method)] for language in languages]
        for name in ("mIoU", "AUC", "areas found", "as in English"):
            if any(name in one for one in found):
                cells = " | ".join(show(one.get(name, math.nan), 3) for one in found)
                lines.append(f"| {row.name} | {checkpoint} | {method} | {name} | {cells} |")
    return "\n".join(lines)


def class_table(figures: dict[Line, dict[str, float]], row: Row) -> str:
    """Markdown: IoU of each class of a row, one column a line."""
    lines = [line for line in figures if line.row is row]
    heads = [f"{line.checkpoint} {line.method} {line.language}" for line in lines]
    table = [f"| {row.name} | {' | '.join(heads)} |", f"|---|{'---|' * len(lines)}"]
    for item in row.classes:
        cells = " | ".join(show(figures[line][item.en], 2) for line in lines)
        table.append(f"| {item.en} | {cells} |")
    return "\n".join(table)


def render_results(figures: dict[Line, dict[str, float]], command: str) -> str:
    """The results page: the summary, then the classes of each mIoU row."""
    rows = [row for row in dict.fromkeys(line.row for line in figures) if row.name != "damage"]
    parts = [
        "# What the bundled model reaches",
        f"Written by `{command}`. How it is measured: [evaluation.md](evaluation.md).",
        summary_table(figures),
        "## IoU of each class",
        *(class_table(figures, row) for row in rows),
    ]
    return "\n\n".join(parts) + "\n"


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.evaluate_bundled", description="Measure the bundled model."
    )
    parser.add_argument("--photos", type=Path, default=Path("../shared/photos"), help="labelled photographs")
    parser.add_argument("--checkpoints", nargs="+", default=["tiny-stock", "tiny-finetuned"], metavar="ID")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["maskclip", "lposs", "lposs_plus"])
    parser.add_argument("--rows", nargs="+", choices=tuple(ROWS), default=list(ROWS))
    parser.add_argument("--languages", nargs="+", choices=("en", "ru"), default=["en", "ru"])
    parser.add_argument("--limit", type=int, help="at most this many pictures of each source")
    parser.add_argument("--write", action="store_true", help=f"also write docs/{RESULTS.name}")
    parser.add_argument("--sheets", type=Path, default=SHEETS, help=f"contact sheets (default {SHEETS})")
    return parser


def chosen_lines(arguments: argparse.Namespace) -> list[Line]:
    """Every combination of the options."""
    return [
        Line(ROWS[row], language, checkpoint, method)
        for row in arguments.rows
        for checkpoint in arguments.checkpoints
        for method in arguments.methods
        for language in arguments.languages
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0, or 2 with a sentence on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    arguments = build_parser().parse_args(argv)
    try:
        lines = chosen_lines(arguments)
        asked = [one for line in lines for one in line.asked()]
        found = measure(asked, arguments.photos, arguments.limit, build_registry(), arguments.sheets)
        figures = average_wordings(lines, found)
    except (PipelineError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    options = sys.argv[1:] if argv is None else argv
    text = render_results(figures, " ".join(("python -m evaluation.evaluate_bundled", *options)))
    print(text)
    if arguments.write:
        RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
