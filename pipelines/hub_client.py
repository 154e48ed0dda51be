"""Fetch one file from a hub: resumable, atomic, checked.

``huggingface_hub`` is not used for the transfer: it waits and retries for up to a minute when a hub hangs,
can stop between blocks of 10 MB only, and does not compare SHA-256. Its address scheme is kept, so
``HF_ENDPOINT`` and mirrors work.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from lposs_core.checkpoint import CheckpointFileError, check_safetensors

from .errors import DownloadError
from .hub import SHA256, HubFile, HubStore, Record

Arrived = Callable[[int, int], None]
"""Told the bytes of the file that are here, and its length (0 while unknown)."""

DEFAULT_ENDPOINT: Final = "https://huggingface.co"
SILENCE_SECONDS: Final = 8.0
CHUNK: Final = 2**18
HEADERS: Final = {"accept-encoding": "identity", "user-agent": "facade-lens"}
SPARE_BYTES: Final = 64_000_000  # left free beside a download


def endpoint() -> str:
    """The hub's address: ``HF_ENDPOINT``, otherwise the public one."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or DEFAULT_ENDPOINT


async def fetch(
    file: HubFile, store: HubStore, hub: str, arrived: Arrived, silence: float = SILENCE_SECONDS
) -> Path:
    """Bring a file into the store.

    What arrived of an earlier attempt is continued where the hub still has the same content. The file appears
    under its name only when it is whole and its SHA-256 is the expected one: the catalogue's, the recorded
    one or the one that the hub states.

    Args:
        file: what to fetch.
        store: where to.
        hub: address of the hub.
        arrived: told after every piece.
        silence: seconds without any answer after which the hub counts as hanging.

    Raises:
        DownloadError: it cannot be had; a part that may be continued is kept.
    """
    attempt = _Attempt(file, store, hub, arrived, silence)
    try:
        return await attempt.run()
    except TimeoutError as error:
        raise DownloadError.of("silent", host=attempt.host, seconds=f"{silence:g}") from error
    except httpx.TransportError as error:
        problem = str(error) or type(error).__name__
        raise DownloadError.of("unreachable", host=attempt.host, problem=problem) from error
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise DownloadError.of("disk", file=file.name, problem=problem) from error


class _Attempt:
    def __init__(self, file: HubFile, store: HubStore, hub: str, arrived: Arrived, silence: float) -> None:
        self.file, self.store, self.arrived, self.silence = file, store, arrived, silence
        self.host = urlsplit(hub).netloc
        self.recorded = store.record(file)
        commit = self.recorded.commit if self.recorded else ""
        self.url = f"{hub}/{file.repo}/resolve/{commit or file.revision}/{file.name}"
        self.place = store.place(file)
        self.part = self.place.with_name(file.name + ".part")
        self.etag = self.place.with_name(file.name + ".etag")

    async def run(self) -> Path:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        client = httpx.AsyncClient(headers=HEADERS, follow_redirects=True, timeout=None)
        async with client, self._open(client) as response:
            total = self._length(response)
            self._require_room(total)
            await self._receive(response, total)
        digest = self._check(total, response)
        commit = _header(response, "x-repo-commit")
        record = Record(self.url, commit, self.part.stat().st_size, digest)
        self.store.write_record(self.file, self.recorded or record)
        self.part.replace(self.place)
        self.etag.unlink(missing_ok=True)
        return self.place

    @asynccontextmanager
    async def _open(self, client: httpx.AsyncClient) -> AsyncIterator[httpx.Response]:
        """The answer to a request for the file or its rest."""
        response = await self._send(client, self._range())
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            await response.aclose()
            response = await self._send(client, {})
        try:
            if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
                status = response.status_code
                raise DownloadError.of("status", host=self.host, file=self.file.name, status=status)
            yield response
        finally:
            await response.aclose()

    async def _send(self, client: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
        async with asyncio.timeout(self.silence):
            return await client.send(client.build_request("GET", self.url, headers=headers), stream=True)

    def _range(self) -> dict[str, str]:
        """Ask for the rest only, and only of the same content."""
        here = self.part.stat().st_size if self.part.is_file() else 0
        tag = self.etag.read_text(encoding="utf-8") if self.etag.is_file() else ""
        return {"range": f"bytes={here}-", "if-range": tag} if here and tag else {}

    def _length(self, response: httpx.Response) -> int:
        stated = response.headers.get("content-range", "").rpartition("/")[2]
        text = stated or response.headers.get("content-length", "") or _header(response, "x-linked-size")
        return int(text) if text.isdigit() else 0

    def _require_room(self, total: int) -> None:
        here = self.part.stat().st_size if self.part.is_file() else 0
        free = shutil.disk_usage(self.place.parent).free
        if total - here + SPARE_BYTES > free:
            needed, spare = (total - here) // 10**6 + 1, free // 10**6
            raise DownloadError.of("space", file=self.file.name, needed=needed, free=spare)

    async def _receive(self, response: httpx.Response, total: int) -> None:
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            self.part.unlink(missing_ok=True)
            self.etag.write_text(_strong_tag(response), encoding="utf-8")
        pieces = response.aiter_raw(CHUNK)
        with self.part.open("ab") as out:
            self.arrived(out.tell(), total)
            try:
                while piece := await self._next(pieces):
                    out.write(piece)
                    self.arrived(out.tell(), total)
            except httpx.TransportError as error:
                raise self._broken_off(out.tell(), total) from error

    async def _next(self, pieces: AsyncIterator[bytes]) -> bytes:
        async with asyncio.timeout(self.silence):
            return await anext(pieces, b"")

    def _broken_off(self, received: int, total: int) -> DownloadError:
        return DownloadError.of(
            "truncated", file=self.file.name, received=f"{received:,}", total=f"{total:,}" if total else "?"
        )

    def _check(self, total: int, response: httpx.Response) -> str:
        """SHA-256 of the part once length, digest and content are right."""
        received = self.part.stat().st_size
        if total and received < total:
            raise self._broken_off(received, total)
        with self.part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        stated = _header(response, "x-linked-etag").strip('"')
        recorded = self.recorded.sha256 if self.recorded else ""
        expected = self.file.sha256 or recorded or (stated if SHA256.fullmatch(stated) else "")
        problem = f"SHA-256 {digest[:12]}…, expected {expected[:12]}…" if expected not in ("", digest) else ""
        if problem := problem or _content_problem(self.part, self.file.name):
            self.part.unlink()
            self.etag.unlink(missing_ok=True)
            raise DownloadError.of("digest", file=self.file.name, host=self.host, problem=problem)
        return digest


def _header(response: httpx.Response, name: str) -> str:
    """A header of the answer or, where the hub sent us on to its storage, of its own answer."""
    answers = (*response.history, response)
    return next((answer.headers[name] for answer in answers if name in answer.headers), "")


def _strong_tag(response: httpx.Response) -> str:
    tag: str = response.headers.get("etag", "")
    return "" if tag.startswith("W/") else tag


def _content_problem(path: Path, name: str) -> str:
    """What is wrong with the content, for kinds of files that can be told; empty when nothing is."""
    try:
        if name.endswith(".safetensors"):
            check_safetensors(path)
        elif name.endswith(".json"):
            json.loads(path.read_bytes())
    except CheckpointFileError as error:
        return str(error).removeprefix(path.name).strip().rstrip(".")
    except ValueError:
        return "no JSON"
    return ""
