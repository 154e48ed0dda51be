"""Does the score hang on the pixels a heat map names: deletion and insertion against random orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from attribution.baselines import BaselineKind, as_baseline, require_picture
from attribution.heatmap import heat_of
from attribution.result import Attribution, Heatmap
from attribution.score import Progress, Score, require_steady, score_values

Order = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Curve:
    """A score while the picture changes.

    Attributes:
        fractions: share of the picture removed (deletion) or shown (insertion), from 0 to 1.
        scores: at each fraction.
    """

    fractions: tuple[float, ...]
    scores: tuple[float, ...]

    @property
    def auc(self) -> float:
        """Area under the curve by the trapezoid rule: the mean score on the way."""
        return float(np.trapezoid(self.scores, self.fractions))

    def reversed(self) -> Curve:
        """Walk back: the deletion of one order is the insertion of the opposite one."""
        return Curve(tuple(1 - f for f in self.fractions[::-1]), self.scores[::-1])


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Deletion and insertion of a heat map, beside random orders with the same steps.

    A faithful map has a low deletion area and a high insertion area.

    Attributes:
        deletion: score while the hottest cells are removed first.
        insertion: score while the hottest cells are shown first.
        random: deletion curves of random orders; read backwards they are insertion curves of random orders.
    """

    deletion: Curve
    insertion: Curve
    random: tuple[Curve, ...]

    @property
    def random_deletion(self) -> float:
        """Mean deletion area of the random orders."""
        return float(np.mean([curve.auc for curve in self.random]))

    @property
    def random_insertion(self) -> float:
        """Mean insertion area of the opposite orders, which are as random: the same number."""
        return float(np.mean([curve.reversed().auc for curve in self.random]))

    @property
    def beats_random(self) -> bool:
        """The score falls faster and rises faster than along every random order."""
        areas = [curve.auc for curve in self.random]
        return self.deletion.auc < min(areas) and self.insertion.auc > max(areas)

    def figures(self) -> dict[str, float]:
        """Return the four areas, ready for JSON."""
        return {
            "deletion": self.deletion.auc,
            "insertion": self.insertion.auc,
            "random_deletion": self.random_deletion,
            "random_insertion": self.random_insertion,
        }


def faithfulness(
    score: Score,
    image: Tensor,
    heatmap: Attribution | npt.ArrayLike,
    *,
    replacement: BaselineKind | Tensor = "blurred",
    steps: int = 16,
    cell: int = 16,
    random_orders: int = 4,
    seed: int = 0,
    internal_batch: int = 8,
    random: Sequence[Curve] | None = None,
    progress: Progress | None = None,
) -> Faithfulness:
    """Remove and show the picture cell by cell, hottest first, and watch the score.

    Cells, not pixels, go at a time: a spray of single pixels would break the picture for reasons of texture,
    and random orders would look better than they are.

    Args:
        score: maps ``(B, C, H, W)`` to ``(B,)``.
        image: shape ``(C, H, W)``; it is not changed.
        heatmap: raw values, shape ``(H, W)``; a cell is as hot as its mean. Equal cells go in random order.
        replacement: what removed cells show: ``"blurred"``, ``"mean_colour"``, ``"black"`` or a picture.
        steps: changes from the first to the last picture; at most one for each cell is made.
        cell: side of a cell, in pixels.
        random_orders: orders to compare with.
        seed: of the random orders.
        internal_batch: pictures scored at a time.
        random: curves of :func:`random_curves` with the same options, where another map of the same score
            was judged before; then only the two orders of this map are scored.
        progress: called with a fraction in ``[0, 1]`` before every internal batch; may raise to cancel.

    Returns:
        The curves.

    Raises:
        ValueError: if shapes do not agree, an argument is out of range or a score is not finite.
    """
    heat = heat_of(heatmap)
    _check_options(min(steps, cell, random_orders, internal_batch))
    pictures = _pictures(score, image, replacement, cell, steps)
    if heat.shape != image.shape[-2:]:
        raise ValueError(
            f"heatmap must have the image's size {tuple(image.shape[-2:])}, got {heat.shape}; resize it first"
        )
    cells = _cell_means(heat, cell)
    hottest_first = np.lexsort((np.random.default_rng(seed).permutation(cells.size), -cells.ravel()))
    orders = [hottest_first, hottest_first[::-1]]
    if random is None:
        orders += _random_orders(cells.size, random_orders, seed)
    curves = _curves(score, pictures, orders, internal_batch, progress)
    return Faithfulness(curves[0], curves[1].reversed(), tuple(curves[2:] if random is None else random))


def random_curves(
    score: Score,
    image: Tensor,
    *,
    replacement: BaselineKind | Tensor = "blurred",
    steps: int = 16,
    cell: int = 16,
    random_orders: int = 4,
    seed: int = 0,
    internal_batch: int = 8,
    progress: Progress | None = None,
) -> tuple[Curve, ...]:
    """Remove cells in random orders: what every heat map of this score on this picture is compared with.

    Args and errors are those of :func:`faithfulness`, which does the same where it is not given them.

    Returns:
        Deletion curves, one an order.
    """
    _check_options(min(steps, cell, random_orders, internal_batch))
    pictures = _pictures(score, image, replacement, cell, steps)
    orders = _random_orders(int(np.prod(pictures.grid)), random_orders, seed)
    return tuple(_curves(score, pictures, orders, internal_batch, progress))


def _pictures(
    score: Score, image: Tensor, replacement: BaselineKind | Tensor, cell: int, steps: int
) -> _Pictures:
    require_picture(image)
    require_steady(score)
    grid = tuple(-(-side // cell) for side in image.shape[-2:])
    return _Pictures(image.detach(), as_baseline(image, replacement), cell, grid, steps)


def _random_orders(cells: int, count: int, seed: int) -> list[Order]:
    rng = np.random.default_rng([1, seed])  # not the numbers that order equal cells
    return [rng.permutation(cells) for _ in range(count)]


def _check_options(smallest: int) -> None:
    if smallest < 1:
        raise ValueError(
            f"steps, cell, random_orders and internal_batch must be at least 1, the smallest is {smallest}"
        )


def _cell_means(heat: Heatmap, cell: int) -> npt.NDArray[np.float64]:
    """Mean of every cell; those at the right and at the bottom may be smaller."""
    values = torch.from_numpy(heat.astype(np.float64))[None, None]
    means = F.avg_pool2d(values, cell, ceil_mode=True, count_include_pad=False)
    return means[0, 0].numpy()


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    """Makes the pictures between a picture and its replacement, both ``(C, H, W)``."""

    image: Tensor
    replacement: Tensor
    cell: int
    grid: tuple[int, ...]
    steps: int

    @property
    def removed(self) -> list[int]:
        """Cells removed after each step, from 0 to all."""
        cells = int(np.prod(self.grid))
        steps = np.linspace(0, cells, min(self.steps, cells) + 1)
        return [round(count) for count in steps.tolist()]

    @property
    def fractions(self) -> tuple[float, ...]:
        """Share of the cells removed after each step."""
        return tuple(count / self.removed[-1] for count in self.removed)

    def between(self, order: Order, count: int) -> Tensor:
        """The picture without the first ``count`` cells of an order."""
        gone = np.zeros(self.grid, dtype=bool)
        gone.reshape(-1)[order[:count]] = True
        height, width = self.image.shape[-2:]
        pixels = gone.repeat(self.cell, 0).repeat(self.cell, 1)[:height, :width]
        mask = torch.from_numpy(pixels).to(self.image.device)
        return torch.where(mask, self.replacement, self.image)


def _curves(
    score: Score, pictures: _Pictures, orders: list[Order], internal_batch: int, progress: Progress | None
) -> list[Curve]:
    """Deletion curve of every order; the two ends, common to all, are scored once."""
    jobs = [(orders[0], 0), (orders[0], pictures.removed[-1])]
    jobs += [(order, count) for order in orders for count in pictures.removed[1:-1]]
    values = list(_scores(score, pictures, jobs, internal_batch, progress))
    inner = len(pictures.removed) - 2
    curves = []
    for number in range(len(orders)):
        own = values[2 + number * inner : 2 + (number + 1) * inner]
        curves.append(Curve(pictures.fractions, (values[0], *own, values[1])))
    return curves


def _scores(
    score: Score,
    pictures: _Pictures,
    jobs: list[tuple[Order, int]],
    internal_batch: int,
    progress: Progress | None,
) -> Iterator[float]:
    for first in range(0, len(jobs), internal_batch):
        if progress is not None:
            progress(first / len(jobs))
        batch = torch.stack([pictures.between(*job) for job in jobs[first : first + internal_batch]])
        with torch.no_grad():
            yield from score_values(score, batch).tolist()
    if progress is not None:
        progress(1.0)
