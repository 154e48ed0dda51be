"""A CLIP as a segmenter that can be trained: crops in, class logits of patches out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, distributed, nn

from evaluation.distributed import Rank
from lposs_core.maskclip import dense_features, read_visual
from lposs_core.tower import live_weights

from .data import IGNORED


class DenseClassifier(nn.Module):
    """``temperature * cos(patch, prototype)``, the largest over the prototypes of a class.

    The arithmetic of patches is that of segmentation, :func:`lposs_core.maskclip.dense_features`; what is
    trained is what is served.

    Args:
        model: an open_clip CLIP.
        prototypes: unit vectors of each class, ``(texts, d)`` a class. They are constants: no parameters, and
            no part of the model's state.
        mean: of the pixels, one a channel.
        std: of the pixels, one a channel.
        temperature: what cosines are multiplied by.
    """

    def __init__(
        self,
        model: Any,
        prototypes: Sequence[Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        *,
        temperature: float,
    ) -> None:
        super().__init__()
        self.model = model
        self._sizes = [len(group) for group in prototypes]
        self._prototypes = torch.cat(list(prototypes))
        self._pixels = (tuple(mean), tuple(std))
        self._temperature = temperature

    def forward(self, crops: Tensor) -> Tensor:
        """Score RGB crops ``(n, 3, h, w)`` in ``[0, 1]``: logits ``(n, C, gh, gw)`` float32."""
        mean, std = self._pixels
        with live_weights():
            tower = read_visual(self.model, mean=mean, std=std, precision="fp32")
        tokens = tower.run(tower.embed(crops), stop=-1)
        features = dense_features(tower, tokens, tower.grid(crops))
        with torch.autocast(features.device.type, enabled=False):
            cosines = features @ self._prototypes.to(features.device).T
        classes = [group.amax(-1) for group in torch.split(cosines, self._sizes, dim=-1)]
        return self._temperature * torch.stack(classes, dim=1)


def segmentation_loss(logits: Tensor, masks: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross-entropy at the pixels of the masks.

    Args:
        logits: ``(n, C, gh, gw)``; interpolated bilinearly to the masks' size.
        masks: class of each pixel, int64 ``(n, h, w)``; 255 is left out.
        weights: of each class, ``(C,)``.

    Returns:
        Mean over labelled pixels by weight; 0 where nothing is labelled.
    """
    size = (masks.shape[1], masks.shape[2])
    fine = F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
    total = F.cross_entropy(fine, masks, weights, ignore_index=IGNORED, reduction="sum")
    labelled = masks[masks != IGNORED]
    return total / weights[labelled].sum().clamp_min(1e-6)


def in_step(module: nn.Module, rank: Rank, device: torch.device) -> nn.Module:
    """Average the module's gradients over all processes: over NCCL on GPUs, otherwise over gloo."""
    if rank.size == 1:
        return module
    if device.type != "cuda":
        return nn.parallel.DistributedDataParallel(module, broadcast_buffers=False)
    group = distributed.new_group(backend="nccl")
    return nn.parallel.DistributedDataParallel(module, [device], process_group=group, broadcast_buffers=False)
