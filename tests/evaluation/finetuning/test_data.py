from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from evaluation.facades import FacadeSample, read_split
from evaluation.finetuning import FineTuneSettings
from evaluation.finetuning.data import (
    IGNORED,
    Crops,
    FacadeData,
    class_table,
    class_weights,
    count_pixels,
    cut_square,
)

SETTINGS = FineTuneSettings(crop=32, short_side=40)


@pytest.fixture
def samples(tmp_path: Path) -> list[FacadeSample]:
    """Two pictures whose gray tells the class: 40 is background, 200 a crack; a stripe is not looked at."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / kind / "train").mkdir(parents=True)
    for name in ("a", "b"):
        mask = np.zeros((40, 60), np.uint8)
        mask[10:30, 20:40] = 1
        image = np.where(mask[..., None] == 1, 200, 40) + rng.integers(0, 9, (40, 60, 3))
        mask[:, 55:] = 255
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / "images" / "train" / f"{name}.png")
        Image.fromarray(mask).save(tmp_path / "masks" / "train" / f"{name}.png")
    return read_split(tmp_path, "train")


def test_pixels_are_counted_by_class(samples: list[FacadeSample]) -> None:
    counts = count_pixels(samples, class_table([0, 1, 2]), 3)
    assert counts.tolist() == [2 * (40 * 55 - 400), 2 * 400, 0]
    assert count_pixels(samples, class_table([1]), 1).tolist() == [800]  # what is not searched is not counted


def test_weights_are_capped_inverse_frequencies() -> None:
    weights = class_weights(np.array([1000, 250, 1, 0]), power=1.0, cap=10.0)
    torch.testing.assert_close(weights, torch.tensor([1.0, 4.0, 10.0, 10.0]))
    weights = class_weights(np.array([1000, 250]), power=0.5, cap=10.0)
    torch.testing.assert_close(weights, torch.tensor([1.0, 2.0]))
    assert class_weights(np.array([9, 1]), power=0.0, cap=10.0).tolist() == [1, 1]


def test_labels_stay_on_what_they_label(samples: list[FacadeSample]) -> None:
    crops = Crops(samples, class_table([0, 1]), SETTINGS, length=20)
    for number in range(len(crops)):
        pixels, labels = crops[number]
        assert (pixels.shape, pixels.dtype) == ((3, 32, 32), torch.float32)
        assert (labels.shape, labels.dtype) == ((32, 32), torch.int64)
        assert set(labels.unique().tolist()) <= {0, 1, IGNORED}
        gray = pixels.mean(0)
        if {0, 1} <= set(labels.unique().tolist()):
            assert gray[labels == 1].median() - gray[labels == 0].median() > 0.4


def test_seed_and_number_decide_a_crop(samples: list[FacadeSample]) -> None:
    first, again = (Crops(samples, class_table([0, 1]), SETTINGS, length=9) for _ in range(2))
    again[3]
    for one, other in zip(first[7], again[7], strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(first[7][0], first[8][0])


def test_beyond_the_edge_the_picture_is_mirrored_and_unlabelled() -> None:
    labels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    image = np.repeat(labels[..., None], 3, axis=2)
    cut, mask = cut_square(image, labels, (-1, 1), 4)
    assert cut[..., 0].tolist() == [[4, 5, 4, 3], [1, 2, 1, 0], [4, 5, 4, 3], [1, 2, 1, 0]]
    none = [255] * 4
    assert mask.tolist() == [none, [1, 2, 255, 255], [4, 5, 255, 255], none]


def test_the_digest_names_every_byte(samples: list[FacadeSample]) -> None:
    data = FacadeData({"train": tuple(samples)})
    before = data.digest
    assert before == FacadeData({"train": tuple(samples)}).digest
    assert before != FacadeData({"val": tuple(samples)}).digest
    assert before != FacadeData({"train": tuple(samples[:1])}).digest
    mask = np.array(Image.open(samples[0].mask))
    mask[0, 0] ^= 1
    Image.fromarray(mask).save(samples[0].mask)
    assert before != data.digest
