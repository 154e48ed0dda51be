"""Differentiable features for training, read the way segmentation reads them later.

MaskCLIP reads the last layer without its attention: values, their projection and the rest of the layer, for
every patch by itself. The patch encoder is read at the values of its last layer. Training takes these paths.
"""

import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor


def penultimate_tokens(trunk: VisionTransformer, images: Tensor) -> Tensor:
    """Run all layers but the last.

    Args:
        trunk: has a class token and position embeddings for a square grid.
        images: normalised, ``(B, 3, H, W)``, sides multiples of 16.

    Returns:
        Class token and patches, ``(B, 1 + patches, width)``.
    """
    x: Tensor = trunk.patch_embed(images)  # (B, rows, columns, width)
    rows, columns = x.shape[1:3]
    x = torch.cat([trunk.cls_token.expand(len(x), -1, -1), x.flatten(1, 2)], 1)
    x = x + _positions(trunk, rows, columns)
    for block in trunk.blocks[:-1]:
        x = block(x)
    return x


def last_values(trunk: VisionTransformer, tokens: Tensor) -> Tensor:
    """Value vectors of the last layer, heads joined: ``(B, tokens, width)``."""
    block = trunk.blocks[-1]
    width = tokens.shape[-1]
    attention = block.attn.qkv
    return F.linear(block.norm1(tokens), attention.weight[2 * width :], attention.bias[2 * width :])


def patch_embeddings(clip: CLIP, tokens: Tensor) -> Tensor:
    """Embed each patch in the space of the texts, along MaskCLIP's path.

    Args:
        clip: dual encoder with a timm trunk.
        tokens: output of ``penultimate_tokens``.

    Returns:
        Unit vectors ``(B, patches, 192)`` float32.
    """
    trunk = clip.visual.trunk
    block = trunk.blocks[-1]
    x = tokens + block.attn.proj(last_values(trunk, tokens))
    x = x + block.mlp(block.norm2(x))
    return F.normalize(clip.visual.head(trunk.norm(x[:, 1:])).float(), dim=-1)


def image_embeddings(clip: CLIP, tokens: Tensor) -> Tensor:
    """Embed whole pictures from ``penultimate_tokens``: unit vectors ``(B, 192)`` float32."""
    trunk = clip.visual.trunk
    return F.normalize(clip.visual.head(trunk.norm(trunk.blocks[-1](tokens)[:, 0])).float(), dim=-1)


def text_embeddings(clip: CLIP, ids: Tensor) -> Tensor:
    """Embed token ids ``(T, L)``, L at most the context length: unit vectors ``(T, 192)`` float32.

    The text tower is causal, so ids cut to the longest text give what the full context gives.
    """
    length = ids.shape[1]
    x = clip.token_embedding(ids) + clip.positional_embedding[:length]
    x = clip.transformer(x, attn_mask=clip.attn_mask[:length, :length])
    ends = clip.ln_final(x)[torch.arange(len(ids)), ids.argmax(-1)]  # the end token has the largest id
    return F.normalize((ends @ clip.text_projection).float(), dim=-1)


def patch_values(encoder: VisionTransformer, images: Tensor) -> Tensor:
    """Features of the patch encoder: unit vectors ``(B, patches, width)`` float32."""
    values = last_values(encoder, penultimate_tokens(encoder, images))
    return F.normalize(values[:, 1:].float(), dim=-1)


def _positions(trunk: VisionTransformer, rows: int, columns: int) -> Tensor:
    positions: Tensor = trunk.pos_embed
    first, grid = positions[:, :1], positions[:, 1:]
    side = int(grid.shape[1] ** 0.5)
    if (rows, columns) == (side, side):
        return positions
    grid = grid.reshape(1, side, side, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(rows, columns), mode="bicubic", align_corners=False)
    return torch.cat([first, grid.flatten(2).transpose(1, 2)], 1)
