"""Checkpoints in LAVIS' own format (``BlipRetrieval``) for the transformers model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

_RENAMED = (  # (pattern, replacement) in order; the first that matches counts
    (r"visual_encoder\.cls_token", "vision_model.embeddings.class_embedding"),
    (r"visual_encoder\.pos_embed", "vision_model.embeddings.position_embedding"),
    (r"visual_encoder\.patch_embed\.proj\.(weight|bias)", r"vision_model.embeddings.patch_embedding.\1"),
    (
        r"visual_encoder\.blocks\.(\d+)\.norm([12])\.(weight|bias)",
        r"vision_model.encoder.layers.\1.layer_norm\2.\3",
    ),
    (
        r"visual_encoder\.blocks\.(\d+)\.attn\.qkv\.(weight|bias)",
        r"vision_model.encoder.layers.\1.self_attn.qkv.\2",
    ),
    (
        r"visual_encoder\.blocks\.(\d+)\.attn\.proj\.(weight|bias)",
        r"vision_model.encoder.layers.\1.self_attn.projection.\2",
    ),
    (
        r"visual_encoder\.blocks\.(\d+)\.mlp\.fc([12])\.(weight|bias)",
        r"vision_model.encoder.layers.\1.mlp.fc\2.\3",
    ),
    (r"visual_encoder\.norm\.(weight|bias)", r"vision_model.post_layernorm.\1"),
    (r"(text_encoder\.(?:embeddings|encoder)\..+)", r"\1"),
    (r"((?:vision_proj|text_proj|itm_head)\.(?:weight|bias))", r"\1"),
)
_LEFTOVERS = re.compile(  # of LAVIS' training: momentum copies, queues, temperature, buffers
    r"[^.]+_m\..*|temp|(?:image|text|idx)_queue|queue_ptr|ptr_queue|(?:.*\.)?position_ids"
)


class LavisMismatch(ValueError):
    """A LAVIS checkpoint that does not fit the model; ``report`` says where."""

    def __init__(self, message: str, report: LavisReport) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True, slots=True)
class LavisReport:
    """What became of each key.

    Attributes:
        renamed: LAVIS key to transformers key; equal where the name is kept.
        dropped: training leftovers and buffers that inference has no use for.
        unknown: keys that no rule knows.
        missing: keys of the model that nothing was found for; known only after loading.
        mismatched: keys of another shape than the model's; known only after loading.
    """

    renamed: Mapping[str, str]
    dropped: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every key has its place."""
        return bool(self.renamed) and not (self.unknown or self.missing or self.mismatched)


def convert_lavis_state(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], LavisReport]:
    """Rename the weights of LAVIS' ``BlipRetrieval`` for ``BlipForImageTextRetrieval``.

    Args:
        state: tensors by LAVIS key, or a checkpoint that has them under ``"model"``.

    Returns:
        Tensors by transformers key, and the report.

    Raises:
        LavisMismatch: a key is known to no rule, or nothing is left.
    """
    weights = state.get("model", state)
    renamed, dropped, unknown = {}, [], []
    for key in weights:
        if _LEFTOVERS.fullmatch(key):
            dropped.append(key)
        elif (name := _rename(key)) is None:
            unknown.append(key)
        else:
            renamed[key] = name
    report = LavisReport(renamed, tuple(dropped), tuple(unknown))
    if not report.complete:
        raise LavisMismatch(_sentence(report), report)
    return {name: weights[key] for key, name in renamed.items()}, report


def load_lavis_state(model: Any, state: Mapping[str, Any]) -> LavisReport:
    """Load LAVIS weights into a transformers model that they fit exactly; otherwise change nothing.

    The model's configuration must be LAVIS': 12 text heads and a vision epsilon of 1e-6
    (:func:`pnp_ovss.blip_config`), and its image size the checkpoint's.

    Args:
        model: ``BlipForImageTextRetrieval``.
        state: tensors by LAVIS key, or a checkpoint that has them under ``"model"``.

    Returns:
        The report, complete.

    Raises:
        LavisMismatch: a key is unknown, missing or of another shape.
    """
    weights, report = convert_lavis_state(state)
    wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    full = LavisReport(
        report.renamed,
        report.dropped,
        unknown=tuple(key for key in weights if key not in wanted),
        missing=tuple(key for key in wanted if key not in weights),
        mismatched=tuple(
            key for key in weights if key in wanted and tuple(weights[key].shape) != wanted[key]
        ),
    )
    if not full.complete:
        raise LavisMismatch(_sentence(full), full)
    model.load_state_dict(weights, strict=True)
    return full


def read_lavis_file(path: str | Path) -> dict[str, Any]:
    """Read a LAVIS ``.pth`` file; weights only, nothing in it is executed.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be read.
        pickle.UnpicklingError: it holds more than weights.
    """
    import torch

    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _rename(key: str) -> str | None:
    for pattern, replacement in _RENAMED:
        if found := re.fullmatch(pattern, key):
            return found.expand(replacement)
    return None


def _sentence(report: LavisReport) -> str:
    facts = [
        f"{len(keys)} keys are {what} (first: {keys[0]})"
        for what, keys in (
            ("unknown", report.unknown),
            ("missing", report.missing),
            ("of another shape", report.mismatched),
        )
        if keys
    ]
    found = "; ".join(facts) or "it holds no weights"
    return f"this is no checkpoint of LAVIS' BlipRetrieval for this model: {found}; {len(report.renamed)} fit"
