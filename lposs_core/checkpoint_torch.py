"""State dicts saved by ``torch.save``, for the command line alone: read without running what they carry."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor

from lposs_core.checkpoint import CheckpointFileError, Reason, check_finite, refuse_text

_STATES = ("model_state", "state_dict", "model")  # where training tools put the weights
_COUNTERS = "num_batches_tracked"


@dataclass(frozen=True, slots=True)
class TorchState:
    """The weights of a ``torch.save`` file.

    Attributes:
        state: tensors by key, on the CPU.
        beside: what else the file held (optimiser, epoch, metrics), which is not used.
    """

    state: dict[str, Tensor]
    beside: tuple[str, ...] = ()


def load_torch_state(path: str | Path) -> TorchState:
    """Read the weights of a ``.pt``, ``.pth``, ``.ckpt`` or ``.bin`` file through ``weights_only``.

    The archive is checked before it is opened: nothing compressed, no path that climbs out, no TorchScript.
    Afterwards no tensor may be larger than the file, and all must be floating point and finite.

    Args:
        path: the file.

    Raises:
        CheckpointFileError: ``reason`` says why it cannot be used.
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointFileError(f"There is no checkpoint at {file}. Check the path.", "missing")
    with file.open("rb") as stream:
        start = stream.read(64)
    refuse_text(file.name, start)
    if start.startswith(b"PK"):
        _check_archive(file)
    payload = _unpickle(file)
    state, beside = _find_state(file.name, payload)
    _check_tensors(file, state)
    return TorchState(state, beside)


def _check_archive(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _refusal(file.name, "it is cut short or damaged. Copy it again", "corrupt") from error
    names = [PurePosixPath(entry.filename.replace("\\", "/")) for entry in entries]
    if any(name.is_absolute() or ".." in name.parts for name in names):
        raise _refusal(file.name, "an entry of the archive climbs out of it. Do not use this file", "corrupt")
    if any(name.suffix == ".npy" for name in names):
        raise _refusal(file.name, "it is a NumPy archive, whose objects can carry code", "unsafe")
    if any("code" in name.parts[1:-1] or name.name == "constants.pkl" for name in names):
        raise _refusal(file.name, "it is a TorchScript archive, which holds code", "unsafe")
    if not any(name.name == "data.pkl" for name in names):
        raise _refusal(file.name, "the archive holds no tensors of torch.save", "corrupt")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise _refusal(
            file.name,
            "the archive is compressed, which torch.save never does; it may unpack to any size",
            "too_large",
        )


def _unpickle(file: Path) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # it warns of pickles that it then refuses
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        problem = "it holds objects other than tensors, which could run code, and was not opened"
        raise _refusal(file.name, problem, "unsafe") from error
    except Exception as error:  # whatever a damaged pickle stumbles over
        problem = f"it cannot be read ({type(error).__name__}). Copy it again"
        raise _refusal(file.name, problem, "corrupt") from error


def _find_state(name: str, payload: Any) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    if not isinstance(payload, Mapping):
        raise _refusal(name, f"it holds a {type(payload).__name__} instead of a state dict", "corrupt")
    inner = next((key for key in _STATES if isinstance(payload.get(key), Mapping)), None)
    found = payload if inner is None else payload[inner]
    beside = () if inner is None else tuple(str(key) for key in payload if key != inner)
    state = {str(key): value for key, value in found.items() if isinstance(value, Tensor)}
    if inner is None:
        beside = tuple(str(key) for key, value in found.items() if not isinstance(value, Tensor))
    return {key: value.detach() for key, value in state.items()}, beside


def _check_tensors(file: Path, state: Mapping[str, Tensor]) -> None:
    size = file.stat().st_size
    for key, tensor in state.items():
        if tensor.layout != torch.strided or tensor.numel() * tensor.element_size() > size:
            problem = f"{key[:80]} would unpack to more than the file holds"
            raise _refusal(file.name, problem, "too_large")
        if not tensor.is_floating_point() and not key.endswith(_COUNTERS):
            problem = f"{key[:80]} is {tensor.dtype}; weights must be floating point"
            raise _refusal(file.name, problem, "dtype")
    check_finite(state, file.name)


def _refusal(name: str, problem: str, reason: Reason) -> CheckpointFileError:
    return CheckpointFileError(f"{name} cannot be used: {problem}.", reason)
