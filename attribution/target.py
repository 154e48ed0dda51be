"""The score shown: a class at a pixel, over a region or everywhere, with temperature and competition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

Competition = Literal["none", "probability", "log_probability", "margin"]


@dataclass(frozen=True, slots=True, eq=False)
class ClassTarget:
    """Reduces maps of class scores to one number a picture: the weighted mean over a region.

    Attributes:
        index: the class.
        region: where, shape ``(H, W)``: booleans, or non-negative weights. Where its size is not that of
            the maps, they are interpolated bilinearly at its pixels. None is everywhere.
        temperature: what scores are multiplied by first: 100 for cosines, 100 / gain for propagated ones.
        competition: ``"none"`` is the score itself; ``"probability"`` and ``"log_probability"`` are the
            softmax over classes; ``"margin"`` is the lead over the best other class.
    """

    index: int
    region: Tensor | None = None
    temperature: float = 1.0
    competition: Competition = "none"

    def __post_init__(self) -> None:
        if self.index < 0:
            raise ValueError(f"index must be 0 or more, got {self.index}")
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"temperature must be positive and finite, got {self.temperature}")
        if self.competition not in get_args(Competition):
            raise ValueError(f"competition must be one of {get_args(Competition)}, got {self.competition!r}")
        if self.region is not None:
            _check_region(self.region)

    def __call__(self, scores: Tensor) -> Tensor:
        """Reduce class scores.

        Args:
            scores: shape ``(B, C, h, w)``.

        Returns:
            One number a picture, shape ``(B,)``.

        Raises:
            ValueError: another shape, or no such class.
        """
        if scores.ndim != 4 or self.index >= scores.shape[1]:
            raise ValueError(
                f"class scores must have shape (B, C, h, w) with C > {self.index}, got {tuple(scores.shape)}"
            )
        if self.region is None:
            return self._compete(scores.flatten(2)).mean(1)
        region = self.region.to(scores.device)
        weights = region[region > 0].to(scores.dtype)
        return self._compete(values_at(scores, region > 0)) @ (weights / weights.sum())

    def _compete(self, scores: Tensor) -> Tensor:
        """``(B, C, P)`` to ``(B, P)``."""
        logits = scores * self.temperature
        if self.competition == "probability":
            logits = logits.softmax(1)
        elif self.competition == "log_probability":
            logits = logits.log_softmax(1)
        elif self.competition == "margin":
            return _margin(logits, self.index)
        return logits[:, self.index]


def _check_region(region: Tensor) -> None:
    if region.ndim != 2:
        raise ValueError(f"region must have shape (H, W), got {tuple(region.shape)}")
    if not bool(torch.isfinite(region).all()) or bool((region < 0).any()) or not bool((region > 0).any()):
        raise ValueError("region must hold finite weights of at least 0, one of them positive")


def _margin(logits: Tensor, index: int) -> Tensor:
    if logits.shape[1] < 2:
        raise ValueError("a margin needs at least 2 classes, got 1; choose another competition")
    others = torch.cat([logits[:, :index], logits[:, index + 1 :]], dim=1)
    return logits[:, index] - others.amax(1)


def values_at(maps: Tensor, where: Tensor) -> Tensor:
    """Read maps at the pixels of a picture, bilinearly as ``F.interpolate`` without aligned corners does.

    Args:
        maps: shape ``(B, C, h, w)``.
        where: the pixels, bool, shape ``(H, W)``.

    Returns:
        Shape ``(B, C, P)``, pixels row by row.
    """
    rows, columns = where.nonzero(as_tuple=True)
    if where.shape == maps.shape[-2:]:
        return maps[:, :, rows, columns]
    height, width = where.shape
    places = torch.stack([(columns + 0.5) / width, (rows + 0.5) / height], dim=1).to(maps.dtype) * 2 - 1
    grid = places.expand(len(maps), 1, -1, 2)
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)[:, :, 0]


def pixel_region(y: int, x: int, size: tuple[int, int]) -> Tensor:
    """Make the region of one clicked pixel.

    Args:
        y: row, from 0.
        x: column, from 0.
        size: height and width of the picture, in pixels.

    Returns:
        Bool, shape ``size``.

    Raises:
        ValueError: if the pixel lies outside.
    """
    if not (0 <= y < size[0] and 0 <= x < size[1]):
        raise ValueError(f"pixel (y, x) = ({y}, {x}) lies outside a picture of {size[0]} x {size[1]} pixels")
    region = torch.zeros(size, dtype=torch.bool)
    region[y, x] = True
    return region


def winning_region(scores: Tensor, index: int) -> Tensor:
    """Find where a class has the highest score; the first of equal classes wins.

    Args:
        scores: of one picture, shape ``(C, h, w)``.
        index: the class.

    Returns:
        Bool, shape ``(h, w)``.

    Raises:
        ValueError: if the class wins nowhere.
    """
    region = scores.detach().argmax(0) == index
    if not bool(region.any()):
        raise ValueError(f"class {index} wins at no pixel; explain it at a clicked pixel or everywhere")
    return region
