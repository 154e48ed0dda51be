"""Results kept for the inspector, so that a click runs no model."""

from __future__ import annotations

import hashlib
import threading
from typing import Any, Final

import cachetools

from pipelines import InferenceResult

KEPT_BYTES: Final = 160_000_000


class ResultStore:
    """The results shown last, by their content. Bounded in bytes; safe for several threads.

    Args:
        max_bytes: most bytes of score maps and label maps held.
    """

    def __init__(self, max_bytes: int = KEPT_BYTES) -> None:
        self._lock = threading.Lock()
        self._kept: cachetools.LRUCache[str, InferenceResult] = cachetools.LRUCache(
            max_bytes, getsizeof=_bytes
        )

    def keep(self, result: InferenceResult) -> str:
        """Keep a result; equal results of several visitors share a place.

        Returns:
            The key it is found under; empty where it is larger than the whole store.
        """
        if _bytes(result) > self._kept.maxsize:
            return ""
        key = _digest(result)
        with self._lock:
            self._kept[key] = result
        return key

    def get(self, key: str) -> InferenceResult | None:
        """The result of a key; None when it was dropped."""
        with self._lock:
            found: InferenceResult | None = self._kept.get(key)
        return found


def _bytes(result: InferenceResult) -> int:
    maps = result.scores
    return result.label_map.nbytes + maps.scores.nbytes + sum(plane.nbytes for plane in maps.texts.values())


def _digest(result: InferenceResult) -> str:
    said: tuple[Any, ...] = (result.classes, result.method, result.checkpoint.sha256, result.image_size)
    content = hashlib.blake2b(repr(said).encode(), digest_size=16)
    content.update(result.label_map.tobytes())
    content.update(result.scores.scores.tobytes())
    return content.hexdigest()
