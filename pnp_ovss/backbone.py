"""What PnP-OVSS asks of an image-text matching model: one small protocol, and captions with spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

Span = tuple[int, int]
"""First position and the one behind the last."""
ImageStates = tuple[Tensor, ...]
"""What an image tower hands to the cross-attention; its meaning is the backbone's own."""

_SHOWN = 60  # characters of a text that an error repeats


@runtime_checkable
class ITMBackbone(Protocol):
    """An image-text matching model with cross-attention from words to patches.

    Implementations hold no state of a request, hook nothing and may serve several threads at once.
    """

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        ...

    @property
    def digest(self) -> str:
        """Name of the weights and everything else that decides the maps; may key a cache."""
        ...

    @property
    def patch_size(self) -> int:
        """Side of a square patch, in pixels."""
        ...

    @property
    def layers(self) -> int:
        """Layers with cross-attention."""
        ...

    @property
    def heads(self) -> int:
        """Heads of each cross-attention."""
        ...

    @property
    def max_tokens(self) -> int:
        """Most tokens of a caption, special tokens included."""
        ...

    @property
    def mean(self) -> tuple[float, float, float]:
        """What is taken off RGB in ``[0, 1]``."""
        ...

    @property
    def std(self) -> tuple[float, float, float]:
        """What RGB is divided by afterwards."""
        ...

    @property
    def frame(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Token ids before the first class ("a picture of", special token first) and after the last."""
        ...

    def word_pieces(self, text: str) -> tuple[int, ...]:
        """Token ids of a text as it stands inside a caption.

        Args:
            text: one class name or phrase.

        Returns:
            Its ids; empty where the tokenizer knows nothing of it.
        """
        ...

    def encode(self, pixels: Tensor) -> ImageStates:
        """Run the image tower, without a graph.

        Args:
            pixels: normalised, float32, shape ``(B, 3, S, S)``; ``S`` a multiple of ``patch_size``.
        """
        ...

    def attention_and_logit(self, states: ImageStates, ids: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Match a picture with a caption.

        Args:
            states: of :meth:`encode`.
            ids: token ids, shape ``(B, T)``; no padding.
            layer: whose cross-attention is given, from 0.

        Returns:
            The probabilities of that layer, a leaf of the graph, shape ``(B, heads, T, 1 + P * P)``, the
            class token first; and the raw match logits that depend on them, shape ``(B,)``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption and where each of its texts stands.

    Attributes:
        ids: token ids, special tokens included.
        spans: positions of the word pieces of each text.
        first: index of its first text in the request.
    """

    ids: tuple[int, ...]
    spans: tuple[Span, ...]
    first: int

    @property
    def words(self) -> Span:
        """Positions from the first word piece of the first text to the last one of the last."""
        return self.spans[0][0], self.spans[-1][1]


def write_captions(backbone: ITMBackbone, texts: Sequence[str]) -> list[Caption]:
    """Write texts into as few captions as the model's positions allow, in order.

    Every text is cut into word pieces on its own and keeps its span, so texts of several words work with any
    tokenizer.

    Args:
        backbone: whose tokenizer and limits count.
        texts: at least one.

    Returns:
        Captions "a picture of TEXT TEXT ..."; one, unless the texts do not fit into one.

    Raises:
        ValueError: a text has no word piece that the model knows, or does not fit into a caption alone.
    """
    head, tail = backbone.frame
    room = backbone.max_tokens - len(head) - len(tail)
    groups: list[list[tuple[int, ...]]] = [[]]
    for text in texts:
        pieces = _checked_pieces(backbone, text, room)
        if sum(map(len, groups[-1])) + len(pieces) > room:
            groups.append([])
        groups[-1].append(pieces)
    captions: list[Caption] = []
    for group in groups:
        first = captions[-1].first + len(captions[-1].spans) if captions else 0
        captions.append(_write_caption(head, group, tail, first))
    return captions


def _checked_pieces(backbone: ITMBackbone, text: str, room: int) -> tuple[int, ...]:
    pieces = backbone.word_pieces(text)
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    if not pieces:
        raise ValueError(f"the model knows no part of the text {shown!r}; give it an English word")
    if len(pieces) > room:
        raise ValueError(f"the text {shown!r} has {len(pieces)} word pieces; at most {room} fit a caption")
    return pieces


def _write_caption(
    head: tuple[int, ...], group: list[tuple[int, ...]], tail: tuple[int, ...], first: int
) -> Caption:
    ids, spans = list(head), []
    for pieces in group:
        spans.append((len(ids), len(ids) + len(pieces)))
        ids += pieces
    return Caption((*ids, *tail), tuple(spans), first)
