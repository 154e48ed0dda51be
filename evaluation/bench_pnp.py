"""The published way to GradCAM (a backward pass through the whole of BLIP) beside ours, on one network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pnp_ovss import BlipBackbone, prepare_image, token_maps

LAYER, HEAD = 7, 9
TOKENS = 16  # of the caption
SIDE = 336  # pixels


class _NoTokenizer:
    """Stands for a tokenizer: the benchmark's token ids are random."""

    sep_token_id, unk_token_id = 102, 100

    def __call__(self, text: str, add_special_tokens: bool) -> dict[str, list[int]]:
        return {"input_ids": [0]}


def gradcam_pair(
    image: NDArray[np.uint8], vision_layers: int = 24
) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """Build BLIP large with random weights, and both ways to its maps.

    Args:
        image: RGB, uint8, shape ``(H, W, 3)``.
        vision_layers: of the image tower; 24 in BLIP large.

    Returns:
        The published way and ours; each gives the maps of one head, shape ``(1, T, P, P)``.
    """
    model = _build_blip(vision_layers)
    backbone = BlipBackbone(model, _NoTokenizer())
    pixels = prepare_image(image, SIDE, backbone.mean, backbone.std)
    ids = torch.randint(1000, 30000, (1, TOKENS), generator=torch.Generator().manual_seed(0))

    def ours() -> Tensor:
        return token_maps(backbone, backbone.encode(pixels), ids, layer=LAYER, head=HEAD)[0]

    return lambda: full_backward(model, pixels, ids), ours


def full_backward(model: Any, pixels: Tensor, ids: Tensor) -> Tensor:
    """Hook every cross-attention and send the match logit back through both towers, as published.

    Args:
        model: ``BlipForImageTextRetrieval``; the gradients of its parameters are cleared again.
        pixels: normalised, shape ``(1, 3, S, S)``.
        ids: token ids, shape ``(1, T)``.

    Returns:
        Maps of ``LAYER`` and ``HEAD``, shape ``(1, T, P, P)``.
    """
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        output[1].retain_grad()
        kept.append(output[1])

    layers = model.text_encoder.encoder.layer
    handles = [layer.crossattention.self.register_forward_hook(keep) for layer in layers]
    try:
        answer = model(input_ids=ids, pixel_values=pixels, interpolate_pos_encoding=True)
        answer.itm_score[:, 1].sum().backward()
    finally:
        for handle in handles:
            handle.remove()
        model.zero_grad()
    attention = kept[LAYER]
    assert attention.grad is not None
    maps = (attention * attention.grad.clamp_min(0)).detach()[:, HEAD, :, 1:]
    return maps.reshape(*maps.shape[:2], SIDE // 16, SIDE // 16)


def _build_blip(vision_layers: int) -> Any:
    from transformers import BlipConfig, BlipForImageTextRetrieval

    torch.manual_seed(0)
    vision = {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": vision_layers,
        "num_attention_heads": 16,
        "layer_norm_eps": 1e-6,
        "initializer_range": 0.02,
    }
    config = BlipConfig(text_config={"num_attention_heads": 12}, vision_config=vision)
    return BlipForImageTextRetrieval(config).eval()
