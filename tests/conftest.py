"""Fixtures shared by every test: reference data, a closed network, fixed seeds."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded: do not spin on busy cores

import torch

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"
CLEARED_PREFIXES = ("CUDA_", "HF_", "GRADIO_", "TRANSFORMERS_", "TORCH_HOME")
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
