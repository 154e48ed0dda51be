"""Integrated Gradients: shares of the pixels that sum to what the score gained over a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attribution.baselines import BaselineKind, as_baseline, require_picture
from attribution.quadrature import Route
from attribution.result import Attribution
from attribution.score import Progress, Score, require_steady, score_gradient, score_values
from attribution.smoothgrad import SmoothGrad

Places = npt.NDArray[np.int64]

STEPS = (16, 32, 64, 128)
TOLERANCE = 0.01  # of the score difference


def integrated_gradients(
    score: Score,
    image: Tensor,
    *,
    baseline: BaselineKind | Tensor = "black",
    steps: Sequence[int] = STEPS,
    tolerance: float = TOLERANCE,
    internal_batch: int = 8,
    smooth: SmoothGrad | None = None,
    progress: Progress | None = None,
) -> Attribution:
    """Integrate the gradient from a baseline to the picture: ``(x - b) * int_0^1 dS/dx(b + t (x - b)) dt``.

    Gauss-Legendre nodes, the next number of ``steps`` whenever the completeness gap is above ``tolerance``,
    then closer together where the score was seen to move (:class:`attribution.quadrature.Route`); where the
    last one is not enough, the result is flagged.

    Args:
        score: maps ``(B, C, H, W)`` to ``(B,)``, up to ``internal_batch`` pictures at a time.
        image: shape ``(C, H, W)``; it is not changed.
        baseline: ``"black"`` (zeros), ``"mean_colour"``, ``"blurred"``, or a picture of that shape.
        steps: nodes to try, increasing.
        tolerance: largest gap ``|sum - (f(x) - f(b))|`` in parts of ``|f(x) - f(b)|``.
        internal_batch: pictures scored at a time.
        smooth: averages over noisy copies; score and gap are then those of the average.
        progress: called with a fraction in ``[0, 1]`` before every internal batch; may raise to cancel.

    Returns:
        The map, summed over channels and signed.

    Raises:
        ValueError: if an argument is out of range, or the score cannot be differentiated or is not finite.
    """
    require_picture(image)
    require_steady(score)
    _check_options(steps, tolerance, internal_batch)
    start = as_baseline(image, baseline)
    ends = image.detach().clone()[None] if smooth is None else smooth.copies(image)
    path = _Path(score, start, ends, internal_batch, _Meter(progress, len(ends) * sum(steps)))
    end_score, start_score = path.end_scores()
    route = Route(start_score, end_score)
    for count in steps:
        heat = path.integrate(route, count)
        gap = abs(float(heat.sum()) - (end_score - start_score))
        if gap <= tolerance * abs(end_score - start_score):
            break
    path.meter.finish()
    return Attribution(
        heatmap=heat.sum(0).cpu().numpy(),
        method="integrated_gradients",
        score=end_score,
        baseline_score=start_score,
        gap=gap,
        steps=count,
        flagged=gap > tolerance * abs(end_score - start_score),
    )


def _check_options(steps: Sequence[int], tolerance: float, internal_batch: int) -> None:
    if not steps or steps[0] < 1 or list(steps) != sorted(set(steps)):
        raise ValueError(f"steps must be increasing numbers of at least 1, got {tuple(steps)}")
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance}")
    if internal_batch < 1:
        raise ValueError(f"internal_batch must be at least 1, got {internal_batch}")


class _Meter:
    """Turns points done into a fraction that never falls."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def step(self, points: int) -> None:
        """Report what is done before the next ``points`` are."""
        if self._progress is not None:
            self._progress(self._done / self._total)
        self._done += points

    def finish(self) -> None:
        """Report the end."""
        if self._progress is not None:
            self._progress(1.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Path:
    """Straight lines from one baseline ``(C, H, W)`` to one or several ends ``(K, C, H, W)``."""

    score: Score
    start: Tensor
    ends: Tensor
    internal_batch: int
    meter: _Meter

    def end_scores(self) -> tuple[float, float]:
        """Mean score of the ends, and score of the baseline."""
        pictures = torch.cat([self.ends, self.start[None]])
        with torch.no_grad():
            parts = [score_values(self.score, part) for part in torch.split(pictures, self.internal_batch)]
        values = torch.cat(parts).double()
        return float(values[:-1].mean()), float(values[-1])

    def integrate(self, route: Route, count: int) -> Tensor:
        """Shares of the inputs with ``count`` nodes, mean over the ends; float64, shape ``(C, H, W)``.

        The route learns the mean scores at the nodes.
        """
        nodes, weights = route.nodes(count)
        total = torch.zeros_like(self.start, dtype=torch.float64)
        scores = np.zeros(count)
        for ends, places in self._batches(count):
            self.meter.step(len(places))
            reach = self.ends[ends] - self.start
            points = self.start + torch.from_numpy(nodes[places])[:, None, None, None].to(reach) * reach
            values, gradients = score_gradient(self.score, points)
            shares = torch.from_numpy(weights[places]).to(total.device)
            total += torch.einsum("b,bchw,bchw->chw", shares, gradients.double(), reach.double())
            np.add.at(scores, places, values.double().cpu().numpy() / len(self.ends))
        route.learn(nodes, scores)
        return total / len(self.ends)

    def _batches(self, count: int) -> Iterator[tuple[Tensor, Places]]:
        """Number of the end and of the node of every point, an internal batch at a time."""
        ends, places = np.divmod(np.arange(len(self.ends) * count), count)
        for first in range(0, len(ends), self.internal_batch):
            batch = slice(first, first + self.internal_batch)
            yield torch.from_numpy(ends[batch]).to(self.start.device), places[batch]
