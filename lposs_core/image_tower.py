"""Vision transformers of open_clip and timm as plain tensors: crops in, tokens out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lposs_core.attention_pool import read_attention_pool
from lposs_core.tower import (
    Block,
    Linear,
    Norm,
    UnsupportedModel,
    own,
    own_module,
    own_optional,
    read_block,
    read_optional_norm,
    refuse,
    run_blocks,
)


@dataclass(frozen=True, slots=True, eq=False)
class ImageTower:
    """The image half of a network, ready to run from any block to any block.

    Attributes:
        patch_size: side of a patch in pixels.
        stem: normalised crops ``(n, 3, h, w)`` to patch tokens ``(n, width, gh, gw)``.
        prefix: class and register tokens, their position embedding added; shape ``(p, width)``.
        positions: position embedding of the patches, float32, shape ``(gh, gw, width)``, or None.
        scale_offset: added to the grid before it is divided by the trained one when ``positions`` are resized
            by scale (0.1 in the published DINO code); None resizes by size.
        pre_norm: normalisation before the first block, where there is one.
        blocks: the residual blocks.
        head: what follows the last block for one token: final norm and projection.
        mean, std: of the pixels, shape ``(3, 1, 1)``, float32.
        dtype: of the tokens between the stem and the head.
        pools_by_attention: whether patches reach the text space through the values of attention pooling (part
            of ``head``) behind all blocks, instead of through the value path of the last block.
    """

    patch_size: int
    stem: Callable[[Tensor], Tensor]
    prefix: Tensor
    positions: Tensor | None
    scale_offset: float | None
    pre_norm: Norm | None
    blocks: tuple[Block, ...]
    head: Callable[[Tensor], Tensor]
    mean: Tensor
    std: Tensor
    dtype: torch.dtype
    pools_by_attention: bool = False

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.prefix.device

    @property
    def heads(self) -> tuple[int, ...]:
        """Attention heads of each block."""
        return tuple(block.heads for block in self.blocks)

    def grid(self, crops: Tensor) -> tuple[int, int]:
        """Count the patches of a crop down and across.

        Args:
            crops: shape ``(n, 3, h, w)``, floating point.

        Raises:
            ValueError: another shape or dtype, or sides that are no multiples of the patch.
        """
        if crops.ndim != 4 or crops.shape[1] != 3 or not crops.is_floating_point():
            raise ValueError(
                "crops must be floating point of shape (n, 3, h, w) in [0, 1], "
                f"got {crops.dtype} of shape {tuple(crops.shape)}"
            )
        height, width = crops.shape[-2:]
        if not height or not width or height % self.patch_size or width % self.patch_size:
            raise ValueError(
                f"crops must have sides that are multiples of {self.patch_size} px, got {height} x {width}. "
                "Pad them at the right and at the bottom first."
            )
        return height // self.patch_size, width // self.patch_size

    def embed(self, crops: Tensor) -> Tensor:
        """Turn crops into the tokens that enter the first block.

        Args:
            crops: RGB in ``[0, 1]``, shape ``(n, 3, h, w)``, on any device.

        Returns:
            Tokens, prefix first, shape ``(n, p + gh * gw, width)``.
        """
        grid = self.grid(crops)
        pixels = (crops.to(self.device, torch.float32) - self.mean) / self.std
        patches = self.stem(pixels.to(self.dtype))
        if tuple(patches.shape[-2:]) != grid:
            raise UnsupportedModel(
                f"the patch embedding gives a grid of {tuple(patches.shape[-2:])} patches for "
                f"{grid[0]} x {grid[1]} patches of {self.patch_size} px"
            )
        tokens = patches.flatten(2).transpose(1, 2)
        if self.positions is not None:
            tokens = tokens + resize_positions(self.positions, grid, self.scale_offset).to(self.dtype)
        tokens = torch.cat([self.prefix.expand(len(tokens), -1, -1), tokens], dim=1)
        return tokens if self.pre_norm is None else self.pre_norm(tokens)

    def run(self, tokens: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Run the blocks ``start`` (included) to ``stop`` (left out) on ``(n, T, width)`` tokens."""
        return run_blocks(self.blocks[start:stop], tokens)

    def patch_tokens(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """Drop the prefix tokens and lay out the rest: ``(n, p + gh * gw, d)`` to ``(n, gh, gw, d)``."""
        return tokens[:, len(self.prefix) :].reshape(len(tokens), *grid, -1)


def resize_positions(positions: Tensor, grid: tuple[int, int], scale_offset: float | None) -> Tensor:
    """Resize a position embedding as a value; the embedding itself is not changed.

    Bicubic, without antialiasing. By size, or, with ``scale_offset``, by the factor
    ``(g + scale_offset) / g_trained`` a side, which samples at slightly other places (published DINO code).

    Args:
        positions: shape ``(gh, gw, width)``, float32.
        grid: patches wanted down and across.
        scale_offset: see above, or None.

    Returns:
        Shape ``(grid[0] * grid[1], width)``, float32.
    """
    trained = (positions.shape[0], positions.shape[1])
    if trained == grid:
        return positions.flatten(0, 1)
    plane = positions.permute(2, 0, 1)[None]
    if scale_offset is None:
        resized = F.interpolate(plane, size=grid, mode="bicubic", align_corners=False)
    else:
        factor = [(wanted + scale_offset) / had for wanted, had in zip(grid, trained, strict=True)]
        resized = F.interpolate(plane, scale_factor=factor, mode="bicubic", align_corners=False)
    return resized[0].flatten(1).T


def read_native_tower(
    visual: Any, *, mean: Sequence[float], std: Sequence[float], dtype: torch.dtype
) -> ImageTower:
    """Describe open_clip's own ``VisionTransformer``.

    Its ``ln_post`` belongs to the pooled token in some configurations; a dense feature is a token that pools
    itself, so it is applied to every patch in both cases, and ``proj`` after it.

    Raises:
        UnsupportedModel: attention pooling, or a block that is not understood.
    """
    if visual.attn_pool is not None:
        raise refuse_attention_pool("visual.attn_pool")
    positions = own(visual.positional_embedding, torch.float32)
    prefix = own(visual.class_embedding, torch.float32) + positions[0]
    return ImageTower(
        patch_size=_square(visual.patch_size),
        stem=PatchProjection.read(visual.conv1, dtype),
        prefix=prefix[None].to(dtype),
        positions=positions[1:].reshape(*visual.grid_size, -1),
        scale_offset=None,
        pre_norm=read_optional_norm(visual.ln_pre, "visual.ln_pre", dtype),
        blocks=_read_blocks(visual.transformer.resblocks, "visual.transformer.resblocks", dtype),
        head=_native_head(visual, dtype),
        mean=_pixel_constant(mean, prefix.device),
        std=_pixel_constant(std, prefix.device),
        dtype=dtype,
    )


def read_timm_tower(
    vit: Any,
    *,
    where: str,
    mean: Sequence[float],
    std: Sequence[float],
    dtype: torch.dtype,
    scale_offset: float | None = None,
    projection: nn.Module | None = None,
) -> ImageTower:
    """Describe a timm ``VisionTransformer``, plain or with a convolutional stem.

    timm normalises the tokens (``norm``) or, where it pools by averaging, the pooled vector (``fc_norm``);
    the other one is an identity. A dense feature is a token that pools itself, so both are applied to every
    patch. Where it pools by attention (SigLIP), a patch passes the pool as if it were attended to alone, see
    :class:`lposs_core.attention_pool.AttentionPoolValues`.

    Args:
        vit: the network; it is read, never called or changed.
        where: its place in the model, for errors.
        mean: of the pixels, one a channel.
        std: of the pixels, one a channel.
        dtype: of the weights.
        scale_offset: how positions are resized, see :func:`resize_positions`.
        projection: what follows the network's own head, where there is more.

    Raises:
        UnsupportedModel: another kind of network, or a part that is not understood.
    """
    _require_plain_vit(vit, where)
    prefix, positions = _timm_prefix_and_positions(vit)
    return ImageTower(
        patch_size=_square(vit.patch_embed.feat_ratio(as_scalar=False)),
        stem=_timm_stem(vit.patch_embed, f"{where}.patch_embed", dtype),
        prefix=prefix.to(dtype),
        positions=positions,
        scale_offset=scale_offset,
        pre_norm=read_optional_norm(vit.norm_pre, f"{where}.norm_pre", dtype),
        blocks=_read_blocks(vit.blocks, f"{where}.blocks", dtype),
        head=_timm_head(vit, where, dtype, projection or nn.Identity()),
        mean=_pixel_constant(mean, prefix.device),
        std=_pixel_constant(std, prefix.device),
        dtype=dtype,
        pools_by_attention=vit.attn_pool is not None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class PatchProjection:
    """A convolution whose stride equals its kernel, as one matrix product over patches."""

    linear: Linear  # (width, 3 * patch * patch)
    patch: int

    @classmethod
    def read(cls, conv: nn.Conv2d, dtype: torch.dtype) -> PatchProjection:
        """Take the weights of a patchifying convolution."""
        return cls(
            Linear(own(conv.weight, dtype).flatten(1), own_optional(conv.bias, dtype)), conv.kernel_size[0]
        )

    def __call__(self, pixels: Tensor) -> Tensor:
        """Map ``(n, 3, h, w)`` to ``(n, width, h / patch, w / patch)``."""
        n, channels, height, width = pixels.shape
        rows, columns = height // self.patch, width // self.patch
        patches = pixels.reshape(n, channels, rows, self.patch, columns, self.patch)
        return self.linear(patches.permute(0, 2, 4, 1, 3, 5).flatten(3)).permute(0, 3, 1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class ConvolutionalStem:
    """A backbone before the patch projection, on a copy of its own.

    Channels lie innermost in memory, which suits the convolutions of a CPU (1.3 times as fast in float32).
    """

    backbone: nn.Module
    projection: nn.Module

    @classmethod
    def read(cls, embed: Any, dtype: torch.dtype) -> ConvolutionalStem:
        """Copy the backbone and the projection of timm's ``HybridEmbed``."""
        parts = [own_module(part, dtype) for part in (embed.backbone, embed.proj)]
        return cls(*(part.to(memory_format=torch.channels_last) for part in parts))

    def __call__(self, pixels: Tensor) -> Tensor:
        """Map ``(n, 3, h, w)`` to ``(n, width, gh, gw)``."""
        features = self.backbone(pixels.contiguous(memory_format=torch.channels_last))
        last = features[-1] if isinstance(features, (list, tuple)) else features
        projected: Tensor = self.projection(last)
        return projected


@dataclass(frozen=True, slots=True, eq=False)
class NormalisedStem:
    """A stem whose patch tokens are normalised before the position embedding."""

    stem: Callable[[Tensor], Tensor]
    norm: Norm

    def __call__(self, pixels: Tensor) -> Tensor:
        """Map ``(n, 3, h, w)`` to ``(n, width, gh, gw)``."""
        return self.norm(self.stem(pixels).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _native_head(visual: Any, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    norm = read_optional_norm(visual.ln_post, "visual.ln_post", dtype)
    projection = None if visual.proj is None else Linear(own(visual.proj, dtype).T.contiguous())

    def head(tokens: Tensor) -> Tensor:
        tokens = tokens if norm is None else norm(tokens)
        return tokens if projection is None else projection(tokens)

    return head


def _timm_head(vit: Any, where: str, dtype: torch.dtype, projection: nn.Module) -> Callable[[Tensor], Tensor]:
    if vit.attn_pool is None:
        return own_module(nn.Sequential(vit.norm, vit.fc_norm, vit.head, projection), dtype)
    norm = own_module(vit.norm, dtype)
    pool = read_attention_pool(vit.attn_pool, f"{where}.attn_pool", dtype)
    rest = own_module(nn.Sequential(vit.fc_norm, vit.head, projection), dtype)

    def head(tokens: Tensor) -> Tensor:
        projected: Tensor = rest(pool(norm(tokens)))
        return projected

    return head


def _timm_stem(embed: Any, where: str, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    from timm.layers import HybridEmbed, PatchEmbed

    if type(embed) is HybridEmbed:
        return ConvolutionalStem.read(embed, dtype)
    if type(embed) is not PatchEmbed:
        raise refuse(where, embed, "a patch projection or a convolutional stem")
    stem = PatchProjection.read(embed.proj, dtype)
    norm = read_optional_norm(embed.norm, f"{where}.norm", dtype)
    return stem if norm is None else NormalisedStem(stem, norm)


def _timm_prefix_and_positions(vit: Any) -> tuple[Tensor, Tensor | None]:
    tokens = [token for token in (vit.cls_token, vit.reg_token) if token is not None]
    empty = next(vit.parameters()).new_zeros(1, 0, vit.embed_dim)
    prefix = own(torch.cat([empty, *tokens], dim=1)[0], torch.float32)
    if vit.pos_embed is None:
        return prefix, None
    positions = own(vit.pos_embed[0], torch.float32)
    if not vit.no_embed_class:
        prefix = prefix + positions[: len(prefix)]
        positions = positions[len(prefix) :]
    return prefix, positions.reshape(*vit.patch_embed.grid_size, -1)


def _require_plain_vit(vit: Any, where: str) -> None:
    from timm.models.vision_transformer import VisionTransformer

    methods = ("forward", "forward_features", "forward_head", "_pos_embed")
    if not isinstance(vit, VisionTransformer) or any(
        getattr(type(vit), name) is not getattr(VisionTransformer, name) for name in methods
    ):
        raise refuse(where, vit, "timm's plain VisionTransformer")


def refuse_attention_pool(where: str) -> UnsupportedModel:
    """Build the error for a tower whose pooling keeps no way of a single patch into the text space."""
    return UnsupportedModel(
        f"{where} pools the patches by attention with many probes (as CoCa does), so a single patch has no "
        "place in the text space. Choose a checkpoint that pools by a class token, by averaging or as SigLIP."
    )


def _read_blocks(modules: Sequence[object], where: str, dtype: torch.dtype) -> tuple[Block, ...]:
    return tuple(read_block(module, f"{where}.{index}", dtype) for index, module in enumerate(modules))


def _square(patch: Sequence[int]) -> int:
    if len(set(patch)) != 1:
        raise UnsupportedModel(f"patches must be square, this network has {tuple(patch)} px")
    return int(patch[0])


def _pixel_constant(values: Sequence[float], device: torch.device) -> Tensor:
    if len(values) != 3:
        raise ValueError(f"mean and std must have 3 values, one a channel, got {len(values)}")
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None, None]
