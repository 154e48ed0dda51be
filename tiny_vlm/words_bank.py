"""Patch embeddings of training pictures under a frozen picture tower: what words are held against."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from open_clip import CLIP
from torch import Tensor

from tiny_vlm.data import draw_batch
from tiny_vlm.features import patch_embeddings, penultimate_tokens
from tiny_vlm.tasks import TrainingData

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PatchSheet:
    """Patches of one batch of crops.

    Attributes:
        patches: unit vectors ``(B, N, 192)`` float16.
        spaces: label space of each crop.
        shares: share of each concept in each patch, ``(N, concepts)`` per crop.
    """

    patches: Tensor
    spaces: tuple[str, ...]
    shares: tuple[Tensor, ...]


@torch.no_grad()
def collect_patches(model: CLIP, data: TrainingData, count: int, device: torch.device) -> list[PatchSheet]:
    """Embed the patches of ``count`` training batches."""
    sheets = []
    for index in range(count):
        rng = np.random.default_rng((data.seed, 2, index))
        size = data.crops[index % len(data.crops)]
        batch = draw_batch(data.sources, data.spaces, size, data.batch, rng)
        tokens = penultimate_tokens(model.visual.trunk, batch.images.to(device))
        sheets.append(PatchSheet(patch_embeddings(model, tokens).half(), batch.space, batch.shares))
        if index % 50 == 49:
            _log.info("embedded %d of %d batches", index + 1, count)
    return sheets


def mean_patch(sheets: Sequence[PatchSheet]) -> Tensor:
    """Direction of the mean patch: unit vector ``(192,)`` float32."""
    mean = torch.stack([sheet.patches.float().mean((0, 1)) for sheet in sheets]).mean(0)
    return torch.nn.functional.normalize(mean, dim=0)
