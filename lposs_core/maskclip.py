"""MaskCLIP: dense image features and text vectors of an open_clip model, without training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lposs_core.checkpoint import digest_state
from lposs_core.image_tower import ImageTower, read_native_tower, read_timm_tower, refuse_attention_pool
from lposs_core.text_tower import read_text_tower
from lposs_core.tower import Precision, dtype_of, refuse
from lposs_core.tower_encoder import TowerEncoder

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)

_TEXTS_AT_ONCE = 256
_PROBES = ("a photo of a window, 1920s.", "Трещина в штукатурке", "façade à pans de bois", "墙面剥落")


class Tokenizer(Protocol):
    """What open_clip's tokenizers do."""

    def __call__(self, texts: list[str], context_length: int | None = None) -> Tensor:
        """Give token ids, padded or cut to ``context_length``, shape ``(len(texts), context_length)``."""
        ...


class OpenCLIPEncoder(TowerEncoder):
    """Dense features in the text space of an open_clip model.

    The last block's attention is left out: a patch keeps its own value vector, ``t = x + out(v(norm(x)))``,
    ``t = t + mlp(norm(t))``, then the final norm and the projection. A tower that pools by attention (SigLIP)
    runs all blocks, and its pool is passed by values alone. Works for open_clip's own vision transformer and
    for a timm ``VisionTransformer`` as trunk, plain or with a convolutional stem.

    Args:
        model: ``CLIP`` or ``CustomTextCLIP``; read at construction, never changed. In ``"fp32"`` its weights
            are shared, not copied, so they must stay as they are.
        tokenizer: the one that belongs to the model.
        mean: of the pixels, one a channel.
        std: of the pixels, one a channel.
        precision: ``"fp32"``, or ``"bf16"`` for weights rounded once to bfloat16.
        digest: name of the image weights where the caller has one (the SHA-256 of their file); None hashes
            them. The text weights are always hashed, so checkpoints with one text tower share text vectors.
        branches: see :class:`lposs_core.tower_encoder.TowerEncoder`.

    Raises:
        UnsupportedModel: a part of the network is not understood; the message names it.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Tokenizer,
        *,
        mean: Sequence[float] = OPENAI_MEAN,
        std: Sequence[float] = OPENAI_STD,
        precision: Precision = "fp32",
        digest: str | None = None,
        branches: Iterable[int] = (),
    ) -> None:
        tower = read_visual(model, mean=mean, std=std, precision=precision)
        self._text = read_text_tower(model, dtype_of(precision))
        self._tokenizer = tokenizer
        self._context_length = _context_length(model, tokenizer)
        weights = digest or digest_state(model.visual.state_dict())
        settings = (tuple(mean), tuple(std), tower.heads, precision)
        name = digest_state({}, "maskclip", weights, repr(model.visual), str(settings))
        super().__init__(tower, name, branches)
        self._text_digest = _text_digest(model, tokenizer, precision, self._context_length)

    @property
    def text_digest(self) -> str:
        """Name of the text weights, the tokenizer and the precision."""
        return self._text_digest

    @property
    def context_length(self) -> int:
        """Most tokens a text may have, start and end token included."""
        return self._context_length

    def finish(self, tokens: Tensor, grid: tuple[int, int], start: int = 0) -> Tensor:
        """Finish tokens that enter the block ``start``: shape ``(n, gh, gw, d)``."""
        return self.dense_head(self._tower.run(tokens, start, -1), grid)

    def dense_head(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """Finish the tokens that enter the last block.

        Args:
            tokens: output of the block before the last, shape ``(n, p + gh * gw, width)``.
            grid: patches down and across.

        Returns:
            Unit vectors, float32, shape ``(n, gh, gw, d)``.
        """
        return dense_features(self._tower, tokens, grid)

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Encode texts; see :meth:`lposs_core.encoders.TextAlignedEncoder.encode_texts`."""
        if isinstance(texts, str) or not texts:
            raise ValueError(f"texts must be a list with at least one text, got {texts!r}")
        parts = [texts[start : start + _TEXTS_AT_ONCE] for start in range(0, len(texts), _TEXTS_AT_ONCE)]
        return torch.cat([F.normalize(self._text(self.token_ids(part)), dim=-1) for part in parts])

    def token_ids(self, texts: Sequence[str]) -> Tensor:
        """Tokenise texts, cut to the context; int64 of shape ``(len(texts), context_length)``."""
        ids = self._tokenizer(list(texts), context_length=self._context_length)
        return ids.to(self.device)

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a text before any cut, start and end token included."""
        encode = getattr(self._tokenizer, "encode", None)
        if encode is not None:
            return len(encode(text)) + 2
        inner = getattr(self._tokenizer, "tokenizer", None)
        if inner is None:
            return int((self.token_ids([text]) != 0).sum())
        return len(inner(getattr(self._tokenizer, "clean_fn", str)(text))["input_ids"])


def dense_features(tower: ImageTower, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """Finish the tokens ``(n, p + gh * gw, width)`` that enter a tower's last block: ``(n, gh, gw, d)``."""
    last = tower.blocks[-1]
    if tower.pools_by_attention:
        finished = tower.patch_tokens(last(tokens), grid)
    else:
        finished = last.value_path(tower.patch_tokens(tokens, grid))  # it mixes no tokens: the prefix can go
    return F.normalize(tower.head(finished).float(), dim=-1)


def read_visual(
    model: Any, *, mean: Sequence[float], std: Sequence[float], precision: Precision
) -> ImageTower:
    """Describe the image tower of an open_clip model.

    Raises:
        UnsupportedModel: it is no plain vision transformer; the message names the part.
    """
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer

    visual = model.visual
    dtype = dtype_of(precision)
    if type(visual) is VisionTransformer:
        return read_native_tower(visual, mean=mean, std=std, dtype=dtype)
    if type(visual) is not TimmModel:
        raise refuse("visual", visual, "a vision transformer of open_clip or timm")
    if hasattr(visual.head, "pool"):
        raise refuse_attention_pool("visual.head.pool")
    return read_timm_tower(
        visual.trunk, where="visual.trunk", mean=mean, std=std, dtype=dtype, projection=visual.head
    )


def _context_length(model: Any, tokenizer: Tokenizer) -> int:
    """Tokens a text may have: the tower's positions, or fewer where its tokenizer was set to fewer."""
    wanted = getattr(tokenizer, "context_length", None)
    return min(int(model.context_length), int(wanted or model.context_length))


def _text_digest(model: nn.Module, tokenizer: Tokenizer, precision: str, context_length: int) -> str:
    image_parts = ("visual.", "logit_scale", "logit_bias")
    weights = {key: value for key, value in model.state_dict().items() if not key.startswith(image_parts)}
    ids = tokenizer(list(_PROBES), context_length=context_length)
    vocabulary = "\0".join(getattr(tokenizer, "encoder", ()))  # in the order of the ids
    kind = type(tokenizer).__qualname__
    return digest_state(weights, "text", kind, vocabulary, str(ids.tolist()), precision)
