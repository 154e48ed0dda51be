"""Salience DropOut: look again without the patches that were looked at most, and add up what is seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pnp_ovss.backbone import Span
from pnp_ovss.config import PnPOVSSConfig

Maps = NDArray[np.float32]
Mask = NDArray[np.bool_]
_PROMPT_ROWS = 3  # "a", "picture", "of"


def contribution(maps: Maps, dropped: Mask) -> Maps:
    """What a round adds: its maps, 0 where patches were missing.

    Args:
        maps: shape ``(..., P, P)``.
        dropped: missing patches, shape ``(P, P)``.
    """
    return np.where(dropped, np.float32(0), maps)


def drop_more(maps: Maps, dropped: Mask, turn: int, config: PnPOVSSConfig) -> Mask:
    """Add the most salient patches of a round to the dropped ones.

    Salience is the sum of the maps over the word pieces of all classes. ``top_k`` adds ``drop_count``
    patches, ``halve`` half of what remains. Only present patches of positive salience are taken, equal ones
    in reading order (the published code may take others, see docs/pnp_ovss.md).

    Args:
        maps: of the word pieces of the classes, shape ``(rows, P, P)``.
        dropped: missing patches, shape ``(P, P)``; left as it is.
        turn: number of the round, from 0.
        config: ``drop_rule``, ``drop_count``, ``quirks``.

    Returns:
        Missing patches of the next round, shape ``(P, P)``.
    """
    salience = np.where(dropped, np.float32(0), maps.sum(0)).ravel()
    count = config.drop_count if config.drop_rule == "top_k" else salience.size >> (turn + 1)
    if config.quirks:
        chosen = np.argsort(salience)[max(0, salience.size - count) :]
    else:
        chosen = np.argsort(-salience, kind="stable")[:count]
        chosen = chosen[salience[chosen] > 0]
    more = dropped.copy().ravel()
    more[chosen] = True
    return more.reshape(dropped.shape)


def add_up(contributions: Sequence[Maps]) -> Maps:
    """Merge the rounds; the first counts twice where there are several, as in the published code.

    Args:
        contributions: of each round, shape ``(..., P, P)``.
    """
    merged = contributions[0]
    if len(contributions) > 1:
        for part in contributions:
            merged = merged + part
    return merged


def merge_rounds(
    rounds: NDArray[np.floating],
    config: PnPOVSSConfig,
    *,
    words: Sequence[Span] | None = None,
) -> tuple[Maps, Mask]:
    """Merge finished rounds of token maps, choosing the dropped patches on the way.

    Args:
        rounds: maps of every token but the first, shape ``(R, B, T - 1, P, P)``.
        config: settings of the dropout.
        words: for each picture the rows of its class words. Without it rows 3 to the last but one count,
            which in a padded batch takes the ``[SEP]`` row of a shorter caption for a word.

    Returns:
        Merged maps, shape ``(B, T - 1, P, P)``, and the patches missing before each round, shape
        ``(R, B, P, P)``.

    Raises:
        ValueError: the rounds have another number of axes, or the grid is not square.
    """
    values = np.asarray(rounds, dtype=np.float32)
    if values.ndim != 5 or values.shape[-1] != values.shape[-2] or 0 in values.shape:
        raise ValueError(f"rounds must have shape (R, B, T - 1, P, P), got {values.shape}")
    spans = words or [(_PROMPT_ROWS, values.shape[2] - 1)] * values.shape[1]
    merged, missing = zip(
        *(_merge_one(values[:, index], span, config) for index, span in enumerate(spans)), strict=True
    )
    return np.stack(merged), np.stack(missing, axis=1)


def _merge_one(rounds: Maps, words: Span, config: PnPOVSSConfig) -> tuple[Maps, Mask]:
    """Merge the rounds of one picture, shape ``(R, T - 1, P, P)``."""
    dropped = np.zeros(rounds.shape[-2:], dtype=np.bool_)
    contributions, missing = [], []
    for turn, maps in enumerate(rounds):
        missing.append(dropped)
        contributions.append(contribution(maps, dropped))
        dropped = drop_more(maps[slice(*words)], dropped, turn, config)
    return add_up(contributions), np.stack(missing)
