"""What a fine-tuning starts from: the CLIP of a catalogue checkpoint, as a network that can be trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from lposs_core import OpenCLIPEncoder, load_safetensors, load_strict
from lposs_core.maskclip import Tokenizer
from pipelines import CheckpointSpec, PartSpec
from pipelines.catalogue import Catalogue, find_checkpoint
from pipelines.hub_networks import open_clip_network, open_clip_pixels, open_clip_tokenizer
from pipelines.loading import verify_file

from .settings import FineTuneError


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """An architecture with whatever weights it was built with.

    Attributes:
        model: an open_clip CLIP.
        tokenizer: the one that belongs to it.
        mean: of the pixels, one a channel.
        std: of the pixels, one a channel.
    """

    model: Any
    tokenizer: Tokenizer
    mean: Sequence[float]
    std: Sequence[float]


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A checkpoint to start from.

    Attributes:
        spec: its row of the catalogue.
        network: with the weights of the row's file.
        state: these weights as they are in the file, by name.
    """

    spec: CheckpointSpec
    network: Network
    state: Mapping[str, Tensor]

    @property
    def part(self) -> PartSpec:
        """The row's dual encoder."""
        return self.spec.parts["clip"]

    def encoder(self) -> OpenCLIPEncoder:
        """The network as it is now, for segmentation; later changes of its weights do not reach it."""
        network = self.network
        return OpenCLIPEncoder(network.model, network.tokenizer, mean=network.mean, std=network.std)


def load_base(catalogue: Catalogue, identifier: str, device: torch.device) -> Base:
    """Build the dual encoder of a catalogue row with the weights of its file.

    Raises:
        UnknownChoice: there is no such row.
        FineTuneError: its kind of dual encoder cannot be trained here.
        PipelineError: the file is missing or another one.
    """
    spec = find_checkpoint(catalogue, identifier)
    part = spec.parts["clip"]
    if part.builder not in NETWORKS:
        raise FineTuneError(
            f"the checkpoint {spec.id} is built by {part.builder!r}; fine-tuning knows "
            f"{', '.join(NETWORKS)}. Choose another base."
        )
    network = NETWORKS[part.builder](spec, part)
    state = load_safetensors(verify_file(spec, part))
    load_strict(network.model, state, name=spec.id)
    network.model.to(device).eval().requires_grad_(False)
    return Base(spec, network, state)


def _tiny(spec: CheckpointSpec, part: PartSpec) -> Network:
    from tiny_vlm import configs

    return Network(configs.build_dual_encoder(), configs.tokenizer(), configs.IMAGE_MEAN, configs.IMAGE_STD)


def _open_clip(spec: CheckpointSpec, part: PartSpec) -> Network:
    return Network(open_clip_network(spec, part), open_clip_tokenizer(spec, part), **open_clip_pixels(part))


NETWORKS: Final[Mapping[str, Callable[[CheckpointSpec, PartSpec], Network]]] = {
    "tiny-dual": _tiny,
    "open-clip": _open_clip,
}
"""Network of each builder of :mod:`pipelines.loading` that makes an open_clip CLIP."""
