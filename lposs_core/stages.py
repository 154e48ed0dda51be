"""What a segmenter asks of a cache: keep the value of a stage under a key made of its content."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")
Progress = Callable[[str, float], None]


class StageCache(Protocol):
    """Keeps values that depend on nothing but their key.

    Kept values have ``nbytes`` and are never written to. ``build`` may ask the cache for other keys. If it
    raises, nothing is kept and the exception reaches the caller.
    """

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return the value kept under ``key``, or keep and return ``build()``."""
        ...


class NoCache:
    """Keeps nothing: every value is built when asked for."""

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return ``build()``."""
        return build()


class _Absent(Exception):
    """Signals that a key is not kept."""


def look_up(cache: StageCache, key: Hashable) -> object | None:
    """Return what is kept under a key, or None; nothing is built.

    Args:
        cache: any stage cache.
        key: of a stage.
    """

    def refuse() -> object:
        raise _Absent

    try:
        return cache.get(key, refuse)
    except _Absent:
        return None


class Watch:
    """Measures the stages of one request and passes their progress on.

    Args:
        progress: called with a stage's name and the finished fraction in ``[0, 1]``; may raise to cancel.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress
        self._nested = 0.0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a block; the time of stages inside it counts for those alone.

        Args:
            name: of the stage.
        """
        self.report(name, 0.0)
        start, outer, self._nested = time.perf_counter(), self._nested, 0.0
        yield
        elapsed = time.perf_counter() - start
        self.seconds[name] = self.seconds.get(name, 0.0) + elapsed - self._nested
        self._nested = outer + elapsed
        self.report(name, 1.0)

    def report(self, name: str, fraction: float) -> None:
        """Pass progress on.

        Args:
            name: of the stage.
            fraction: finished, in ``[0, 1]``.
        """
        if self._progress is not None:
            self._progress(name, fraction)
