"""Results and sheets made by hand: scores are written, nothing is inferred."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lposs_core import LPOSSConfig
from pipelines import CheckpointInfo, ClassResult, InferenceResult, ScoreMaps


def build_result(names: dict[str, np.ndarray], **options) -> InferenceResult:
    """A result whose class probabilities are the given planes, ``(H, W)`` each."""
    planes = np.stack(list(names.values())).astype(np.float16)
    size = planes.shape[1:]
    classes = tuple(
        ClassResult(index, name, options.get("prompts", {}).get(name, (name,)), "#b3261e", 0.0)
        for index, name in enumerate(names)
    )
    return InferenceResult(
        label_map=planes.argmax(0).astype(np.uint8),
        classes=classes,
        none_share=0.0,
        size=size,
        image_size=options.get("image_size", size),
        method="maskclip",
        checkpoint=CheckpointInfo("tiny-stock", "ab" * 32),
        seconds={},
        settings=LPOSSConfig(),
        scores=ScoreMaps(planes, None, options.get("image_size", size), 0.0),
    )


@pytest.fixture
def build():
    """Builder of results from the probability planes of named classes."""

    def make(image_size=None, **planes: np.ndarray) -> InferenceResult:
        size = image_size or next(iter(planes.values())).shape
        return build_result(planes, image_size=size)

    return make


@pytest.fixture
def hostile_names():
    """Gives the first classes of a result other names."""

    def rename(result: InferenceResult, *names: str) -> InferenceResult:
        kept = result.classes[len(names) :]
        renamed = [
            dataclasses.replace(item, name=name, prompts=(name,))
            for item, name in zip(result.classes, names, strict=False)
        ]
        return dataclasses.replace(result, classes=(*renamed, *kept))

    return rename


@pytest.fixture
def facade() -> InferenceResult:
    """120 x 200 pixels: a crack 64 x 3, a stain of 20 x 10 and a ring of rust with a hole, on a wall."""
    crack, stain, rust = (np.zeros((120, 200)) for _ in range(3))
    crack[10:13, 20:84] = 0.9
    stain[100:110, 150:170] = 0.5
    rust[60:72, 90:102] = 0.75
    rust[64:68, 94:98] = 0.0
    wall = 1 - crack - stain - rust
    return build_result({"crack": crack, "подтёк": stain, "rust": rust, "wall": wall})


@pytest.fixture
def image() -> np.ndarray:
    draw = np.random.default_rng(5)
    return draw.integers(0, 255, (120, 200, 3), dtype=np.uint8)
