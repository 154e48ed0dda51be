"""A cache of features that several threads share: bounded in bytes, each value built once."""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import numpy as np
import torch

T = TypeVar("T")

DEFAULT_CACHE_BYTES: Final = 1_000_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class CacheStatus:
    """Counts since the start and what is held now.

    Attributes:
        entries: values held.
        bytes: what they take.
        max_bytes: what they may take.
        hits: questions answered without building; waiting for another thread's build counts.
        misses: builds that were started.
    """

    entries: int
    bytes: int
    max_bytes: int
    hits: int
    misses: int


class FeatureCache:
    """Least-recently-used cache in the form ``lposs_core.StageCache`` asks for.

    Values are shared between requests and must not be written to. A failed build is not kept: each waiting
    thread then tries itself. A value larger than the whole cache is handed out without being kept.

    Args:
        max_bytes: most bytes of tensors and arrays held, at least 0.

    Raises:
        ValueError: ``max_bytes`` is negative.
    """

    def __init__(self, max_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        if max_bytes < 0:
            raise ValueError(f"max_bytes must be at least 0, got {max_bytes}")
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._flights: dict[Hashable, Future[Any]] = {}
        self._bytes = self._hits = self._misses = 0

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """The value of ``key``; built by one thread while the others wait.

        Args:
            key: must name everything the value depends on.
            build: makes the value; may ask this cache for other keys.
        """
        while True:
            value: T
            flight, mine = self._look_up(key)
            if mine:
                return self._build(key, build, flight)
            if flight.exception() is None:
                value = flight.result()
                return value

    def status(self) -> CacheStatus:
        """Counts and sizes at this moment."""
        with self._lock:
            return CacheStatus(len(self._entries), self._bytes, self._max_bytes, self._hits, self._misses)

    def clear(self) -> None:
        """Drop every value; builds under way are not disturbed."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def _look_up(self, key: Hashable) -> tuple[Future[Any], bool]:
        """The future of a value, and whether the caller has to fill it."""
        with self._lock:
            if key in self._entries:
                self._hits += 1
                self._entries.move_to_end(key)
                done: Future[Any] = Future()
                done.set_result(self._entries[key][0])
                return done, False
            if key in self._flights:
                self._hits += 1
                return self._flights[key], False
            self._misses += 1
            flight = self._flights[key] = Future()
            return flight, True

    def _build(self, key: Hashable, build: Callable[[], T], flight: Future[Any]) -> T:
        try:
            value = build()
            size = nested_bytes(value)
        except BaseException as error:
            with self._lock:
                del self._flights[key]
            flight.set_exception(error)
            raise
        with self._lock:
            del self._flights[key]
            self._store(key, value, size)
        flight.set_result(value)
        return value

    def _store(self, key: Hashable, value: object, size: int) -> None:
        if size > self._max_bytes:
            return
        self._entries[key] = (value, size)
        self._bytes += size
        while self._bytes > self._max_bytes:
            _, (_, dropped) = self._entries.popitem(last=False)
            self._bytes -= dropped


def nested_bytes(value: object) -> int:
    """Memory of a value in bytes: tensors, arrays and what holds them, each shared storage once."""
    return sum(_storages(value, set()).values())


def _storages(value: object, seen: set[int]) -> dict[int, int]:
    """Bytes of every distinct storage inside ``value``, by address."""
    if id(value) in seen:
        return {}
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        return _tensor_storages(value)
    if isinstance(value, np.ndarray):
        owner = value if value.base is None else value.base
        return {id(owner): owner.nbytes if isinstance(owner, np.ndarray) else value.nbytes}
    found = {id(value): sys.getsizeof(value, 0)}
    for part in _parts(value):
        found.update(_storages(part, seen))
    return found


def _tensor_storages(tensor: torch.Tensor) -> dict[int, int]:
    if tensor.layout == torch.sparse_csr:
        parts = (tensor.crow_indices(), tensor.col_indices(), tensor.values())
        return {address: size for part in parts for address, size in _tensor_storages(part).items()}
    storage = tensor.untyped_storage()
    return {storage.data_ptr(): storage.nbytes()}


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return value
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    return list(getattr(value, "__dict__", {}).values())
