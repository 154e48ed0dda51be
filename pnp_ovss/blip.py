"""BLIP image-text matching (transformers) behind the backbone protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pnp_ovss.backbone import ImageStates
from pnp_ovss.gradcam import leaf_attention
from pnp_ovss.matching_model import PROMPT, MatchingModel


class BlipBackbone(MatchingModel):
    """``BlipForImageTextRetrieval`` read layer by layer, so that nothing is hooked or written to.

    Token 0 is ``[ENC]``, the last row of the word table, as in LAVIS; transformers alone keeps ``[CLS]``.
    Positions of the image tower are resized as a value for pictures of another side than the model's.

    The tokenizer is a WordPiece one such as ``BertTokenizer``; arguments are those of ``MatchingModel``.
    """

    def _read_sizes(self) -> None:
        text = self.model.config.text_config
        begin, end = text.vocab_size - 1, self._tokenizer.sep_token_id
        self.frame = ((begin, *self._ids(PROMPT)), (end,))
        self.patch_size = self.model.config.vision_config.patch_size
        self.layers = text.num_hidden_layers
        self.heads = text.num_attention_heads
        self.max_tokens = text.max_position_embeddings

    @torch.inference_mode(False)
    @torch.no_grad()
    def encode(self, pixels: Tensor) -> ImageStates:
        """Run the image tower, without a graph.

        Args:
            pixels: normalised, float32, shape ``(B, 3, S, S)``.

        Returns:
            One tensor: class token and patches, shape ``(B, 1 + P * P, D)``.
        """
        tokens = self.model.vision_model(pixels.to(self.device), interpolate_pos_encoding=True)
        return (tokens.last_hidden_state,)

    def attention_and_logit(self, states: ImageStates, ids: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Match a picture with a caption; see :class:`pnp_ovss.ITMBackbone`.

        Args:
            states: of :meth:`encode`.
            ids: token ids, shape ``(B, T)``; no padding.
            layer: whose cross-attention is given, from 0.
        """
        (image,) = states
        blocks = self.model.text_encoder.encoder.layer
        with torch.no_grad():
            hidden = self.model.text_encoder.embeddings(input_ids=ids.to(self.device))
            for block in blocks[:layer]:
                hidden = block(hidden, encoder_hidden_states=image)
            hidden, _ = blocks[layer].attention(hidden)
        cross = blocks[layer].crossattention
        attention, context = leaf_attention(cross.self, hidden, image)
        hidden = blocks[layer].feed_forward_chunk(cross.output(context, hidden))
        for block in blocks[layer + 1 :]:
            hidden = block(hidden, encoder_hidden_states=image)
        return attention, self.model.itm_head(hidden[:, 0])[:, 1]


def blip_config(config: Any) -> Any:
    """Correct a hub configuration of BLIP: 12 text heads and a vision epsilon of 1e-6, as it was trained.

    Args:
        config: a ``BlipConfig``; left as it is.

    Returns:
        A corrected copy.
    """
    values = config.to_dict()
    values["text_config"]["num_attention_heads"] = 12
    values["vision_config"]["layer_norm_eps"] = 1e-6
    return type(config).from_dict(values)


def load_blip(name: str | Path, *, device: str | torch.device = "cpu", **options: Any) -> BlipBackbone:
    """Load BLIP image-text matching from the hub or a folder in its format.

    Args:
        name: hub name such as ``Salesforce/blip-itm-large-flickr``, or a folder.
        device: where the weights go.
        **options: for ``from_pretrained``, such as ``revision`` or ``local_files_only``.

    Returns:
        The backbone, frozen, in float32.

    Raises:
        OSError: the files are neither on this machine nor to be fetched.
    """
    from transformers import BertTokenizer, BlipConfig, BlipForImageTextRetrieval

    config = blip_config(BlipConfig.from_pretrained(name, **options))
    model = BlipForImageTextRetrieval.from_pretrained(
        name, config=config, dtype=torch.float32, use_safetensors=True, **options
    )
    tokenizer = BertTokenizer.from_pretrained(name, **options)
    return BlipBackbone(model.eval().requires_grad_(False).to(device), tokenizer, digest=str(name))
