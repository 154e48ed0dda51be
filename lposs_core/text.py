"""Text prototypes: the mean direction of a text in all templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from lposs_core.templates import fill


class TextEncoder(Protocol):
    """The half of a text-aligned encoder that is needed here."""

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Give one unit vector a text, shape ``(len(texts), d)``."""
        ...


def text_prototypes(encoder: TextEncoder, texts: Sequence[str], templates: Sequence[str]) -> Tensor:
    """Average each text over the templates: mean of unit vectors, normalised again.

    Every text is encoded in a batch of its own templates, so its prototype is the same to the last bit
    whichever texts stand beside it, and may be cached on its own.

    Args:
        encoder: gives unit vectors.
        texts: set into the templates verbatim: no lower-casing, no articles, blanks kept.
        templates: at least one, each with exactly one ``{}``.

    Returns:
        Unit vectors, float32, shape ``(len(texts), d)``.

    Raises:
        ValueError: no text, no template, or a template without its ``{}``.
    """
    if not texts or not templates:
        raise ValueError(
            f"prototypes need at least one text and one template, got {len(texts)} and {len(templates)}"
        )
    if isinstance(texts, str):
        raise TypeError(f"texts must be a list of texts, got the single text {texts!r}; put it in a list")
    return torch.stack([_prototype(encoder, text, templates) for text in texts])


def _prototype(encoder: TextEncoder, text: str, templates: Sequence[str]) -> Tensor:
    vectors = encoder.encode_texts([fill(template, text) for template in templates])
    return F.normalize(vectors.mean(dim=0), dim=0)
