"""What the image-text matching backbones have in common: a model, its tokenizer, the pixels it expects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
PROMPT = "A picture of"


class MatchingModel(ABC):
    """A model with the tokenizer of its vocabulary, WordPiece unless a backbone says otherwise.

    Args:
        model: in evaluation mode, float32 (half precision changes GradCAM by several per cent).
        tokenizer: of transformers.
        mean: taken off RGB in ``[0, 1]``.
        std: what RGB is divided by afterwards.
        digest: name of the weights; may key a cache.

    Raises:
        ValueError: the model is in training mode.

    Attributes:
        frame: token ids before the first class and after the last.
        patch_size: side of a square patch, in pixels.
        layers: layers with cross-attention.
        heads: heads of each.
        max_tokens: most tokens of a caption, special ones included.
    """

    frame: tuple[tuple[int, ...], tuple[int, ...]]
    patch_size: int
    layers: int
    heads: int
    max_tokens: int

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        mean: tuple[float, float, float] = OPENAI_MEAN,
        std: tuple[float, float, float] = OPENAI_STD,
        digest: str = "",
    ) -> None:
        if model.training:
            raise ValueError("the model is in training mode, so dropout is active; call model.eval() first")
        self.model = model
        self._tokenizer = tokenizer
        self.mean, self.std, self.digest = mean, std, digest
        self._read_sizes()

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        device: torch.device = next(self.model.parameters()).device
        return device

    def word_pieces(self, text: str) -> tuple[int, ...]:
        """Word pieces of a text; empty where nothing but unknown ones are found.

        Args:
            text: one class name or phrase.
        """
        pieces = self._ids(text)
        return () if all(piece == self._tokenizer.unk_token_id for piece in pieces) else pieces

    @abstractmethod
    def _read_sizes(self) -> None:
        """Set ``frame`` and the sizes, which every architecture keeps in places of its own."""

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])
