"""Turn a part of a catalogue row into a network behind one of the ``lposs_core`` protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from lposs_core import OpenCLIPEncoder, PatchEncoder, TextAlignedEncoder, TimmPatchEncoder
from lposs_core.checkpoint import (
    CheckpointFileError,
    CheckpointMismatch,
    file_sha256,
    load_safetensors,
    load_strict,
)
from pnp_ovss import BlipBackbone, ITMBackbone

from .catalogue import CheckpointSpec, PartSpec
from .errors import CheckpointError, PipelineUnavailable, UnknownChoice
from .hub_networks import open_clip_network, open_clip_pixels, open_clip_tokenizer, timm_network
from .types import Precision

Encoder = TextAlignedEncoder | PatchEncoder | ITMBackbone
Builder = Callable[[CheckpointSpec, PartSpec, torch.device, Precision], tuple[Encoder, int]]
"""Gives the encoder and the bytes its network takes."""


def build_tiny_dual(
    spec: CheckpointSpec, part: PartSpec, device: torch.device, precision: Precision
) -> tuple[TextAlignedEncoder, int]:
    """The bundled dual encoder with the weights of the part's file."""
    from tiny_vlm import configs

    model = _fill(spec, part, configs.build_dual_encoder()).to(device)
    encoder = OpenCLIPEncoder(
        model,
        configs.tokenizer(),
        mean=configs.IMAGE_MEAN,
        std=configs.IMAGE_STD,
        precision=precision,
        digest=part.digest,
        branches=part.branches,
    )
    return encoder, module_bytes(model)


def build_tiny_patches(
    spec: CheckpointSpec, part: PartSpec, device: torch.device, precision: Precision
) -> tuple[PatchEncoder, int]:
    """The bundled patch encoder with the weights of the part's file."""
    from tiny_vlm import configs

    model = _fill(spec, part, configs.build_patch_encoder()).to(device)
    encoder = TimmPatchEncoder(
        model,
        mean=configs.IMAGE_MEAN,
        std=configs.IMAGE_STD,
        precision=precision,
        digest=part.digest,
        published_position_rule=False,  # it was trained with positions resized by size
    )
    return encoder, module_bytes(model)


def build_open_clip(
    spec: CheckpointSpec, part: PartSpec, device: torch.device, precision: Precision
) -> tuple[TextAlignedEncoder, int]:
    """A published dual encoder: ``options.model`` of open_clip, with the pixels of ``options.tag``."""
    model = _fill(spec, part, open_clip_network(spec, part)).to(device)
    encoder = OpenCLIPEncoder(
        model,
        open_clip_tokenizer(spec, part),
        precision=precision,
        digest=part.digest,
        branches=part.branches,
        **open_clip_pixels(part),
    )
    return encoder, module_bytes(model)


def build_timm(
    spec: CheckpointSpec, part: PartSpec, device: torch.device, precision: Precision
) -> tuple[PatchEncoder, int]:
    """A published patch encoder: ``options.model`` of timm."""
    model = _fill(spec, part, timm_network(spec, part)).to(device)
    pixels = {name: model.pretrained_cfg[name] for name in ("mean", "std")}
    encoder = TimmPatchEncoder(
        model, precision=precision, digest=part.digest, branches=part.branches, **pixels
    )
    return encoder, module_bytes(model)


def build_tiny_itm(
    spec: CheckpointSpec, part: PartSpec, device: torch.device, precision: Precision
) -> tuple[ITMBackbone, int]:
    """The bundled image-text matching model with the weights of the part's file; always in fp32."""
    from tiny_vlm import configs

    model = _fill(spec, part, configs.build_itm()).to(device)
    backbone = BlipBackbone(
        model, configs.itm_tokenizer(), mean=configs.IMAGE_MEAN, std=configs.IMAGE_STD, digest=part.digest
    )
    return backbone, module_bytes(model)


BUILDERS: Final[Mapping[str, Builder]] = {
    "tiny-dual": build_tiny_dual,
    "tiny-patches": build_tiny_patches,
    "tiny-itm": build_tiny_itm,
    "open-clip": build_open_clip,
    "timm": build_timm,
}


def build_part(
    spec: CheckpointSpec, part: PartSpec, device: torch.device, precision: Precision
) -> tuple[Encoder, int]:
    """Load one part of a checkpoint.

    Returns:
        The encoder on ``device``, and the bytes its network takes.

    Raises:
        UnknownChoice: the catalogue names a builder that does not exist.
        PipelineUnavailable: a file is missing.
        CheckpointError: a file is not the one of the catalogue, is damaged or does not fit the network.
    """
    if part.builder not in BUILDERS:
        raise UnknownChoice.of("builder", seen=repr(part.builder), known=", ".join(BUILDERS))
    return BUILDERS[part.builder](spec, part, device, precision)


def module_bytes(model: nn.Module) -> int:
    """Bytes of all parameters and buffers."""
    return sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))


def estimated_bytes(part: PartSpec) -> int:
    """What a part will take: the catalogue's figure, otherwise twice its file, which is in half precision."""
    if part.memory_mib or part.file is None or not part.file.is_file():
        return part.memory_mib * 2**20
    return 2 * part.file.stat().st_size


def _fill(spec: CheckpointSpec, part: PartSpec, model: Any) -> Any:
    """Load a verified file into a network, strictly, and freeze it."""
    file = verify_file(spec, part)
    try:
        load_strict(model, load_safetensors(file))
    except (CheckpointFileError, CheckpointMismatch) as error:
        problem = str(error).rstrip(".")
        raise CheckpointError.of("mismatch", checkpoint=spec.id, file=file.name, problem=problem) from error
    return model.eval().requires_grad_(False)


def verify_file(spec: CheckpointSpec, part: PartSpec) -> Path:
    """The part's file once it and what comes from a hub have proved to be what the catalogue says.

    Raises:
        PipelineUnavailable: there is no such file.
        CheckpointError: it is another file.
    """
    if part.file is None or not part.file.is_file():
        name = part.file.name if part.file else part.role
        raise PipelineUnavailable.of("file", checkpoint=spec.id, file=name)
    downloaded = {file.path: file.sha256 for file in part.hub if file.path is not None}
    for path, expected in {part.file: part.sha256, **downloaded}.items():
        found = file_sha256(path)
        if found != expected:
            case = "changed" if path in downloaded else "digest"
            seen = {"file": path.name, "found": found[:12], "expected": expected[:12]}
            raise CheckpointError.of(case, checkpoint=spec.id, **seen)
    return part.file
