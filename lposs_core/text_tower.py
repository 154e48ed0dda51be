"""Text towers as plain tensors: token ids in, one vector a text out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lposs_core.tower import (
    Block,
    Linear,
    Norm,
    own,
    own_optional,
    read_block,
    read_norm,
    run_blocks,
)


@dataclass(frozen=True, slots=True, eq=False)
class TextTower:
    """A text transformer of open_clip.

    A causal tower lets a token see earlier ones only, so everything behind the last end token of the batch
    can be left out without changing the answer; 80 templates of a short name shrink from 77 tokens to 15.

    Attributes:
        tokens: embedding table, shape ``(vocabulary, width)``.
        positions: shape ``(context, width)``.
        blocks: the residual blocks.
        final_norm: normalisation behind the last block.
        projection: into the shared space, or None.
        causal: whether a token sees only itself and earlier ones.
        pool: which token is the text's: ``"argmax"`` (highest id), ``"eos"``, ``"first"`` or ``"last"``.
        eos: id of the end token, for ``"eos"``.
    """

    tokens: Tensor
    positions: Tensor
    blocks: tuple[Block, ...]
    final_norm: Norm
    projection: Linear | None
    causal: bool
    pool: str
    eos: int

    def __call__(self, ids: Tensor) -> Tensor:
        """Encode token ids of shape ``(T, context)``; gives float32 of shape ``(T, d)``, not normalised."""
        if int(ids.max()) >= len(self.tokens):
            raise ValueError(
                f"token id {int(ids.max())} is outside the {len(self.tokens)} tokens of this text tower. "
                "Pass the tokenizer that belongs to the model."
            )
        place = self._place(ids)
        length = int(place.max()) + 1 if self._may_cut else ids.shape[1]
        x = self.tokens[ids[:, :length]] + self.positions[:length]
        x = run_blocks(self.blocks, x, causal=self.causal)
        pooled = self.final_norm(x[torch.arange(len(x), device=x.device), place])
        return (pooled if self.projection is None else self.projection(pooled)).float()

    @property
    def _may_cut(self) -> bool:
        return self.causal and self.pool in ("argmax", "eos")

    def _place(self, ids: Tensor) -> Tensor:
        if self.pool == "argmax":
            return ids.argmax(dim=-1)
        if self.pool == "eos":
            return (ids == self.eos).int().argmax(dim=-1)
        return torch.full_like(ids[:, 0], 0 if self.pool == "first" else ids.shape[1] - 1)


@dataclass(frozen=True, slots=True, eq=False)
class StockTextTower:
    """A text tower that is not described here (XLM-R and other Hugging Face towers): its own forward."""

    model: nn.Module

    def __call__(self, ids: Tensor) -> Tensor:
        """Encode token ids of shape ``(T, context)``; gives float32 of shape ``(T, d)``, not normalised.

        Raises:
            ValueError: the model is in training mode, where dropout would make the answer random.
        """
        if self.model.training:
            raise ValueError("the text tower must be in evaluation mode; call model.eval() first")
        vectors: Tensor = self.model.encode_text(ids)  # type: ignore[operator]
        return vectors.float()


def read_text_tower(model: Any, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    """Describe the text tower of an open_clip model, or fall back to the model's own ``encode_text``.

    Args:
        model: ``CLIP`` or ``CustomTextCLIP``; it is read, never changed.
        dtype: of the weights; a tower that falls back keeps its own.
    """
    import open_clip
    from open_clip.transformer import TextTransformer

    if isinstance(model, open_clip.CLIP):
        return _read_transformer(model, model.text_pool_type, model.text_eos_id, dtype)
    text: Any = getattr(model, "text", None)
    if isinstance(model, open_clip.CustomTextCLIP) and type(text) is TextTransformer and _is_plain(text):
        return _read_transformer(text, text.pool_type, text.eos_id, dtype)
    return StockTextTower(model)


def _is_plain(text: Any) -> bool:
    return text.cls_emb is None and not text.use_pad_mask and text.pool_type != "none"


def _read_transformer(source: Any, pool: str, eos: int, dtype: torch.dtype) -> TextTower:
    blocks = source.transformer.resblocks
    where = "transformer.resblocks"
    return TextTower(
        tokens=own(source.token_embedding.weight, dtype),
        positions=own(source.positional_embedding, dtype),
        blocks=tuple(read_block(block, f"{where}.{index}", dtype) for index, block in enumerate(blocks)),
        final_norm=read_norm(source.ln_final, "ln_final", dtype),
        projection=_read_projection(source.text_projection, dtype),
        causal=source.attn_mask is not None,
        pool=pool,
        eos=eos,
    )


def _read_projection(projection: nn.Linear | Tensor | None, dtype: torch.dtype) -> Linear | None:
    if projection is None:
        return None
    if isinstance(projection, nn.Linear):
        return Linear(own(projection.weight, dtype), own_optional(projection.bias, dtype))
    return Linear(own(projection, dtype).T.contiguous())
