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

from .catalogue import CheckpointSpec, find_checkpoint
from .errors import DownloadError, PipelineError
from .hub import HubFile, HubStore, is_offline
from .hub_catalogue import build_catalogue
from .hub_client import SILENCE_SECONDS, endpoint, fetch

State = Literal["running", "done", "failed", "stopped"]
LOCK_SECONDS: Final = 5.0

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


class Downloads:
    """The downloads of this process, shared by all visitors: one at a time, in a thread of its own.

    Args:
        store: where files go.
        hub: address of the hub; None reads ``HF_ENDPOINT`` at every start.
        silence: seconds without an answer after which a hub counts as hanging.
    """

    def __init__(self, store: HubStore, hub: str | None = None, *, silence: float = SILENCE_SECONDS) -> None:
        self.store = store
        self._hub = hub
        self._silence = silence
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}

    def start(self, spec: CheckpointSpec) -> None:
        """Begin to fetch what a checkpoint lacks, or go on; one that is running is left to run.

        Raises:
            DownloadError: downloads are switched off, or another one is running.
        """
        if is_offline():
            raise DownloadError.of("offline")
        with self._lock:
            running = {name for name, job in self._jobs.items() if job.progress().state == "running"}
            if spec.id in running:
                return
            if running:
                raise DownloadError.of("busy")
            hub = self._hub or endpoint()
            self._jobs[spec.id] = _Job(spec.id, spec.missing_from_hub(), self.store, hub, self._silence)
            self._jobs[spec.id].start()

    def stop(self, checkpoint: str) -> None:
        """Stop a download at once; what has arrived is kept. Nothing happens where none runs."""
        with self._lock:
            job = self._jobs.get(checkpoint)
        if job is not None:
            job.stop()

    def progress(self, checkpoint: str) -> DownloadProgress | None:
        """How far the latest download of a checkpoint is; None when there was none."""
        with self._lock:
            job = self._jobs.get(checkpoint)
        return None if job is None else job.progress()

    def wait(self, checkpoint: str, seconds: float) -> DownloadProgress | None:
        """Wait until a download has ended, but not longer than this; gives its progress."""
        deadline = time.monotonic() + seconds
        while (found := self.progress(checkpoint)) and found.state == "running":
            if time.monotonic() >= deadline:
                break
            time.sleep(0.02)
        return found


class _Job:
    """The download of one checkpoint's files, one after the other."""

    def __init__(
        self, checkpoint: str, files: tuple[HubFile, ...], store: HubStore, hub: str, silence: float
    ) -> None:
        self._checkpoint, self._files, self._store = checkpoint, files, store
        self._hub, self._silence = hub, silence
        self._sizes = {file: (0, file.megabytes * 10**6) for file in files}
        self._state: State = "running"
        self._error: DownloadError | None = None
        self._stopped = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"download {self._checkpoint}", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # it has just ended, and its loop is closed
                self._loop.call_soon_threadsafe(self._task.cancel)

    def progress(self) -> DownloadProgress:
        sizes = list(self._sizes.values())
        received, total = sum(here for here, _ in sizes), sum(whole for _, whole in sizes)
        return DownloadProgress(self._checkpoint, self._state, received, max(received, total), self._error)

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
                    raise asyncio.CancelledError
                await fetch(file, self._store, self._hub, _Counter(self._sizes, file), self._silence)
        except asyncio.CancelledError:
            self._end("stopped", DownloadError.of("stopped"))
        except DownloadError as error:
            self._end("failed", error)
        else:
            self._end("done")

    def _end(self, state: State, error: DownloadError | None = None) -> None:
        self._error, self._state = error, state


@dataclass(frozen=True, slots=True)
class _Counter:
    """Notes how much of one file has arrived."""

    sizes: dict[HubFile, tuple[int, int]]
    file: HubFile

    def __call__(self, here: int, total: int) -> None:
        self.sizes[self.file] = (here, total or max(here, self.sizes[self.file][1]))


def fetch_missing(spec: CheckpointSpec, downloads: Downloads) -> None:
    """Fetch a checkpoint for a command line: bar on stderr, ctrl-C stops.

    Raises:
        DownloadError: it could not be had.
    """
    if not spec.missing_from_hub():
        return
    downloads.start(spec)
    try:
        while (found := downloads.wait(spec.id, 0.5)) and found.state == "running":
            _show(found, "\r")
    except KeyboardInterrupt:
        downloads.stop(spec.id)
        found = downloads.wait(spec.id, 2)
    if found is not None:
        _show(found, "\n")
        if found.error is not None:
            raise found.error


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
    downloads = Downloads(catalogue.store)
    try:
        for identifier in options.checkpoint:
            fetch_missing(find_checkpoint(catalogue, identifier), downloads)
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
