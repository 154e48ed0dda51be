"""BridgeTower image-text matching (transformers) behind the backbone protocol."""

from __future__ import annotations

import torch
from torch import Tensor

from pnp_ovss.backbone import ImageStates
from pnp_ovss.gradcam import leaf_attention
from pnp_ovss.matching_model import PROMPT, MatchingModel


class BridgeTowerBackbone(MatchingModel):
    """``BridgeTowerForImageAndTextRetrieval`` read layer by layer, so that nothing is hooked or written to.

    The layers of both towers do not depend on the cross-modal ones, so the image tower runs once a picture
    and the captions share it. Words are byte pairs of RoBERTa, each encoded with the space before it.

    Its attention is eager, the only one transformers has for it; the tokenizer is ``RobertaTokenizer``.
    Arguments are those of ``MatchingModel``.
    """

    def _read_sizes(self) -> None:
        tokenizer, config = self._tokenizer, self.model.config
        self.frame = ((tokenizer.bos_token_id, *self._ids(PROMPT)), (tokenizer.eos_token_id,))
        self.patch_size = config.vision_config.patch_size
        self.layers = config.num_hidden_layers
        self.heads = config.text_config.num_attention_heads
        padding = config.text_config.pad_token_id + 1  # RoBERTa counts positions from behind the padding's
        self.max_tokens = config.text_config.max_position_embeddings - padding

    def word_pieces(self, text: str) -> tuple[int, ...]:
        """Byte pairs of a text with a space before it.

        Args:
            text: one class name or phrase.
        """
        words = " ".join(text.split())
        return self._ids(f" {words}") if words else ()

    @torch.inference_mode(False)
    @torch.no_grad()
    def encode(self, pixels: Tensor) -> ImageStates:
        """Run the image tower, without a graph.

        Args:
            pixels: normalised, float32, shape ``(B, 3, S, S)``.

        Returns:
            One tensor for each cross-modal layer: what it sees of the picture, shape ``(B, 1 + P * P, D)``.
        """
        tower = self.model.bridgetower
        visual = tower.vision_model.visual
        hidden = visual.forward_pre(pixels.to(self.device), interpolate_pos_encoding=True)
        states = []
        for block in visual.transformer.resblocks:
            hidden = block(hidden)
            states.append(hidden)
        return tuple(
            tower._apply_image_transform(visual.forward_post(hidden), index)
            + tower.token_type_embeddings.weight[1]
            for index, hidden in enumerate(states[-self.layers :])
        )

    def attention_and_logit(self, states: ImageStates, ids: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Match a picture with a caption; see :class:`pnp_ovss.ITMBackbone`.

        Args:
            states: of :meth:`encode`.
            ids: token ids, shape ``(B, T)``; no padding.
            layer: whose cross-attention is given, from 0.
        """
        tower = self.model.bridgetower
        with torch.no_grad():
            words = self._text_states(ids.to(self.device))
            text, image = words[0], states[0]
            for index in range(layer):
                text, image = self._linked(text, image, words, states, index)
                text, image = self._crossed(text, image, index)
            text, image = self._linked(text, image, words, states, layer)
            hidden, _ = tower.cross_modal_text_layers[layer].attention(text)
            image_after = tower.cross_modal_image_layers[layer](image, text)[0]
        cross = tower.cross_modal_text_layers[layer]
        attention, context = leaf_attention(cross.crossattention.self, hidden, image)
        text = cross.feed_forward_chunk(cross.crossattention.output(context, hidden))
        image = image_after
        for index in range(layer + 1, self.layers):
            text, image = self._linked(text, image, words, states, index)
            text, image = self._crossed(text, image, index)
        return attention, self.model.itm_score(tower.get_cls_features(text, image))[:, 1]

    def _text_states(self, ids: Tensor) -> ImageStates:
        """What each cross-modal layer sees of the caption."""
        tower = self.model.bridgetower
        hidden = tower.text_model.embeddings(input_ids=ids)
        states = []
        for layer in tower.text_model.encoder.layer:
            hidden = layer(hidden)
            states.append(hidden)
        return tuple(
            tower._apply_text_transform(hidden, index) + tower.token_type_embeddings.weight[0]
            for index, hidden in enumerate(states[-self.layers :])
        )

    def _linked(
        self, text: Tensor, image: Tensor, words: ImageStates, states: ImageStates, index: int
    ) -> tuple[Tensor, Tensor]:
        """Inputs of one cross-modal layer: the towers' states, joined with the layer before."""
        tower = self.model.bridgetower
        if index == 0:
            return tower.cross_modal_text_layernorm(words[0]), tower.cross_modal_image_layernorm(states[0])
        link_text = tower.cross_modal_text_link_tower[index - 1]
        link_image = tower.cross_modal_image_link_tower[index - 1]
        return link_text(words[index], text, None), link_image(states[index], image, None)

    def _crossed(self, text: Tensor, image: Tensor, index: int) -> tuple[Tensor, Tensor]:
        """One cross-modal layer on both streams."""
        tower = self.model.bridgetower
        after = tower.cross_modal_text_layers[index](text, image)[0]
        return after, tower.cross_modal_image_layers[index](image, text)[0]
