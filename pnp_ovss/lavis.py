"""LAVIS' own BLIP behind the backbone protocol: the code that PnP-OVSS was published on.

An optional back end with an environment of its own (``requirements-lavis.txt``): it needs releases that the
rest of the project has left behind. Its numbers are those of ``BlipBackbone`` on the same weights.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pnp_ovss.backbone import ImageStates
from pnp_ovss.lavis_keys import LavisMismatch, LavisReport, convert_lavis_state
from pnp_ovss.matching_model import PROMPT, MatchingModel

_BUFFER = "text_encoder.embeddings.position_ids"


@dataclass(frozen=True, slots=True)
class LavisSizes:
    """Sizes of the network; by default those of BLIP large at the published picture size."""

    image_side: int = 336  # pixels
    patch: int = 16  # pixels
    vision_width: int = 1024
    vision_depth: int = 24
    vision_heads: int = 16
    text_width: int = 768
    text_inner: int = 3072
    text_layers: int = 12
    text_heads: int = 12
    positions: int = 512
    vocabulary: int = 30524
    embedding: int = 256


class LavisBackbone(MatchingModel):
    """``BlipITM`` of salesforce-lavis; see :class:`pnp_ovss.ITMBackbone`.

    LAVIS keeps attention maps in its modules, so requests take turns. The arguments are those of
    ``MatchingModel``.
    """

    def __init__(self, model: Any, tokenizer: Any, **options: Any) -> None:
        super().__init__(model, tokenizer, **options)
        self._turn = threading.Lock()

    def _read_sizes(self) -> None:
        text, embed = self.model.text_encoder.config, self.model.visual_encoder.patch_embed
        self.frame = ((text.vocab_size - 1, *self.word_pieces(PROMPT)), (self._tokenizer.sep_token_id,))
        self.patch_size = embed.patch_size[0]
        self.image_side: int = embed.img_size[0]
        self.layers = text.num_hidden_layers
        self.heads = text.num_attention_heads
        self.max_tokens = text.max_position_embeddings

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> ImageStates:
        """Run the image tower, without a graph.

        Args:
            pixels: normalised, float32, shape ``(B, 3, S, S)``; ``S`` is the side the model was built for.

        Raises:
            ValueError: another side.
        """
        if tuple(pixels.shape[-2:]) != (self.image_side, self.image_side):
            raise ValueError(
                f"LAVIS resizes positions when it loads: this model takes {self.image_side} px a side, "
                f"got {tuple(pixels.shape[-2:])}. Build it for that side."
            )
        return (self.model.visual_encoder.forward_features(pixels.to(self.device)),)

    def attention_and_logit(self, states: ImageStates, ids: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Match a picture with a caption through LAVIS' text encoder.

        Args:
            states: of :meth:`encode`.
            ids: token ids, shape ``(B, T)``; no padding.
            layer: whose cross-attention is given, from 0.

        Returns:
            The probabilities of that layer, shape ``(B, heads, T, 1 + P * P)``, and the raw match logits,
            shape ``(B,)``.
        """
        image = states[0].detach().requires_grad_()  # so that the graph reaches back to the attention
        ids = ids.to(self.device)
        cross = self.model.text_encoder.encoder.layer[layer].crossattention.self
        with self._turn, _recorded(cross), torch.enable_grad():
            output = self.model.text_encoder(
                ids,
                attention_mask=torch.ones_like(ids),
                encoder_hidden_states=image,
                encoder_attention_mask=torch.ones(image.shape[:2], dtype=torch.long, device=self.device),
                return_dict=True,
            )
            attention = cross.get_attention_map()
        return attention, self.model.itm_head(output.last_hidden_state[:, 0])[:, 1]


@contextmanager
def _recorded(cross: Any) -> Iterator[None]:
    """Let an attention of LAVIS keep its probabilities for the time of the ``with`` block."""
    cross.save_attention = True
    try:
        yield
    finally:
        cross.save_attention = False
        cross.attention_map = None


def build_lavis(tokenizer: Any, sizes: LavisSizes = LavisSizes()) -> Any:
    """Build LAVIS' ``BlipITM`` from its own modules, with random weights; nothing is downloaded.

    Args:
        tokenizer: what the model would otherwise fetch.
        sizes: of the network.

    Returns:
        The model, frozen, in evaluation mode.

    Raises:
        ImportError: salesforce-lavis is not in this environment.
    """
    from lavis.models.blip_models.blip_image_text_matching import BlipITM
    from lavis.models.med import XBertEncoder
    from lavis.models.vit import VisionTransformerEncoder

    vision = VisionTransformerEncoder(
        img_size=sizes.image_side,
        patch_size=sizes.patch,
        embed_dim=sizes.vision_width,
        depth=sizes.vision_depth,
        num_heads=sizes.vision_heads,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
    )
    vision.vision_width = sizes.vision_width
    offline = type("OfflineITM", (BlipITM,), {"init_tokenizer": classmethod(lambda cls: tokenizer)})
    text = XBertEncoder(config=_text_config(sizes), add_pooling_layer=False)
    return offline(vision, text, embed_dim=sizes.embedding).eval().requires_grad_(False)


def _text_config(sizes: LavisSizes) -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.text_width,
        num_hidden_layers=sizes.text_layers,
        num_attention_heads=sizes.text_heads,
        intermediate_size=sizes.text_inner,
        max_position_embeddings=sizes.positions,
        add_type_embeddings=False,
        encoder_width=sizes.vision_width,
        add_cross_attention=True,
    )


def load_lavis(state: Mapping[str, Any], tokenizer: Any, sizes: LavisSizes = LavisSizes()) -> LavisBackbone:
    """Put a LAVIS checkpoint into LAVIS' own model; positions are resized as LAVIS does when it loads.

    Args:
        state: tensors by LAVIS key, or a checkpoint that has them under ``"model"``
            (:func:`pnp_ovss.read_lavis_file`).
        tokenizer: the WordPiece tokenizer of its vocabulary.
        sizes: of the network.

    Raises:
        LavisMismatch: a key is unknown or missing.
        ImportError: salesforce-lavis is not in this environment.
    """
    from lavis.models.vit import interpolate_pos_embed

    weights = state.get("model", state)
    _, report = convert_lavis_state(weights)
    model = build_lavis(tokenizer, sizes)
    chosen = {key: weights[key] for key in report.renamed}
    positions = "visual_encoder.pos_embed"
    chosen[positions] = interpolate_pos_embed(chosen[positions], model.visual_encoder)
    missing = tuple(model.load_state_dict(chosen, strict=False).missing_keys)
    if lacking := tuple(key for key in missing if key != _BUFFER):
        found = LavisReport(report.renamed, report.dropped, missing=lacking)
        raise LavisMismatch(f"the checkpoint lacks {len(lacking)} keys (first: {lacking[0]})", found)
    return LavisBackbone(model, tokenizer)
