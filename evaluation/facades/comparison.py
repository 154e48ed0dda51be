"""Segment every labelled picture with every model and method, and count."""

from __future__ import annotations

import base64
import io
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from evaluation.distributed import Rank, add_counts, gather, shard
from pipelines import Method, load_taxonomy, overlay

from .dataset import DatasetError, FacadeSample, Mask, Picture, read_sample
from .models import Segmenter
from .tally import FacadeTally, Scheme

SHOWN_SIDE: Final = 420
OPACITY: Final = 0.6

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison."""

    split: str
    model: str
    method: Method


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture of the report: the photograph, its ground truth and each row's answer, as ``data:`` URLs."""

    split: str
    name: str
    pictures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was counted.

    Attributes:
        tallies: counts of all pictures by row.
        pictures: a few answers to look at.
    """

    tallies: Mapping[Row, FacadeTally]
    pictures: Sequence[ShownPicture]


def compare(
    segmenter: Segmenter,
    samples: Mapping[str, Sequence[FacadeSample]],
    methods: Sequence[Method],
    scheme: Scheme,
    rank: Rank,
    *,
    shown: int = 3,
) -> Comparison:
    """Segment and count; every process takes its part and returns the counts of all.

    Args:
        segmenter: models and prompts.
        samples: pictures by split.
        methods: how each model segments.
        scheme: what is counted.
        rank: this process.
        shown: pictures of each split for the report.

    Raises:
        DatasetError: a file is malformed, or its mask holds a class that the configuration lacks.
        PipelineError: a model or a method cannot be used.
    """
    tallies: dict[Row, FacadeTally] = {}
    pictures: list[ShownPicture] = []
    for split, members in samples.items():
        numbers = {group: number for number, group in enumerate(photographs_of(members))}
        rows = [Row(split, model, method) for model in segmenter.models for method in methods]
        own = {row: FacadeTally(scheme, len(numbers)) for row in rows}
        places = shard(range(len(members)), rank)
        mine = [
            _take(
                segmenter, members[place], numbers, own, place < shown, f"{split} {place + 1}/{len(members)}"
            )
            for place in places
        ]
        pictures += [item for item in gather(mine, rank) if item is not None]
        for tally in own.values():
            summed = add_counts(list(tally.counts.values()), rank)
            tally.counts.update(zip(tally.counts, summed, strict=True))
        tallies |= own
    return Comparison(tallies, pictures)


def photographs_of(samples: Sequence[FacadeSample]) -> list[str]:
    """Names of the photographs that samples were cut from, in the order in which they are counted."""
    return sorted({sample.group for sample in samples})


def _take(
    segmenter: Segmenter,
    sample: FacadeSample,
    numbers: Mapping[str, int],
    tallies: Mapping[Row, FacadeTally],
    shown: bool,
    place: str,
) -> ShownPicture | None:
    """Segment one picture with every row and count; the picture to show, where it is one of the first."""
    started = time.perf_counter()
    image, truth = read_sample(sample)
    _refuse_unlisted(sample, truth, segmenter.config.classes)
    answers = {}
    for row, tally in tallies.items():
        answers[row] = segmenter.segment(image, row.model, row.method)
        tally.update(numbers[sample.group], answers[row], truth)
    log.info("%s %s, %.1f s", place, sample.name, time.perf_counter() - started)
    return _show(sample, image, truth, answers) if shown else None


def _refuse_unlisted(sample: FacadeSample, truth: Mask, classes: Sequence[str]) -> None:
    found = np.unique(truth)
    extra = [int(index) for index in found if len(classes) <= index < len(load_taxonomy().classes)]
    if extra:
        names = ", ".join(load_taxonomy().names[index] for index in extra)
        raise DatasetError(
            f"{sample.mask} holds {names}, which the configuration does not list."
            " Choose --config-name facade_v2.yaml, or list the class."
        )


def _show(sample: FacadeSample, image: Picture, truth: Mask, answers: Mapping[Row, Mask]) -> ShownPicture:
    split = next(iter(answers)).split
    pictures = {"photograph": _data_url(image), "ground truth": _paint(image, truth)}
    pictures |= {f"{row.model}, {row.method}": _paint(image, labels) for row, labels in answers.items()}
    return ShownPicture(split, sample.name, pictures)


def _paint(image: Picture, labels: Mask) -> str:
    """Classes over the picture; the background stays uncoloured."""
    colours = [item.colour for item in load_taxonomy().classes]
    visible = np.where(labels == 0, 255, labels).astype(np.uint8)
    return _data_url(overlay(image, visible, colours, OPACITY))


def _data_url(pixels: Picture) -> str:
    picture = Image.fromarray(pixels)
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
