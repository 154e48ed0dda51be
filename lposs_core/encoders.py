"""What the segmenters ask of a network: two small protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class PatchEncoder(Protocol):
    """Gives every patch of a crop one unit vector.

    Attributes:
        patch_size: side of a square patch in pixels.
        device: where the weights live; crops may come from any device.
        image_digest: hexadecimal name of the weights and settings that decide the features. Two encoders
            with one digest give the same features, so it may key a cache.
    """

    @property
    def patch_size(self) -> int:
        """Side of a square patch in pixels."""
        ...

    @property
    def device(self) -> torch.device:
        """Device of the weights and of the answers."""
        ...

    @property
    def image_digest(self) -> str:
        """Name of everything that decides the patch features."""
        ...

    def encode_patches(self, crops: Tensor) -> Tensor:
        """Encode a batch of crops.

        Args:
            crops: RGB in ``[0, 1]``, float32, shape ``(n, 3, h, w)``; ``h`` and ``w`` in pixels, multiples of
                ``patch_size``.

        Returns:
            Unit vectors, float32, shape ``(n, h / patch_size, w / patch_size, d)``.
        """
        ...


@runtime_checkable
class TextAlignedEncoder(PatchEncoder, Protocol):
    """A patch encoder whose vectors can be compared with texts by cosine.

    Attributes:
        text_digest: hexadecimal name of the text tower, its tokenizer and precision.
        context_length: most tokens a text may have, start and end token included.
    """

    @property
    def text_digest(self) -> str:
        """Name of everything that decides the text vectors."""
        ...

    @property
    def context_length(self) -> int:
        """Most tokens a text may have, start and end token included."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Encode texts; one longer than ``context_length`` is cut by the tokenizer.

        Args:
            texts: at least one text.

        Returns:
            Unit vectors, float32, shape ``(len(texts), d)``.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a text before any cut, start and end token included."""
        ...
