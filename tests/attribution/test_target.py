from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attribution import ClassTarget, pixel_region, score_of, values_at, winning_region


@pytest.fixture
def maps() -> Tensor:
    return torch.randn(2, 3, 4, 5)


def test_everywhere_is_the_mean(maps: Tensor):
    torch.testing.assert_close(ClassTarget(2)(maps), maps[:, 2].mean((1, 2)))


@pytest.mark.parametrize("size", [(4, 5), (17, 23), (3, 2)])
def test_values_at_pixels_equal_the_interpolated_map(maps: Tensor, size: tuple[int, int]):
    where = torch.rand(size) > 0.5
    where[0, 0] = where[-1, -1] = True
    picture = F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
    torch.testing.assert_close(values_at(maps, where), picture[:, :, where], rtol=1e-4, atol=1e-5)


def test_a_clicked_pixel_is_the_score_shown_there(maps: Tensor):
    target = ClassTarget(1, pixel_region(6, 13, (12, 20)), temperature=7, competition="probability")
    shown = (7 * F.interpolate(maps, size=(12, 20), mode="bilinear")).softmax(1)[:, 1, 6, 13]
    torch.testing.assert_close(target(maps), shown, rtol=1e-4, atol=1e-6)


def test_weights_are_shares(maps: Tensor):
    region = torch.zeros(4, 5)
    region[0, 1], region[2, 3] = 1, 3
    torch.testing.assert_close(
        ClassTarget(0, region)(maps), 0.25 * maps[:, 0, 0, 1] + 0.75 * maps[:, 0, 2, 3]
    )


def test_competition_is_between_classes_at_each_place(maps: Tensor):
    region = torch.rand(4, 5) > 0.4
    for name, reduce in {
        "none": lambda m: m[:, 0],
        "probability": lambda m: m.softmax(1)[:, 0],
        "log_probability": lambda m: m.log_softmax(1)[:, 0],
        "margin": lambda m: m[:, 0] - torch.maximum(m[:, 1], m[:, 2]),
    }.items():
        target = ClassTarget(0, region, temperature=2.5, competition=name)  # type: ignore[arg-type]
        torch.testing.assert_close(target(maps), reduce(maps * 2.5)[:, region].mean(1))


def test_the_region_a_class_wins():
    scores = torch.tensor([[[1.0, 5.0]], [[2.0, 4.0]], [[0.0, 0.0]]])
    assert winning_region(scores, 1).tolist() == [[True, False]]
    with pytest.raises(ValueError, match="class 2 wins at no pixel"):
        winning_region(scores, 2)


def test_score_of_names_a_column_or_takes_a_target(maps: Tensor):
    assert torch.equal(score_of(lambda x: x.mean((2, 3)), 1)(maps), maps.mean((2, 3))[:, 1])
    assert torch.equal(score_of(lambda x: x, ClassTarget(1))(maps), ClassTarget(1)(maps))
    with pytest.raises(ValueError, match="use ClassTarget"):
        score_of(lambda x: x, 1)(maps)
    with pytest.raises(ValueError, match=r"BatchNorm2d '0' is in training mode.*model\.eval\(\)"):
        score_of(nn.Sequential(nn.BatchNorm2d(3)), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"index": -1}, "index must be 0 or more, got -1"),
        ({"index": 0, "temperature": 0}, "temperature must be positive"),
        ({"index": 0, "competition": "max"}, "competition must be one of .*'max'"),
        ({"index": 0, "region": torch.zeros(2, 2)}, "one of them positive"),
        ({"index": 0, "region": -torch.ones(2, 2)}, "at least 0"),
        ({"index": 0, "region": torch.ones(2)}, r"shape \(H, W\), got \(2,\)"),
    ],
)
def test_wrong_targets_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        ClassTarget(**options)


def test_wrong_scores_and_pixels_are_refused(maps: Tensor):
    with pytest.raises(ValueError, match=r"\(B, C, h, w\) with C > 3, got \(2, 3, 4, 5\)"):
        ClassTarget(3)(maps)
    with pytest.raises(ValueError, match="at least 2 classes"):
        ClassTarget(0, competition="margin")(maps[:, :1])
    with pytest.raises(ValueError, match=r"\(4, 0\) lies outside a picture of 4 x 5"):
        pixel_region(4, 0, (4, 5))
