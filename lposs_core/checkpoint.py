"""Checkpoints: safetensors read with care, loaded strictly, named by digest. Nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

Reason = Literal["missing", "corrupt", "unsafe", "dtype", "nan", "too_large"]

_MAX_HEADER = 64 * 2**20  # bytes; ViT-L with 1,000 tensors has 0.1 MB
_FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}  # bytes of one value
_COUNTERS = {"I64": 8}
_COUNTER_SUFFIX = "num_batches_tracked"  # batch normalisation counts its batches in an integer buffer
_NAME_LIMIT = 80  # characters of a foreign key that an error repeats


class CheckpointFileError(ValueError):
    """A file that cannot be used as a checkpoint.

    Attributes:
        reason: ``"missing"``, ``"corrupt"``, ``"unsafe"`` (a format that can carry code), ``"dtype"`` (not
            floating point), ``"nan"`` (NaN or infinite weights) or ``"too_large"`` (it would unpack to more).
    """

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class LoadReport:
    """How a state dict fits a model.

    Attributes:
        matched: keys of equal name and shape.
        missing: keys of the model that the state lacks.
        unexpected: keys of the state that the model does not know.
        mismatched: key to (shape in the state, shape in the model).
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every key matches and at least one does."""
        return bool(self.matched) and not (self.missing or self.unexpected or self.mismatched)


class CheckpointMismatch(ValueError):
    """A state dict that does not fit the model; ``report`` says where."""

    def __init__(self, message: str, report: LoadReport) -> None:
        super().__init__(message)
        self.report = report


def load_safetensors(path: str | Path) -> dict[str, Tensor]:
    """Read the weights of a safetensors file.

    The header is checked against the file before anything of it is believed, and every tensor for finite
    values.

    Args:
        path: the file.

    Returns:
        Tensors by key, in the dtype of the file, on the CPU.

    Raises:
        CheckpointFileError: the file is missing, cut short, no safetensors file, holds integers or
            values that are not finite. ``reason`` says which; the sentence says what to do.
    """
    check_safetensors(path)
    state = _load_checked(Path(path))
    check_finite(state, Path(path).name)
    return state


def check_safetensors(path: str | Path) -> None:
    """Check that a file is a whole safetensors file; its values are not read.

    Raises:
        CheckpointFileError: as :func:`load_safetensors`, but for values that are not finite.
    """
    file = Path(path)
    header, data_start = _read_header(file)
    _check_entries(file.name, header, file.stat().st_size - data_start)


def check_finite(state: Mapping[str, Tensor], name: str) -> None:
    """Check the values of a state dict.

    Raises:
        CheckpointFileError: a value is NaN or infinite; the first such key is named.
    """
    for key, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise CheckpointFileError(
                f"{name} has NaN or infinite values (first: {_shown(key)}), so its training failed "
                "or the file is damaged. Use an earlier checkpoint.",
                "nan",
            )


def compare(model: nn.Module, state: Mapping[str, Tensor]) -> LoadReport:
    """Compare a state dict with a model, key by key and shape by shape, without loading it."""
    wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in state.items()}
    common = [key for key in wanted if key in found]
    return LoadReport(
        matched=tuple(key for key in common if wanted[key] == found[key]),
        missing=tuple(key for key in wanted if key not in found),
        unexpected=tuple(key for key in found if key not in wanted),
        mismatched={key: (found[key], wanted[key]) for key in common if wanted[key] != found[key]},
    )


def load_strict(model: nn.Module, state: Mapping[str, Tensor], *, name: str = "The checkpoint") -> LoadReport:
    """Load a state dict that fits exactly; otherwise change nothing.

    Args:
        model: its parameters and buffers are overwritten, values cast to their dtype.
        state: tensors by key.
        name: what to call the checkpoint in an error.

    Returns:
        The report, complete.

    Raises:
        CheckpointMismatch: a key is missing, unexpected or of another shape.
    """
    report = compare(model, state)
    require_complete(report, name, type(model).__name__)
    model.load_state_dict(dict(state), strict=True)
    return report


def require_complete(report: LoadReport, name: str, model: str) -> None:
    """Refuse weights that do not fit exactly.

    Args:
        report: of :func:`compare`.
        name: what to call the checkpoint.
        model: what to call the network.

    Raises:
        CheckpointMismatch: a key is missing, unexpected or of another shape.
    """
    if not report.complete:
        raise CheckpointMismatch(_mismatch_sentence(name, model, report), report)


def file_sha256(path: str | Path) -> str:
    """Hash a file with SHA-256; gives 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_state(state: Mapping[str, Tensor], *words: str) -> str:
    """Name a state dict by its content: keys, dtypes, shapes and bytes, in the order of the keys.

    Args:
        state: tensors by key, on any device.
        words: further facts that belong to the name, in order.

    Returns:
        32 hexadecimal digits (BLAKE2b).
    """
    digest = hashlib.blake2b(digest_size=16)
    for word in words:
        digest.update(f"{len(word)}:{word}".encode())
    for key in sorted(state):
        tensor = state[key].detach()
        digest.update(f"{key}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read_header(file: Path) -> tuple[dict[str, Any], int]:
    """Read and parse the header; gives it with the offset of the first data byte."""
    if not file.is_file():
        raise CheckpointFileError(f"There is no checkpoint at {file}. Check the path.", "missing")
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(64)
        if start[8:9] != b"{":
            _refuse_other_formats(file.name, start)
        length = int.from_bytes(start[:8], "little")
        if length > min(size - 8, _MAX_HEADER):
            raise _corrupt(file.name, f"it announces a header of {length:,} bytes and has {size:,} in all")
        stream.seek(8)
        text = stream.read(length)
    try:
        header = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _corrupt(file.name, f"its header is not valid JSON ({error})") from error
    if not isinstance(header, dict):
        raise _corrupt(file.name, "its header is not a table of tensors")
    return header, 8 + length


def refuse_text(name: str, start: bytes) -> None:
    """Say what a file is that holds no weights at all.

    Args:
        name: of the file.
        start: its first bytes, at least 64 where there are as many.

    Raises:
        CheckpointFileError: it is empty, a Git LFS pointer or a web page.
    """
    text = start.lstrip().lower()
    if len(start) < 8:
        raise _corrupt(name, f"it has only {len(start)} bytes")
    if text.startswith(b"version https://git-lfs"):
        raise _corrupt(name, "it is a Git LFS pointer, not the weights; fetch them with: git lfs pull")
    if text.startswith(b"<"):
        raise _corrupt(name, "it is a web page saved in place of the weights")


def _refuse_other_formats(name: str, start: bytes) -> None:
    """Say what a file is that is not safetensors."""
    refuse_text(name, start)
    if start.startswith((b"PK", b"\x80", b"\x93NUMPY", b"cos\n", b"cbuiltins", b"c__builtin__")):
        raise CheckpointFileError(
            f"{name} is a pickle or zip archive, which can carry code, and is not opened. "
            "Convert it to safetensors where it comes from, or with: python -m pipelines.add_checkpoint",
            "unsafe",
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key stands twice")
    return table


def _check_entries(name: str, header: dict[str, Any], data_bytes: int) -> None:
    """Check that the tensors of a header tile the data exactly and are floating point."""
    spans = []
    for key, entry in header.items():
        if key == "__metadata__":
            continue
        try:
            dtype, shape = entry["dtype"], entry["shape"]
            start, stop = entry["data_offsets"]
            size = math.prod(_natural(side) for side in shape)
            spans.append((_natural(start), _natural(stop)))
        except (TypeError, KeyError, ValueError) as error:
            raise _corrupt(name, f"its entry {_shown(key)} is malformed") from error
        if size * _value_bytes(name, key, dtype) != stop - start:
            raise _corrupt(name, f"its entry {_shown(key)} does not fill the bytes it claims")
    edges = [(0, 0), *sorted(spans), (data_bytes, data_bytes)]
    if any(stop != start for (_, stop), (start, _) in pairwise(edges)):
        raise _corrupt(name, f"its tensors overlap or do not fill the {data_bytes:,} bytes of data")


def _value_bytes(name: str, key: str, dtype: object) -> int:
    known = _FLOATS | (_COUNTERS if key.endswith(_COUNTER_SUFFIX) else {})
    if not isinstance(dtype, str) or dtype not in known:
        raise CheckpointFileError(
            f"{name} stores {_shown(key)} as {_shown(str(dtype))}; weights must be floating point "
            f"({', '.join(_FLOATS)}). Save the checkpoint without quantisation.",
            "dtype",
        )
    return known[dtype]


def _natural(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no size")
    return value


def _load_checked(file: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state: dict[str, Tensor] = load_file(file)
    except (SafetensorError, OSError) as error:
        raise _corrupt(file.name, str(error)) from error
    return state


def _corrupt(name: str, detail: str) -> CheckpointFileError:
    return CheckpointFileError(
        f"{name} is not a complete safetensors file: {detail}. Download or copy it again.", "corrupt"
    )


def _mismatch_sentence(name: str, model: str, report: LoadReport) -> str:
    facts = [
        f"has {len(report.unexpected)} keys that {model} does not know{_first(report.unexpected)}",
        f"lacks {len(report.missing)}{_first(report.missing)}",
        f"has {len(report.mismatched)} of another shape{_first_shapes(report)}",
    ]
    matched = f"{len(report.matched)} keys match"
    hint = "Is it a checkpoint of this model?"
    if report.unexpected and all(key.startswith("module.") for key in report.unexpected):
        hint = 'Save it from the model inside DataParallel, without the prefix "module.".'
    return f"{name} {', '.join(facts)}; {matched}. {hint}"


def _first(keys: tuple[str, ...]) -> str:
    return f" (first: {_shown(keys[0])})" if keys else ""


def _first_shapes(report: LoadReport) -> str:
    shown = [
        f"{_shown(key)} is {found}, should be {wanted}"
        for key, (found, wanted) in list(report.mismatched.items())[:3]
    ]
    return f" ({'; '.join(shown)})" if shown else ""


def _shown(text: str) -> str:
    """Repeat a foreign name in an error: one line, no markup, bounded."""
    plain = "".join(c if c.isprintable() and c not in "<>&" else "?" for c in text)
    return plain if len(plain) <= _NAME_LIMIT else plain[: _NAME_LIMIT - 1] + "…"
