"""Fetch the files of hub checkpoints, with progress and a way to stop.

python -m pipelines.download CHECKPOINT [CHECKPOINT ...]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from filelock import FileLock, Timeout

from .catalogue import Catalogue, CheckpointSpec, find_checkpoint
from .errors import DownloadError, PipelineError
from .hub import HubFile, HubStore, is_offline
from .hub_catalogue import LocatedCatalogue, build_catalogue
from .hub_client import SILENCE_SECONDS, endpoint, fetch

State = Literal["running", "done", "failed", "stopped"]
LOCK_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 90.0
"""Who has not looked for so long has gone; a browser lets a hidden page look once a minute."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """A download at one moment.

    Attributes:
        checkpoint: id of the catalogue row.
        state: ``running``, ``done``, ``failed`` or ``stopped``.
        received: bytes that are here, those of earlier attempts included.
        total: bytes of all files; estimated from the catalogue until the hub has told.
        error: why it failed or stopped.
    """

    checkpoint: str
    state: State
    received: int
    total: int
    error: DownloadError | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """One visitor who waits for a download.

    Attributes:
        checkpoint: id of the catalogue row.
        visitor: name that tells visitors apart; who asks twice holds the same ticket.
    """

    checkpoint: str
    visitor: str


class Downloads:
    """The downloads of this process, shared by all visitors: one at a time, in a thread of its own.

    A download runs while somebody waits for it: it stops when the last one who waits has left. It goes on
    for those who just close the page.

    Args:
        store: where files go.
        hub: address of the hub; None reads ``HF_ENDPOINT`` at every start.
        silence: seconds without an answer after which a hub counts as hanging.
        patience: seconds after which a visitor who has not looked does not count as waiting.
    """

    def __init__(
        self,
        store: HubStore,
        hub: str | None = None,
        *,
        silence: float = SILENCE_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.store = store
        self._hub = hub
        self._silence, self._patience = silence, patience
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}

    def join(self, spec: CheckpointSpec, visitor: str = "") -> Ticket:
        """Wait for what a checkpoint lacks: begin to fetch it, go on, or join those who wait already.

        Raises:
            DownloadError: downloads are switched off, or another one is running.
        """
        if is_offline():
            raise _switched_off(spec)
        ticket = Ticket(spec.id, visitor)
        with self._lock:
            running = {name for name, job in self._jobs.items() if job.progress().state == "running"}
            if running - {spec.id}:
                raise DownloadError.of("busy")
            if not running:
                hub = self._hub or endpoint()
                self._jobs[spec.id] = _Job(spec.id, spec.missing_from_hub(), self.store, hub, self._silence)
                self._jobs[spec.id].start()
            self._jobs[spec.id].waiting[ticket] = time.monotonic()
        return ticket

    def look(self, ticket: Ticket) -> DownloadProgress | None:
        """How far a download is; who looks goes on waiting. None for who has left."""
        with self._lock:
            job = self._jobs[ticket.checkpoint]
            if ticket not in job.waiting:
                return None
            job.waiting[ticket] = time.monotonic()
            return job.progress()

    def leave(self, ticket: Ticket) -> DownloadProgress:
        """Wait no longer. The last one to leave stops the download at once; what has arrived is kept."""
        with self._lock:
            job = self._jobs[ticket.checkpoint]
            job.waiting.pop(ticket, None)
            present = time.monotonic() - self._patience
            if all(seen < present for seen in job.waiting.values()):
                job.stop()
            return job.progress()

    def wait(self, ticket: Ticket, seconds: float) -> DownloadProgress | None:
        """Wait until a download has ended, but not longer than this; gives what :meth:`look` gives."""
        deadline = time.monotonic() + seconds
        while (found := self.look(ticket)) and found.state == "running" and time.monotonic() < deadline:
            time.sleep(0.02)
        return found


class _Job:
    """The download of one checkpoint's files, one after the other.

    Attributes:
        waiting: who waits for it -> when they last looked, by the monotonic clock.
    """

    def __init__(
        self, checkpoint: str, files: tuple[HubFile, ...], store: HubStore, hub: str, silence: float
    ) -> None:
        self.waiting: dict[Ticket, float] = {}
        self._checkpoint, self._files, self._store = checkpoint, files, store
        self._hub, self._silence = hub, silence
        self._sizes = {file: (0, file.megabytes * 10**6) for file in files}
        self._outcome: tuple[State, DownloadError | None] = ("running", None)
        self._stopped = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"download {self._checkpoint}", daemon=True).start()

    def stop(self) -> None:
        """End at once; the thread follows, and the next download waits for its lock."""
        self._end("stopped", DownloadError.of("stopped"))
        self._stopped.set()
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # it has just ended, and its loop is closed
                self._loop.call_soon_threadsafe(self._task.cancel)

    def progress(self) -> DownloadProgress:
        sizes = list(self._sizes.values())
        received, total = sum(here for here, _ in sizes), sum(whole for _, whole in sizes)
        state, error = self._outcome
        return DownloadProgress(self._checkpoint, state, received, max(received, total), error)

    def _run(self) -> None:
        """Fetch, while no other process writes to the same store."""
        try:
            self._store.root.mkdir(parents=True, exist_ok=True)
            with FileLock(self._store.root / "download.lock", timeout=LOCK_SECONDS):
                asyncio.run(self._fetch_all())
        except Timeout:
            self._end("failed", DownloadError.of("busy"))
        except OSError as error:
            problem = error.strerror or type(error).__name__
            self._end("failed", DownloadError.of("disk", file=self._files[0].name, problem=problem))
        except Exception as error:
            logger.exception("the download of %s broke", self._checkpoint)
            host, problem = self._hub, type(error).__name__
            self._end("failed", DownloadError.of("unreachable", host=host, problem=problem))

    async def _fetch_all(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            for file in self._files:
                if self._stopped.is_set():
                    return
                await fetch(file, self._store, self._hub, _Counter(self._sizes, file), self._silence)
        except asyncio.CancelledError:
            return  # stopped
        except DownloadError as error:
            self._end("failed", error)
        else:
            self._end("done")

    def _end(self, state: State, error: DownloadError | None = None) -> None:
        """Note how it ended; the first end holds."""
        if self._outcome[0] == "running":
            self._outcome = (state, error)


@dataclass(frozen=True, slots=True)
class _Counter:
    """Notes how much of one file has arrived."""

    sizes: dict[HubFile, tuple[int, int]]
    file: HubFile

    def __call__(self, here: int, total: int) -> None:
        self.sizes[self.file] = (here, total or max(here, self.sizes[self.file][1]))


def fetch_missing(identifier: str, catalogue: Catalogue) -> None:
    """Fetch what a checkpoint lacks for a command line: progress on stderr, ctrl-C stops.

    Args:
        identifier: id of a row; nothing happens where all its files are here.
        catalogue: whose store takes the files; nothing is fetched for one without a store.

    Raises:
        UnknownChoice: there is no such row.
        DownloadError: it could not be had, or downloads are switched off.
    """
    spec = find_checkpoint(catalogue, identifier)
    if not isinstance(catalogue, LocatedCatalogue) or not spec.missing_from_hub():
        return
    downloads = Downloads(catalogue.store)
    ticket = downloads.join(spec)
    try:
        while (found := downloads.wait(ticket, 0.5)) and found.state == "running":
            _show(found, "\r")
    except KeyboardInterrupt:
        found = downloads.leave(ticket)
    if found is not None:
        _show(found, "\n")
        if found.error is not None:
            raise found.error


def _switched_off(spec: CheckpointSpec) -> DownloadError:
    megabytes = sum(file.megabytes for file in spec.missing_from_hub())
    return DownloadError.of("offline", checkpoint=spec.id, megabytes=f"{megabytes:,}")


def _show(progress: DownloadProgress, end: str) -> None:
    here, total = progress.received / 1e6, progress.total / 1e6
    print(f"\r{progress.checkpoint}: {here:,.1f} of {total:,.1f} MB", end=end, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.download", description=__doc__)
    parser.add_argument("checkpoint", nargs="+", help="id of a hub checkpoint, see docs/models.md")
    parser.add_argument("--cache", type=Path, help="folder for downloads instead of FACADE_LENS_CACHE")
    options = parser.parse_args(argv)
    catalogue = build_catalogue(store=HubStore(options.cache) if options.cache else None)
    try:
        for identifier in options.checkpoint:
            fetch_missing(identifier, catalogue)
            print(f"{identifier}: on this machine, SHA-256 {catalogue[identifier].sha256}")
    except DownloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
