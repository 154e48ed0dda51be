"""Fixtures shared by every test: reference data, a closed network, fixed seeds."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import ipaddress
import json
import os
import socket
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded: do not spin on busy cores

import torch

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"
CLEARED_PREFIXES = ("FACADE_LENS_", "CUDA_", "HF_", "GRADIO_", "TRANSFORMERS_", "TORCH_HOME")
KEPT_VARIABLES = ("CUDA_VISIBLE_DEVICES", "CUDA_HOME", "CUDA_PATH")  # where the GPU is, not how we behave


def _part_of_shared(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"reference data {path.relative_to(SHARED.parent)} is not beside the repository")
    return path


@pytest.fixture(scope="session")
def repository() -> Path:
    """Top folder of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the reference data; the test is skipped where it is absent."""
    return _part_of_shared()


@pytest.fixture(scope="session")
def golden_lposs() -> Path:
    """Golden files of the published LPOSS code."""
    return _part_of_shared("golden", "lposs")


@pytest.fixture(scope="session")
def photos() -> Path:
    """Facade photographs with masks."""
    return _part_of_shared("photos")


@pytest.fixture(scope="session")
def badinputs() -> Path:
    """Hostile inputs and ``manifest.json`` with the outcome each must have."""
    return _part_of_shared("badinputs")


@pytest.fixture(scope="session")
def manifest(badinputs: Path) -> dict[str, Any]:
    """The parsed manifest of the hostile inputs."""
    content: dict[str, Any] = json.loads((badinputs / "manifest.json").read_text(encoding="utf-8"))
    return content


class StandInHub:
    """A hub of our own: files by repository, a redirect to its storage, and faults on demand.

    Attributes:
        files: (repository, name) -> content.
        fault: ``""``, ``"hang"`` (no answer), ``"stall"`` (half a file, then silence), ``"truncate"`` (half
            a file, then the end), ``"wrong"`` (other bytes), ``"page"`` (a web page) or a status, ``"503"``.
        pause: seconds between pieces.
        contacts: how often anything was asked.
        requests: (path, range asked for) of each request for content.
    """

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], bytes] = {}
        self.fault = ""
        self.pause = 0.0
        self.states_digest = True
        self.contacts = 0
        self.requests: list[tuple[str, str]] = []
        self.open = threading.Event()
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with contextlib.suppress(ConnectionError):
                    hub.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        self.contacts += 1
        if self.fault == "hang":
            self.open.wait(60)
            request.close_connection = True
            return
        storage, *parts = request.path.strip("/").split("/")
        if storage == "storage":
            self.send(request, self.files["/".join(parts[:2]), parts[2]])
            return
        repo, name = f"{storage}/{parts[0]}", parts[-1]
        content = self.files.get((repo, name))
        if content is None or self.fault.isdigit():
            self.head(request, int(self.fault or 404), {"content-length": "0"})
            return
        digest = hashlib.sha256(content).hexdigest()
        stated = {"x-linked-etag": f'"{digest}"', "x-linked-size": str(len(content))}
        headers = {"location": f"/storage/{repo}/{name}", "x-repo-commit": "c0ffee", "content-length": "0"}
        self.head(request, 302, headers | (stated if self.states_digest else {}))

    def send(self, request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
        asked = request.headers.get("range", "")
        self.requests.append((request.path, asked))
        etag = f'"{zlib.crc32(content)}"'
        content = {"wrong": content[::-1], "page": b"<html>503</html>"}.get(self.fault, content)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if asked and request.headers.get("if-range") == etag:
            ranges = {"content-range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self.head(request, 206, {"etag": etag, "content-length": str(len(content) - start)} | ranges)
        else:
            start = 0
            self.head(request, 200, {"etag": etag, "content-length": str(len(content))})
        self.body(request, content[start:])

    def body(self, request: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
        half = len(content) // 2 if self.fault in ("stall", "truncate") else len(content)
        for place in range(0, half, 50_000):
            request.wfile.write(content[place : min(place + 50_000, half)])
            request.wfile.flush()
            self.open.wait(self.pause)
        if self.fault == "stall":
            self.open.wait(60)
        request.close_connection = half < len(content)

    @staticmethod
    def head(request: http.server.BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """A stand-in hub on this machine, which ``HF_ENDPOINT`` names; downloads are switched on."""
    server = StandInHub()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    yield server
    server.close()


HUB_ROW = """
  - id: far-tiny
    label: {en: "Far <tiny>", ru: "Далёкая <малая>"}
    kind: stock
    base: test
    licence: MIT
    languages: [en]
    methods: [maskclip, lposs, lposs_plus]
    parts:
      clip:
        builder: tiny-dual
        hub: [{repo: facade/tiny, name: clip.safetensors, megabytes: 25}]
      patches:
        builder: tiny-patches
        hub: [{repo: facade/tiny, name: patches.safetensors, megabytes: 10}]
    settings: {short_side: 224, crop: 224, stride: 112, k: 50}
"""


@pytest.fixture
def hub_registry(hub: StandInHub, tmp_path: Path) -> Any:
    """Registry of the bundled checkpoints and of ``far-tiny``, whose files only the stand-in hub has."""
    from pipelines import PipelineRegistry
    from pipelines.catalogue import ASSETS, CATALOGUE_FILE
    from pipelines.hub import HubStore
    from pipelines.hub_catalogue import build_catalogue

    for name, file in {"clip": "tiny_clip_stock", "patches": "tiny_patches"}.items():
        weights = ASSETS / "weights" / f"{file}.safetensors"
        hub.files["facade/tiny", f"{name}.safetensors"] = weights.read_bytes()
    rows = CATALOGUE_FILE.read_text(encoding="utf-8").replace("file: weights/", f"file: {ASSETS}/weights/")
    (tmp_path / "catalogue.yaml").write_text(rows + HUB_ROW, encoding="utf-8")
    located = build_catalogue(tmp_path / "catalogue.yaml", store=HubStore(tmp_path / "store"))
    return PipelineRegistry(located, torch.device("cpu"))


@pytest.fixture(scope="session")
def matching_model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A BLIP of 3 text layers x 4 heads with random weights, strong enough for maps that are not flat."""
    from transformers import BertTokenizer, BlipConfig, BlipForImageTextRetrieval

    from pnp_ovss import BlipBackbone

    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "a",
        "picture",
        "of",
        "wall",
        "window",
        "sky",
        "door",
        "roof",
    ]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = list(dict.fromkeys([*words, *letters, *(f"##{letter}" for letter in letters)]))
    vocabulary = tmp_path_factory.mktemp("words") / "words.txt"
    vocabulary.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    sizes = {"hidden_size": 48, "intermediate_size": 96, "num_attention_heads": 4}
    text = {
        "vocab_size": len(pieces) + 1,
        "num_hidden_layers": 3,
        "bos_token_id": len(pieces),
        "sep_token_id": 3,
    }
    vision = {"num_hidden_layers": 2, "image_size": 64, "patch_size": 16}
    torch.manual_seed(3)
    model = BlipForImageTextRetrieval(BlipConfig(text_config=sizes | text, vision_config=sizes | vision))
    for parameter in model.eval().requires_grad_(False).parameters():
        if parameter.ndim > 1:
            parameter.mul_(8)
    return BlipBackbone(model, BertTokenizer(vocab=str(vocabulary)), digest="random")


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0]).partition("%")[0]
    if host in ("", "localhost"):
        return True
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return False
    return parsed.is_loopback or parsed.is_unspecified


@pytest.fixture(autouse=True, scope="session")
def closed_network() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guard(address: object) -> None:
        if not _is_local(address):
            raise OSError(f"tests may not reach {address!r}: the product works without a network")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        guard(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        guard(address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        yield


@pytest.fixture(autouse=True, scope="session")
def clean_environment() -> Iterator[None]:
    """Drop settings of the developer's shell that would change what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(CLEARED_PREFIXES) and name not in KEPT_VARIABLES:
                patch.delenv(name)
        for name in ("HOST", "PORT", "DEVICE", "EXAMPLES_DIR"):
            patch.delenv(name, raising=False)
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(autouse=True, scope="session")
def few_threads() -> None:
    """Small networks are slower on many threads than on a few."""
    torch.set_num_threads(min(4, torch.get_num_threads()))


@pytest.fixture(autouse=True)
def seeds() -> None:
    """Give every test the same random numbers, whatever ran before it."""
    torch.manual_seed(0)
    np.random.seed(0)  # what third-party code draws from


class Injected(RuntimeError):
    """The error that tests inject."""


class Injection:
    """Context that lets the n-th module call of the process fail; counts the calls when n is negative."""

    error = Injected

    @contextlib.contextmanager
    def __call__(self, number: int) -> Iterator[list[int]]:
        calls = [0]

        def count(module: torch.nn.Module, inputs: object) -> None:
            calls[0] += 1
            if calls[0] == number:
                raise Injected(f"call {number}")

        handle = torch.nn.modules.module.register_module_forward_pre_hook(count)
        try:
            yield calls
        finally:
            handle.remove()


@pytest.fixture
def injected() -> Injection:
    """Errors at any module call."""
    return Injection()
