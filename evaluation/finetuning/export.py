"""A fine-tuned checkpoint as a file and as a row of a catalogue."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .base import Base

WEIGHTS = "checkpoint.safetensors"


def merged_state(base: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The base's state with the trained values in place.

    What did not move keeps the very bits and the dtype of the base's file; what moved is float32.

    Args:
        base: state of the base's file.
        values: trained parameters by name.
    """
    state = dict(base)
    for name, value in values.items():
        if not torch.equal(value.float(), base[name].float()):
            state[name] = value.float()
    return state


def write_weights(path: Path, state: Mapping[str, Tensor], base: Base) -> None:
    """Write a state as safetensors; a reader never meets half a file."""
    from safetensors.torch import save_file

    facts = {"format": "pt", "base": base.spec.id, "base_sha256": base.part.sha256}
    unfinished = path.with_name(f".{path.name}.tmp")
    save_file({name: value.contiguous() for name, value in state.items()}, str(unfinished), metadata=facts)
    os.replace(unfinished, path)
