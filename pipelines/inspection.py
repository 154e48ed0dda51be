"""What a result says about one pixel: the score of every class and of each of its texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import UnknownChoice
from .types import NO_CLASS, ClassResult, InferenceResult


@dataclass(frozen=True, slots=True)
class TextScore:
    """One text of a class at the pixel.

    Attributes:
        text: as it was searched by.
        score: in the units of the class's score; None where the method scores whole classes only.
    """

    text: str
    score: float | None


@dataclass(frozen=True, slots=True)
class ClassInspection:
    """One class at the pixel.

    Attributes:
        index: value of its pixels in the label map.
        name: as the user wrote it.
        colour: ``#rrggbb``.
        score: the largest over its texts; a mean cosine, with ``maskclip`` a probability.
        probability: softmax over the classes, in ``[0, 1]``.
        texts: its texts in the order written.
    """

    index: int
    name: str
    colour: str
    score: float
    probability: float
    texts: tuple[TextScore, ...]


@dataclass(frozen=True, slots=True)
class PixelInspection:
    """Every class at one pixel.

    Attributes:
        x: column in the upright image, from 0.
        y: row, from 0.
        image_size: (height, width) of that image.
        label: value of the pixel in the label map, ``NO_CLASS`` for none.
        classes: in prompt order.
    """

    x: int
    y: int
    image_size: tuple[int, int]
    label: int
    classes: tuple[ClassInspection, ...]

    def report(self) -> dict[str, Any]:
        """The JSON object of the ``/inspect`` endpoint."""
        return {
            "x": self.x,
            "y": self.y,
            "size": list(self.image_size),
            "label": None if self.label == NO_CLASS else self.label,
            "classes": [_class_row(item) for item in self.classes],
        }


def inspect_pixel(result: InferenceResult, x: int, y: int) -> PixelInspection:
    """Read every score at a pixel.

    Args:
        result: of :func:`pipelines.infer`.
        x: column in the upright image, from 0.
        y: row in the upright image, from 0.

    Raises:
        UnknownChoice: the pixel lies outside the image.
    """
    height, width = result.image_size
    if not (0 <= x < width and 0 <= y < height):
        limits = {"width": width, "height": height, "right": width - 1, "bottom": height - 1}
        raise UnknownChoice.of("pixel", x=x, y=y, **limits)
    scores, chances = result.scores.at(x, y), result.scores.probabilities_at(x, y)
    single = result.scores.texts_at(x, y)
    classes = tuple(
        ClassInspection(
            item.index,
            item.name,
            item.colour,
            float(scores[item.index]),
            float(chances[item.index]),
            tuple(_text_scores(item, float(scores[item.index]), single)),
        )
        for item in result.classes
    )
    rows, columns = result.size
    label = result.label_map[y * rows // height, x * columns // width]
    return PixelInspection(x, y, result.image_size, int(label), classes)


def _text_scores(item: ClassResult, score: float, single: Mapping[str, float]) -> Iterator[TextScore]:
    """The texts of a class; a class's only text scores what the class does."""
    for text in item.prompts:
        yield TextScore(text, single.get(text, score if len(item.prompts) == 1 else None))


def _class_row(item: ClassInspection) -> dict[str, Any]:
    return {
        "index": item.index,
        "name": item.name,
        "colour": item.colour,
        "score": item.score,
        "probability": item.probability,
        "prompts": [{"text": each.text, "score": each.score} for each in item.texts],
    }
