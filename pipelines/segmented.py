"""What a method hands to :func:`pipelines.infer`, whichever method it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from .cache import FeatureCache
from .types import DropoutRounds, Note, Precision, ScoreMaps

if TYPE_CHECKING:
    from lposs_core import LPOSSConfig
    from pnp_ovss import PnPOVSSConfig

    from .registry import LoadedCheckpoint

Progress = Callable[[str, float], None]
"""Called with a stage's name and the finished part of it in ``[0, 1]``; may raise to stop the request."""


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """A method's answer; the attributes are those of :class:`pipelines.InferenceResult`."""

    label_map: NDArray[np.uint8]
    scores: ScoreMaps
    seconds: dict[str, float]
    notes: tuple[Note, ...]
    rounds: DropoutRounds | None = None


class Plan(Protocol):
    """A request that has been checked and now needs its models."""

    @property
    def settings(self) -> LPOSSConfig | PnPOVSSConfig:
        """Hyper-parameters that will be used."""
        ...

    @property
    def precision(self) -> Precision:
        """In which the models compute."""
        ...

    @property
    def roles(self) -> tuple[str, ...]:
        """Parts of the checkpoint that are needed."""
        ...

    def run(self, models: LoadedCheckpoint, cache: FeatureCache, progress: Progress | None) -> Segmented:
        """Segment the picture with leased models."""
        ...


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Write the wall seconds of the ``with`` block under a stage's name."""
    started = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - started
