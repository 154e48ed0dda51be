"""Models in a bounded memory: leased by requests, built once, dropped only when nobody uses them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .errors import Busy


@dataclass(frozen=True, slots=True)
class Need:
    """A model that a request wants.

    Attributes:
        build: loads it and gives it with the bytes it really takes.
        bytes: what to set aside before it is built.
    """

    build: Callable[[], tuple[Any, int]]
    bytes: int


@dataclass(slots=True)
class _Slot:
    """A model that is being built or is there."""

    bytes: int
    future: Future[Any] = field(default_factory=Future)
    leases: int = 0


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """One model of the pool at one moment."""

    key: Hashable
    bytes: int
    leases: int
    ready: bool


class ModelPool:
    """Least-recently-used models under a memory budget.

    A leased model is never dropped. When a request does not fit beside the leased ones, it waits; waiting
    requests are served in the order they came. All models of a request are reserved together, so two
    requests cannot block each other half-way.

    Args:
        budget_bytes: what models may take together.
        wait_seconds: longest wait for room.

    Raises:
        ValueError: the budget or the wait is not positive.
    """

    def __init__(self, budget_bytes: int, wait_seconds: float) -> None:
        if budget_bytes <= 0 or wait_seconds <= 0:
            raise ValueError(
                f"budget_bytes and wait_seconds must be positive, got {budget_bytes} and {wait_seconds}"
            )
        self.budget_bytes = budget_bytes
        self._wait_seconds = wait_seconds
        self._changed = threading.Condition()
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()
        self._queue: deque[object] = deque()

    @contextmanager
    def lease(self, needs: Mapping[Hashable, Need], *, label: str) -> Iterator[dict[Hashable, Any]]:
        """Hold models for the time of the ``with`` block.

        Args:
            needs: what is wanted, by key; equal keys must mean equal models.
            label: what to call the whole in an error.

        Yields:
            The models by key.

        Raises:
            Busy: there was no room in time, or there never can be.
        """
        slots, mine = self._reserve(needs, label)
        try:
            self._build(needs, slots, mine)
            yield {key: slot.future.result() for key, slot in slots.items()}
        finally:
            self._release(slots)

    def status(self) -> tuple[SlotStatus, ...]:
        """Every model held or being built, least recently used first."""
        with self._changed:
            return tuple(
                SlotStatus(key, slot.bytes, slot.leases, slot.future.done())
                for key, slot in self._slots.items()
            )

    def _reserve(
        self, needs: Mapping[Hashable, Need], label: str
    ) -> tuple[dict[Hashable, _Slot], list[Hashable]]:
        """Lease a slot for each need; gives also the keys that the caller has to build."""
        wanted = sum(need.bytes for need in needs.values())
        if wanted > self.budget_bytes:
            needed, budget = _megabytes(wanted), _megabytes(self.budget_bytes)
            raise Busy.of("too_big", checkpoint=label, needed=needed, budget=budget)
        with self._changed:
            self._wait_for_room(needs)
            self._make_room(self._missing_bytes(needs), keep=needs)
            mine = [key for key in needs if key not in self._slots]
            for key, need in needs.items():
                slot = self._slots.setdefault(key, _Slot(need.bytes))
                slot.leases += 1
                self._slots.move_to_end(key)
            return {key: self._slots[key] for key in needs}, mine

    def _wait_for_room(self, needs: Mapping[Hashable, Need]) -> None:
        ticket = object()
        self._queue.append(ticket)
        deadline = time.monotonic() + self._wait_seconds
        try:
            while self._queue[0] is not ticket or not self._has_room(needs):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise Busy.of("timeout", seconds=f"{self._wait_seconds:g}")
                self._changed.wait(remaining)
        finally:
            self._queue.remove(ticket)
            self._changed.notify_all()

    def _has_room(self, needs: Mapping[Hashable, Need]) -> bool:
        held = sum(slot.bytes for key, slot in self._slots.items() if slot.leases or key in needs)
        return held + self._missing_bytes(needs) <= self.budget_bytes

    def _missing_bytes(self, needs: Mapping[Hashable, Need]) -> int:
        return sum(need.bytes for key, need in needs.items() if key not in self._slots)

    def _make_room(self, wanted: int, keep: Mapping[Hashable, Need]) -> None:
        """Drop models that nobody leases, least recently used first, until ``wanted`` bytes fit."""
        held = sum(slot.bytes for slot in self._slots.values())
        for key, slot in list(self._slots.items()):
            if held + wanted <= self.budget_bytes:
                return
            if slot.leases == 0 and key not in keep:
                del self._slots[key]
                held -= slot.bytes

    def _build(
        self, needs: Mapping[Hashable, Need], slots: Mapping[Hashable, _Slot], mine: list[Hashable]
    ) -> None:
        """Build the caller's share; all of it, so that a failure of one part does not spoil the others."""
        for key in mine:
            try:
                model, size = needs[key].build()
            except BaseException as error:
                self._forget(key, slots[key])
                slots[key].future.set_exception(error)
            else:
                self._resize(slots[key], size)
                slots[key].future.set_result(model)

    def _forget(self, key: Hashable, slot: _Slot) -> None:
        with self._changed:
            if self._slots.get(key) is slot:
                del self._slots[key]
            self._changed.notify_all()

    def _resize(self, slot: _Slot, size: int) -> None:
        with self._changed:
            slot.bytes = size
            self._make_room(0, keep={})
            self._changed.notify_all()

    def _release(self, slots: Mapping[Hashable, _Slot]) -> None:
        with self._changed:
            for slot in slots.values():
                slot.leases -= 1
            self._make_room(0, keep={})
            self._changed.notify_all()


def _megabytes(size: int) -> int:
    return -(-size // 1_000_000)
