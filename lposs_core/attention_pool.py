"""SigLIP's attention pooling as a map of single patches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lposs_core.tower import Linear, Norm, read_activation, read_linear, read_norm, refuse


@dataclass(frozen=True, slots=True, eq=False)
class AttentionPoolValues:
    """What attention pooling gives when the probe attends to one patch alone.

    The softmax over a single key is 1 whatever the probe asks for, so only values remain:
    ``u = W_o (W_v x + b_v) + b_o``, then ``u + mlp(norm(u))``. This is to attention pooling what the value
    path of MaskCLIP is to a class token: the patch takes the way into the text space, unmixed.
    """

    value: Linear
    out: Linear
    norm: Norm
    fc1: Linear
    activation: Callable[[Tensor], Tensor]
    fc2: Linear

    def __call__(self, tokens: Tensor) -> Tensor:
        """Map normalised tokens ``(..., width)`` to the text space, ``(..., d)``."""
        pooled = self.out(self.value(tokens))
        return pooled + self.fc2(self.activation(self.fc1(self.norm(pooled))))


def read_attention_pool(pool: Any, where: str, dtype: torch.dtype) -> AttentionPoolValues:
    """Describe timm's ``AttentionPoolLatent`` with one probe, as SigLIP has it.

    Args:
        pool: the module; it is read, never called or changed.
        where: its place in the model, for errors.
        dtype: of the weights.

    Raises:
        UnsupportedModel: another pooling, several probes, or positions of its own.
    """
    from timm.layers import AttentionPoolLatent, Mlp

    if type(pool) is not AttentionPoolLatent or pool.latent_len != 1 or pool.pos_embed is not None:
        raise refuse(where, pool, "attention pooling with one probe and no positions of its own")
    if type(pool.mlp) is not Mlp:
        raise refuse(f"{where}.mlp", pool.mlp, "a perceptron of two linear layers")
    joint = read_linear(pool.kv, f"{where}.kv", dtype)  # keys, then values
    half = len(joint.weight) // 2
    return AttentionPoolValues(
        value=Linear(joint.weight[half:], None if joint.bias is None else joint.bias[half:]),
        out=read_linear(pool.proj, f"{where}.proj", dtype),
        norm=read_norm(pool.norm, f"{where}.norm", dtype),
        fc1=read_linear(pool.mlp.fc1, f"{where}.mlp.fc1", dtype),
        activation=read_activation(pool.mlp.act, f"{where}.mlp.act"),
        fc2=read_linear(pool.mlp.fc2, f"{where}.mlp.fc2", dtype),
    )
