"""Patch features of a self-supervised vision transformer (DINO's role): value vectors of the last block."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from lposs_core.checkpoint import digest_state
from lposs_core.image_tower import read_timm_tower
from lposs_core.tower import Precision, dtype_of
from lposs_core.tower_encoder import TowerEncoder

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_PUBLISHED_OFFSET = 0.1  # of the published DINO code: part of the scale, it moves the samples a little


class TimmPatchEncoder(TowerEncoder):
    """Value vectors of the last block of a timm ``VisionTransformer``, one unit vector a patch.

    The feature of a patch is the third part of the last block's ``qkv``, applied to ``norm1`` of the previous
    block's output, all heads side by side. Class and register tokens, counted from the model, are dropped.
    Works for DINO, DINOv2 (with or without registers) and any other plain or convolutional-stem ViT of timm.

    Args:
        model: read at construction, never called or changed. In ``"fp32"`` its weights are shared, not
            copied, so they must stay as they are.
        mean: of the pixels, one a channel.
        std: of the pixels, one a channel.
        precision: ``"fp32"``, or ``"bf16"`` for weights rounded once to bfloat16.
        digest: name of the weights where the caller has one (the SHA-256 of their file); None hashes them.
        published_position_rule: resize the position embedding by the factor ``(g + 0.1) / g_trained`` as the
            published DINO and DINOv2 code does (the default); False resizes to the exact size. Without
            effect at the trained size.
        branches: see :class:`lposs_core.tower_encoder.TowerEncoder`.

    Raises:
        UnsupportedModel: a part of the network is not understood; the message names it.
    """

    def __init__(
        self,
        model: Any,
        *,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        precision: Precision = "fp32",
        digest: str | None = None,
        published_position_rule: bool = True,
        branches: Iterable[int] = (),
    ) -> None:
        offset = _PUBLISHED_OFFSET if published_position_rule else None
        tower = read_timm_tower(
            model, where="model", mean=mean, std=std, dtype=dtype_of(precision), scale_offset=offset
        )
        weights = digest or digest_state(model.state_dict())
        settings = (tuple(mean), tuple(std), tower.heads, precision, offset)
        super().__init__(tower, digest_state({}, "values", weights, repr(model), str(settings)), branches)

    def finish(self, tokens: Tensor, grid: tuple[int, int], start: int = 0) -> Tensor:
        """Finish tokens that enter the block ``start``: shape ``(n, gh, gw, width)``."""
        values = self._tower.blocks[-1].values(self._tower.run(tokens, start, -1))
        return F.normalize(self._tower.patch_tokens(values, grid).float(), dim=-1)
