"""GradCAM on cross-attention: which patches a word looks at, weighed by what they do for the match."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from pnp_ovss.backbone import ImageStates, ITMBackbone


def leaf_attention(attention: Any, hidden: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    """Compute a cross-attention whose probabilities begin a new graph.

    What lies before costs no memory for a backward pass, and the gradient of whatever follows stops here.
    The module is read, not hooked, so other threads may run it at the same time.

    Args:
        attention: has ``query``, ``key``, ``value``, ``num_attention_heads`` and ``attention_head_size``, as
            the BERT-like attentions of transformers have.
        hidden: word tokens, shape ``(B, T, D)``.
        states: image tokens, shape ``(B, N, E)``.

    Returns:
        Probabilities that require a gradient, shape ``(B, heads, T, N)``, and the attended values with the
        heads joined, shape ``(B, T, D)``.
    """

    def split(rows: Tensor) -> Tensor:
        heads = (attention.num_attention_heads, attention.attention_head_size)
        return rows.view(*rows.shape[:-1], *heads).transpose(1, 2)

    with torch.no_grad():
        query, key, value = (
            split(attention.query(hidden)),
            split(attention.key(states)),
            attention.value(states),
        )
        scores = query @ key.transpose(-1, -2) / math.sqrt(attention.attention_head_size)
        probabilities = scores.softmax(-1)
    probabilities.requires_grad_()
    return probabilities, (probabilities @ split(value)).transpose(1, 2).flatten(2)


@torch.inference_mode(False)
@torch.enable_grad()
def token_maps(
    backbone: ITMBackbone, states: ImageStates, ids: Tensor, *, layer: int, head: int
) -> tuple[Tensor, Tensor]:
    """GradCAM of every token: ``A * max(dS/dA, 0)`` of one head, S the raw match logit.

    Args:
        backbone: the model.
        states: of ``backbone.encode``.
        ids: token ids of a caption, shape ``(B, T)``; no padding.
        layer: cross-attention layer, from 0.
        head: attention head, from 0.

    Returns:
        Maps, float32, shape ``(B, T, P, P)``, the class token's column left out; and the match logits, shape
        ``(B,)``. Neither carries a graph.
    """
    attention, logit = backbone.attention_and_logit(states, ids, layer)
    (gradient,) = torch.autograd.grad(logit.sum(), attention)
    maps = attention.detach()[:, head, :, 1:] * gradient[:, head, :, 1:].clamp_min(0)
    side = math.isqrt(maps.shape[-1])
    return maps.reshape(*maps.shape[:-1], side, side), logit.detach()
