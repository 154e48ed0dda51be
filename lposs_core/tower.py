"""Transformer towers as plain tensors: what both encoders and the text tower run.

A block is described by its weights, taken once from an open_clip or timm module and run with ``F.linear`` and
``scaled_dot_product_attention``. The module itself is never called, so no hook fires, no flag changes and no
buffer is written; gradients flow to the input where the caller enables them, and to the weights of towers
that are read under :func:`live_weights`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Precision = Literal["fp32", "bf16"]

_ONE_DNN_TOLERANCE = 1e-5  # of sums of order 1; a bfloat16 product would be off by 1e-2
_DTYPES: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}
_LIVE: ContextVar[bool] = ContextVar("live_weights", default=False)


class UnsupportedModel(ValueError):
    """The network has a part whose arithmetic is not known here; the message names it."""


def dtype_of(precision: str) -> torch.dtype:
    """Translate a precision into the dtype of the weights.

    Args:
        precision: ``"fp32"`` or ``"bf16"``.

    Raises:
        ValueError: for any other word.
    """
    if precision not in _DTYPES:
        raise ValueError(f'precision must be "fp32" or "bf16", got {precision!r}')
    return _DTYPES[precision]


@contextmanager
def live_weights() -> Iterator[None]:
    """Read towers whose weights stay those of the module: gradients reach its parameters.

    For training. A live tower holds what the parameters were when it was read, so it is read anew for every
    step, which costs no copy in float32.
    """
    token = _LIVE.set(True)
    try:
        yield
    finally:
        _LIVE.reset(token)


def refuse(where: str, found: object, wanted: str) -> UnsupportedModel:
    """Build the error for a part that is not understood."""
    return UnsupportedModel(
        f"{where} is {type(found).__name__}, but only {wanted} is understood here. "
        "Choose a checkpoint whose towers are plain vision and text transformers."
    )


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """Layer normalisation over the last axis."""

    weight: Tensor | None
    bias: Tensor | None
    width: int
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """Normalise ``x`` of shape ``(..., width)``."""
        return F.layer_norm(x, (self.width,), self.weight, self.bias, self.eps)


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Affine map of the last axis; ``weight`` has shape ``(out, in)``."""

    weight: Tensor
    bias: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        """Map ``x`` of shape ``(..., in)`` to ``(..., out)``."""
        return linear(x, self.weight, self.bias)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One pre-norm residual block: attention, then a two-layer perceptron.

    ``x + scale1 * out(attention(norm1(x)))``, then ``x + scale2 * fc2(activation(fc1(norm2(x))))``.
    """

    heads: int
    norm1: Norm
    qkv: Linear  # (3 * inner, width): queries, keys, values
    query_norm: Norm | None
    key_norm: Norm | None
    out: Linear
    scale1: Tensor | None
    norm2: Norm
    fc1: Linear
    activation: Callable[[Tensor], Tensor]
    fc2: Linear
    scale2: Tensor | None

    def __call__(self, x: Tensor, *, causal: bool = False) -> Tensor:
        """Run the block on tokens of shape ``(n, T, width)``."""
        x = x + _scaled(self.out(self._attend(self.norm1(x), causal)), self.scale1)
        return self._perceptron(x)

    def values(self, x: Tensor) -> Tensor:
        """Value vectors of all heads, concatenated: ``(n, T, width)`` to ``(n, T, inner)``."""
        inner = self.qkv.weight.shape[0] // 3
        bias = None if self.qkv.bias is None else self.qkv.bias[2 * inner :]
        return linear(self.norm1(x), self.qkv.weight[2 * inner :], bias)

    def value_path(self, x: Tensor) -> Tensor:
        """Run the block as if every token attended to itself alone (MaskCLIP)."""
        x = x + _scaled(self.out(self.values(x)), self.scale1)
        return self._perceptron(x)

    def _attend(self, x: Tensor, causal: bool) -> Tensor:
        n, tokens, _ = x.shape
        query, key, value = self.qkv(x).view(n, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query = query if self.query_norm is None else self.query_norm(query)
        key = key if self.key_norm is None else self.key_norm(key)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
        return mixed.transpose(1, 2).reshape(n, tokens, -1)

    def _perceptron(self, x: Tensor) -> Tensor:
        return x + _scaled(self.fc2(self.activation(self.fc1(self.norm2(x)))), self.scale2)


def run_blocks(blocks: Sequence[Block], x: Tensor, *, causal: bool = False) -> Tensor:
    """Run tokens of shape ``(n, T, width)`` through some blocks of a tower, in order."""
    for block in blocks:
        x = block(x, causal=causal)
    return x


def read_block(module: Any, where: str, dtype: torch.dtype) -> Block:
    """Describe a residual block of open_clip or timm by its tensors.

    Args:
        module: the block; it is read, never called or changed.
        where: its place in the model, for errors.
        dtype: dtype of the block's tensors; weights of that dtype are shared with the module, others copied.

    Raises:
        UnsupportedModel: the block does something else than :class:`Block`.
    """
    from open_clip.transformer import CustomResidualAttentionBlock, ResidualAttentionBlock
    from timm.models.vision_transformer import Block as TimmBlock

    if type(module) in (ResidualAttentionBlock, CustomResidualAttentionBlock):
        return _read_open_clip_block(module, where, dtype)
    if type(module) is TimmBlock:
        return _read_timm_block(module, where, dtype)
    raise refuse(where, module, "a pre-norm block of open_clip or timm")


def read_norm(module: object, where: str, dtype: torch.dtype) -> Norm:
    """Describe a layer normalisation; anything else is refused."""
    norm = read_optional_norm(module, where, dtype)
    if norm is None:
        raise refuse(where, module, "layer normalisation")
    return norm


def read_optional_norm(module: object, where: str, dtype: torch.dtype) -> Norm | None:
    """Describe a layer normalisation, or an absent one (``nn.Identity``) as ``None``."""
    if isinstance(module, nn.Identity):
        return None
    if not isinstance(module, nn.LayerNorm) or len(module.normalized_shape) != 1:
        raise refuse(where, module, "layer normalisation")
    weight, bias = own_optional(module.weight, dtype), own_optional(module.bias, dtype)
    return Norm(weight, bias, module.normalized_shape[0], module.eps)


def read_linear(module: object, where: str, dtype: torch.dtype) -> Linear:
    """Describe a linear layer; anything else is refused."""
    if not isinstance(module, nn.Linear):
        raise refuse(where, module, "a linear layer")
    return Linear(own(module.weight, dtype), own_optional(module.bias, dtype))


def own(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Detach a weight and cast it; the storage is shared where the dtype is right already.

    Under :func:`live_weights` it is cast only.
    """
    return (tensor if _LIVE.get() else tensor.detach()).to(dtype)


def own_optional(tensor: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Apply :func:`own` to a weight that may be absent."""
    return None if tensor is None else own(tensor, dtype)


def own_module(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Copy a module for inference: frozen, in evaluation mode, cast; the original stays as it is.

    Under :func:`live_weights` it is the module itself.
    """
    if _LIVE.get():
        return module
    return copy.deepcopy(module).eval().requires_grad_(False).to(dtype)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Compute ``F.linear``; in float32 on the CPU, where the weight is frozen, through oneDNN.

    oneDNN's float32 product rounds like the default one and takes less than half its time on many CPUs. It is
    called by name, so no global switch of PyTorch is touched.
    """
    learns = torch.is_grad_enabled() and weight.requires_grad
    if torch.is_autocast_enabled("cpu"):
        return F.linear(x, weight, bias)  # which rounds to bfloat16 as the caller asked for
    if x.dtype == torch.float32 and x.device.type == "cpu" and not learns and _one_dnn_agrees():
        product: Tensor = _FrozenLinear.apply(x, weight, bias)
        return product
    return F.linear(x, weight, bias)


class _FrozenLinear(torch.autograd.Function):
    """oneDNN's product, with a gradient for the input alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.weight = weight
        return _one_dnn_product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _one_dnn_product(gradient.contiguous(), ctx.weight.T.contiguous(), None), None, None


def _one_dnn_product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def quick_gelu(x: Tensor) -> Tensor:
    """Apply ``x * sigmoid(1.702 x)``, the activation of OpenAI's CLIP weights."""
    return x * torch.sigmoid(1.702 * x)


@cache
def _one_dnn_agrees() -> bool:
    """Check once that this build of PyTorch has oneDNN's product and that it is a float32 one."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 768, generator=generator)
    weight = torch.randn(64, 768, generator=generator) / 768**0.5
    try:
        product = torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
    except (AttributeError, RuntimeError, NotImplementedError):
        return False
    return bool((product - (x.double() @ weight.double().T)).abs().max() < _ONE_DNN_TOLERANCE)


def _scaled(x: Tensor, scale: Tensor | None) -> Tensor:
    return x if scale is None else x * scale


def _read_open_clip_block(module: Any, where: str, dtype: torch.dtype) -> Block:
    if hasattr(module, "ln_1_kv"):
        raise refuse(f"{where}.ln_1_kv", module.ln_1_kv, "self-attention")
    _require_absent(getattr(module, "ln_attn", None), f"{where}.ln_attn")
    _require_absent(getattr(module.mlp, "ln", None), f"{where}.mlp.ln")
    query_norm, key_norm = _read_open_clip_attention_norms(module.attn, f"{where}.attn", dtype)
    return Block(
        heads=module.attn.num_heads,
        norm1=read_norm(module.ln_1, f"{where}.ln_1", dtype),
        qkv=Linear(own(module.attn.in_proj_weight, dtype), own_optional(module.attn.in_proj_bias, dtype)),
        query_norm=query_norm,
        key_norm=key_norm,
        out=read_linear(module.attn.out_proj, f"{where}.attn.out_proj", dtype),
        scale1=_read_layer_scale(module.ls_1, f"{where}.ls_1", dtype),
        norm2=read_norm(module.ln_2, f"{where}.ln_2", dtype),
        fc1=read_linear(module.mlp.c_fc, f"{where}.mlp.c_fc", dtype),
        activation=read_activation(module.mlp.gelu, f"{where}.mlp.gelu"),
        fc2=read_linear(module.mlp.c_proj, f"{where}.mlp.c_proj", dtype),
        scale2=_read_layer_scale(module.ls_2, f"{where}.ls_2", dtype),
    )


def _read_open_clip_attention_norms(
    attention: Any, where: str, dtype: torch.dtype
) -> tuple[Norm | None, Norm | None]:
    from open_clip.transformer import Attention

    if isinstance(attention, nn.MultiheadAttention):
        if attention.in_proj_weight is None or attention.bias_k is not None or attention.add_zero_attn:
            raise refuse(where, attention, "attention with one joint query-key-value projection")
        return None, None
    if type(attention) is not Attention:
        raise refuse(where, attention, "plain multi-head attention")
    for name in ("logit_scale", "head_scale", "ln_inner"):
        _require_absent(getattr(attention, name), f"{where}.{name}")
    query_norm = read_optional_norm(attention.ln_q, f"{where}.ln_q", dtype)
    return query_norm, read_optional_norm(attention.ln_k, f"{where}.ln_k", dtype)


def _read_timm_block(module: Any, where: str, dtype: torch.dtype) -> Block:
    from timm.layers import Attention, Mlp

    if type(module.attn) is not Attention:
        raise refuse(f"{where}.attn", module.attn, "plain multi-head attention")
    if type(module.mlp) is not Mlp:
        raise refuse(f"{where}.mlp", module.mlp, "a perceptron of two linear layers")
    _require_absent(module.attn.gate, f"{where}.attn.gate")
    _require_absent(module.attn.norm, f"{where}.attn.norm")
    _require_absent(module.mlp.norm, f"{where}.mlp.norm")
    return Block(
        heads=module.attn.num_heads,
        norm1=read_norm(module.norm1, f"{where}.norm1", dtype),
        qkv=read_linear(module.attn.qkv, f"{where}.attn.qkv", dtype),
        query_norm=read_optional_norm(module.attn.q_norm, f"{where}.attn.q_norm", dtype),
        key_norm=read_optional_norm(module.attn.k_norm, f"{where}.attn.k_norm", dtype),
        out=read_linear(module.attn.proj, f"{where}.attn.proj", dtype),
        scale1=_read_layer_scale(module.ls1, f"{where}.ls1", dtype),
        norm2=read_norm(module.norm2, f"{where}.norm2", dtype),
        fc1=read_linear(module.mlp.fc1, f"{where}.mlp.fc1", dtype),
        activation=read_activation(module.mlp.act, f"{where}.mlp.act"),
        fc2=read_linear(module.mlp.fc2, f"{where}.mlp.fc2", dtype),
        scale2=_read_layer_scale(module.ls2, f"{where}.ls2", dtype),
    )


def read_activation(module: object, where: str) -> Callable[[Tensor], Tensor]:
    """Name the function of an activation module, so that QuickGELU stays QuickGELU."""
    import open_clip.transformer
    import timm.layers.activations as timm_activations

    if isinstance(module, nn.GELU):
        return partial(F.gelu, approximate=module.approximate)
    functions: dict[type[nn.Module], Callable[[Tensor], Tensor]] = {
        open_clip.transformer.QuickGELU: quick_gelu,
        timm_activations.QuickGELU: quick_gelu,
        timm_activations.GELU: F.gelu,
        timm_activations.GELUTanh: partial(F.gelu, approximate="tanh"),
        nn.SiLU: F.silu,
        nn.ReLU: F.relu,
    }
    for kind, function in functions.items():
        if type(module) is kind:
            return function
    raise refuse(where, module, "GELU, QuickGELU, SiLU or ReLU")


def _read_layer_scale(module: Any, where: str, dtype: torch.dtype) -> Tensor | None:
    if isinstance(module, nn.Identity):
        return None
    if type(module).__name__ != "LayerScale":
        raise refuse(where, module, "a layer scale")
    return own(module.gamma, dtype)


def _require_absent(part: object, where: str) -> None:
    if part is not None and not isinstance(part, nn.Identity):
        raise refuse(where, part, "a block without it")
