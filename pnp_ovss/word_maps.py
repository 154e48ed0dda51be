"""From maps of word pieces to maps of classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pnp_ovss.backbone import Span
from pnp_ovss.config import PnPOVSSConfig

Maps = NDArray[np.float32]
_CONTINUES = "##"  # how WordPiece marks a piece that goes on with a word
_BEFORE_WORDS = 4  # "[CLS] a picture of"
_ENDS = ("[SEP]", "[PAD]")


def average_spans(maps: Maps, spans: Sequence[Span], config: PnPOVSSConfig) -> Maps:
    """Average the maps of each text's word pieces.

    Args:
        maps: of word pieces, shape ``(rows, P, P)``.
        spans: rows of each text.
        config: with ``quirks`` the last text is summed and not averaged, as in the published code.

    Returns:
        One map a text, shape ``(len(spans), P, P)``.
    """
    texts = np.stack([maps[start:stop].mean(0) for start, stop in spans])
    if config.quirks:
        start, stop = spans[-1]
        texts[-1] = maps[start:stop].sum(0)
    return texts


def join_texts(maps: Maps, counts: Sequence[int]) -> Maps:
    """Give each class the largest value of its texts at every patch.

    Args:
        maps: of texts, those of a class in a row, shape ``(texts, P, P)``.
        counts: texts of each class, at least one.

    Returns:
        One map a class, shape ``(len(counts), P, P)``.
    """
    edges = pairwise(np.cumsum([0, *counts]))
    return np.stack([maps[start:stop].max(0) for start, stop in edges])


def class_maps(merged: NDArray[np.floating], tokens: Sequence[str], config: PnPOVSSConfig) -> Maps:
    """Read class maps out of a caption of one-word classes, by the marks of WordPiece.

    Args:
        merged: maps of every token but the first, shape ``(T - 1, P, P)``; rows of padding may follow.
        tokens: the caption "a picture of WORD WORD ..." with ``[CLS]`` and ``[SEP]``.
        config: with ``quirks`` the last word is summed and not averaged.

    Returns:
        One map a word, in the order of the caption, shape ``(C, P, P)``.

    Raises:
        ValueError: there is no class word, or there are fewer maps than tokens.
    """
    values = np.asarray(merged, dtype=np.float32)
    if len(values) < len(tokens) - 1:
        raise ValueError(f"{len(tokens)} tokens need {len(tokens) - 1} maps, got {len(values)}")
    spans = word_spans(tokens)
    return average_spans(values, [(start - 1, stop - 1) for start, stop in spans], config)


def word_spans(tokens: Sequence[str]) -> list[Span]:
    """Positions of the class words of a caption.

    Args:
        tokens: word pieces with ``[CLS]`` and ``[SEP]``.

    Raises:
        ValueError: no word follows "a picture of".
    """
    end = next((place for place, token in enumerate(tokens) if token in _ENDS), len(tokens))
    starts = [place for place in range(_BEFORE_WORDS, end) if not tokens[place].startswith(_CONTINUES)]
    if not starts:
        raise ValueError(f"no class word follows 'a picture of' in {' '.join(tokens)!r}")
    return list(pairwise([*starts, end]))
