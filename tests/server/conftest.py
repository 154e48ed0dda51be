"""A page that really runs, in a process of its own, and a client that sees what a browser would see."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[2]
START_LIMIT = 120.0
PROMPTS = "wall = wall, стена\nwindow = window, окно\nroof\ncrack = crack, трещина"


@dataclass(frozen=True)
class Answer:
    """What a client received for one picture.

    Attributes:
        refusal: the sentence of a refusal; empty for an answer.
        label_map: class indices ``(H, W)``; None for a refusal.
        report: the JSON object; empty for a refusal.
        seconds: from the upload to the last byte.
        received: every byte of text and file that came back.
        stored: where the server keeps the upload.
    """

    refusal: str
    label_map: np.ndarray | None = None
    report: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    received: bytes = b""
    stored: str = ""

    @property
    def accepted(self) -> bool:
        """Whether there is a label map."""
        return self.label_map is not None

    def content(self) -> tuple[bytes, list[float]]:
        """What must be equal between two answers to one picture: pixels and shares."""
        assert self.label_map is not None, self.refusal
        return self.label_map.tobytes(), [item["share"] for item in self.report["classes"]]


@dataclass
class Site:
    """A running page: its address, its process and a plain HTTP client."""

    url: str
    pid: int
    folder: Path
    http: httpx.Client

    def segment(
        self, data: bytes, name: str, prompts: str = PROMPTS, method: str = "lposs", checkpoint: str = ""
    ) -> Answer:
        """Upload a picture under any name and ask for its label map."""
        started = time.monotonic()
        boundary = "boundary-of-the-test"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{_quoted(name)}"\r\n'
        body = head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data
        upload = self.http.post(
            "/gradio_api/upload",
            content=body + f"\r\n--{boundary}--\r\n".encode(),
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )
        if upload.status_code != 200:
            return Answer(f"HTTP {upload.status_code}: {upload.text}", received=upload.content)
        stored: str = upload.json()[0]
        picture = {"path": stored, "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        outcome = self.call("segment", [picture, prompts, method, checkpoint or "tiny-finetuned"])
        received = json.dumps(outcome, ensure_ascii=False).encode()
        if not outcome["success"]:
            sentence = str((outcome["output"] or {}).get("error") or "")
            return Answer(sentence, seconds=time.monotonic() - started, received=received, stored=stored)
        file, report = outcome["output"]["data"]
        png = self.http.get("/gradio_api/file=" + file["path"]).raise_for_status().content
        with Image.open(io.BytesIO(png)) as picture_file:
            assert (picture_file.format, picture_file.mode) == ("PNG", "L")
            label_map = np.array(picture_file)
        return Answer("", label_map, report, time.monotonic() - started, received + png, stored)

    def call(self, name: str, data: list[Any]) -> dict[str, Any]:
        """Join the queue as a browser does and wait for the outcome."""
        session = os.urandom(6).hex()
        join = {"data": data, "fn_index": self.functions[name], "session_hash": session}
        self.http.post("/gradio_api/queue/join", json=join).raise_for_status()
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    outcome: dict[str, Any] = message
                    return outcome
        raise AssertionError("the stream ended without an outcome")

    @property
    def functions(self) -> dict[str, int]:
        """Index of every named endpoint."""
        config = self.http.get("/config").raise_for_status().json()
        return {item["api_name"]: item["id"] for item in config["dependencies"] if item.get("api_name")}

    def memory(self, figure: str = "VmRSS") -> float:
        """Memory of the server in MB: ``VmRSS`` now, ``VmHWM`` at its highest since :meth:`forget_peak`."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith(figure))
        return int(line.split()[1]) / 1024

    def forget_peak(self) -> None:
        """Start measuring the highest memory anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")


def _quoted(name: str) -> str:
    """A file name as browsers write it into a multipart head."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < end:
        try:
            httpx.get(url, timeout=5, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.3)
        else:
            return
    pytest.fail(f"the page does not answer at {url}:\n{log.read_text(encoding='utf-8')[-3000:]}")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page, started as ``make demo`` starts it."""
    folder = tmp_path_factory.mktemp("page")
    log, port = folder / "log.txt", _free_port()
    settings = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "MALLOC_ARENA_MAX": "2",
        "OMP_WAIT_POLICY": "passive",
        "GRADIO_TEMP_DIR": str(folder / "uploads"),
        "PYTHONUNBUFFERED": "1",
    }
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=REPOSITORY,
            env=os.environ | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_it_answers(url, process, log)
        with httpx.Client(base_url=url, timeout=120, trust_env=False) as http:
            yield Site(url, process.pid, folder, http)
        status = process.poll()
        assert status is None, f"the page ended by itself with status {status}"
    finally:
        process.terminate()
        process.wait(20)
