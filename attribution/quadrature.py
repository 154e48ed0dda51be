"""Where on a path a gradient is taken: Gauss-Legendre nodes, closer together where the score moves."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

PIECE = 8  # nodes of a piece
EVENLY = 0.25  # weight of the way itself against the movement of the score when pieces are cut


def gauss_legendre(count: int) -> tuple[Values, Values]:
    """Place the nodes of a quadrature on ``[0, 1]`` that is exact for polynomials of degree ``2 n - 1``.

    Args:
        count: number of nodes ``n``.

    Returns:
        Nodes and weights, float64, shape ``(n,)``; the weights sum to 1.
    """
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


class Route:
    """A way from 0 to 1 on which a score is known at more and more places.

    A score that saturates does all its moving in a short part of the way: nodes spread evenly miss it,
    however many they are. So every further quadrature is cut into pieces over which the score moves about
    equally, as far as it is known by then.

    Args:
        start: the score at 0.
        end: the score at 1.
    """

    def __init__(self, start: float, end: float) -> None:
        self._places = np.array([0.0, 1.0])
        self._scores = np.array([start, end])

    def learn(self, places: Iterable[float], scores: Iterable[float]) -> None:
        """Remember scores at places that were not known before."""
        joined = np.append(self._places, list(places)), np.append(self._scores, list(scores))
        order = np.argsort(joined[0], kind="stable")
        self._places, self._scores = joined[0][order], joined[1][order]

    def nodes(self, count: int) -> tuple[Values, Values]:
        """Place a composite Gauss-Legendre quadrature of ``count`` nodes.

        While nothing but the ends is known it is the plain one.

        Returns:
            Nodes in rising order and weights, float64, shape ``(count,)``; the weights sum to 1.
        """
        pieces = 1 if len(self._places) == 2 else max(1, count // PIECE)
        cuts = self._cut(pieces)
        parts = [gauss_legendre(len(share)) for share in np.array_split(np.arange(count), pieces)]
        spans = list(zip(cuts[:-1], np.diff(cuts), parts, strict=True))
        nodes = [start + length * inside for start, length, (inside, _) in spans]
        return np.concatenate(nodes), np.concatenate([length * weights for _, length, (_, weights) in spans])

    def _cut(self, pieces: int) -> Values:
        """Ends of pieces over each of which score and way together move equally far."""
        moved = np.abs(np.diff(self._scores))
        total = moved.sum()
        moved = moved / total if total else moved
        run = np.concatenate([[0.0], np.cumsum(moved + EVENLY * np.diff(self._places))])
        cuts: Values = np.interp(np.linspace(0, run[-1], pieces + 1), run, self._places)
        return cuts
