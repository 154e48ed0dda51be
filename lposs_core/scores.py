"""Class scores of a segmented picture, and the label map and probabilities made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

Method = Literal["maskclip", "lposs", "lposs_plus"]

METHODS: tuple[Method, ...] = ("maskclip", "lposs", "lposs_plus")
NO_CLASS = 255
TEMPERATURE = 100.0  # CLIP's logit scale: what a cosine is multiplied by before a softmax
_STRIP_VALUES = 1 << 19  # scores interpolated at a time: 2 MB, to stay in a processor's cache


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Scores of every class at every pixel of the working image.

    Attributes:
        scores: the largest over the prototypes of each class, float32, shape ``(C, h, w)``.
        background: the largest over the background texts, shape ``(h, w)``; None without such texts.
        gain: what propagation multiplied a constant cosine by: 1, ``1 / (1 - alpha)`` or its square.
        seconds: wall time of each stage that ran.
        method: what made the scores; those of ``"maskclip"`` are probabilities.
        texts: scores of each text, before the largest is taken, shape ``(h, w)``.
    """

    scores: Tensor
    background: Tensor | None
    gain: float
    seconds: dict[str, float]
    method: Method = "lposs"
    texts: Mapping[str, Tensor] = field(default_factory=dict)

    def stacked(self) -> Tensor:
        """Return the classes and, last, the background where there is one: shape ``(C [+ 1], h, w)``."""
        if self.background is None:
            return self.scores
        return torch.cat([self.scores, self.background[None]])


def probabilities(result: ClassScores) -> Tensor:
    """Turn scores into probabilities: ``softmax(100 * scores / gain)``; those of MaskCLIP are given as is.

    Args:
        result: of a segmentation.

    Returns:
        Float32 in ``[0, 1]``, shape ``(C, h, w)``, or ``(C + 1, h, w)`` with the background last.
    """
    with torch.no_grad():
        return _probabilities(result, result.stacked())


def _probabilities(result: ClassScores, stacked: Tensor) -> Tensor:
    if result.method == "maskclip":
        return stacked
    return (stacked * (TEMPERATURE / result.gain)).softmax(0)


def label_map(
    result: ClassScores, height: int, width: int, *, threshold: float = 0.0
) -> npt.NDArray[np.uint8]:
    """Give every pixel its best class at any size.

    Scores are interpolated bilinearly in strips of rows, so memory does not grow with the picture.

    Args:
        result: of a segmentation with at most 255 classes.
        height: of the label map, in pixels.
        width: of the label map, in pixels.
        threshold: least probability of the winner, in ``[0, 1]``.

    Returns:
        Class indices, uint8, shape ``(height, width)``; 255 where the background wins or the winner is
        below the threshold.

    Raises:
        ValueError: if a size, the threshold or the number of classes is out of range.
    """
    _check_label_map(len(result.scores), height, width, threshold)
    labels = torch.empty(height, width, dtype=torch.uint8, device=result.scores.device)
    with torch.no_grad():
        for first, strip in _strips(result.stacked(), height, width):
            labels[first : first + strip.shape[1]] = _winners(result, strip, threshold)
    array: npt.NDArray[np.uint8] = labels.cpu().numpy()
    return array


def _check_label_map(classes: int, height: int, width: int, threshold: float) -> None:
    if not 1 <= classes <= NO_CLASS:
        raise ValueError(f"a label map holds 1 to {NO_CLASS} classes, got {classes}")
    if height < 1 or width < 1:
        raise ValueError(f"height and width must be at least 1 pixel, got {height} x {width}")
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must lie in [0, 1], got {threshold!r}")


def _winners(result: ClassScores, strip: Tensor, threshold: float) -> Tensor:
    winners = strip.max(0).indices  # argmax over a leading axis is 6 times slower
    nobody = winners == len(result.scores)  # the background comes after the classes
    if threshold > 0:
        nobody |= _probabilities(result, strip).amax(0) < threshold
    return winners.masked_fill_(nobody, NO_CLASS).to(torch.uint8)


def _strips(scores: Tensor, height: int, width: int) -> Iterator[tuple[int, Tensor]]:
    """First row and scores of each strip of ``scores`` resized to ``(height, width)``.

    Columns are interpolated once per source row, then rows are mixed in pairs; together that is the bilinear
    filter with ``align_corners=False``.
    """
    source_height = scores.shape[1]
    place = (torch.arange(height, device=scores.device) + 0.5) * (source_height / height) - 0.5
    place.clamp_(min=0)
    upper = place.long().clamp_(max=source_height - 1)
    lower = (upper + 1).clamp_(max=source_height - 1)
    share = (place - upper)[:, None]
    rows = max(_STRIP_VALUES // (len(scores) * width), 1)
    for first in range(0, height, rows):
        span = slice(first, min(first + rows, height))
        top = int(upper[span.start])
        wide = _stretch(scores[:, top : int(lower[span.stop - 1]) + 1], width)
        yield first, torch.lerp(wide[:, upper[span] - top], wide[:, lower[span] - top], share[span])


def _stretch(rows: Tensor, width: int) -> Tensor:
    size = (rows.shape[1], width)
    return F.interpolate(rows[None], size=size, mode="bilinear", align_corners=False)[0]
