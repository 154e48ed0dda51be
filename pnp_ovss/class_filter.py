"""The published class filter: replies of a language model that saw the picture."""

from __future__ import annotations

import re
from collections.abc import Sequence

LEAST_PERCENT = 70  # a class counts above this
_BETWEEN_LISTS = re.compile(r"\]\s*,?\s*\[")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_IDENTIFIER = re.compile(r"[^\d:]*(\d+)\s*:")


def parse_reply(text: str, names: Sequence[str], ids: Sequence[int] | None = None) -> list[int]:
    """Read the classes out of a reply such as ``[3: cat, 7: tree], [90%, 65%]``.

    Classes with a probability strictly above 70 % count; a reply without a second list is certain of all. The
    first of ``names`` stands in where the reply is empty or nothing in it is sure enough.

    Args:
        text: the reply: a list of "id: name" and a list of percentages in the same order.
        names: the classes.
        ids: identifier of each class; 1, 2, 3, ... by default. Unknown ones in the reply are skipped.

    Returns:
        Indices of ``names``, each once, in the order of the reply, at least one.

    Raises:
        ValueError: there are no classes, or not one identifier each.
    """
    known = list(range(1, len(names) + 1)) if ids is None else list(ids)
    if not names or len(known) != len(names):
        raise ValueError(f"there must be one identifier a class, got {len(known)} for {len(names)} classes")
    identifiers, percentages = _two_lists(text)
    sure = [one for one, percent in zip(identifiers, percentages, strict=False) if percent > LEAST_PERCENT]
    indices = [known.index(one) for one in dict.fromkeys(sure) if one in known]
    return indices or [0]


def _two_lists(text: str) -> tuple[list[int], list[float]]:
    """Identifiers and percentages of a reply, in its order."""
    first, *rest = _BETWEEN_LISTS.split(text.strip().strip("[]"), maxsplit=1)
    identifiers = [int(found[1]) for item in first.split(",") if (found := _IDENTIFIER.match(item))]
    if not rest:
        return identifiers, [100.0] * len(identifiers)
    return identifiers, [_percent(item.rpartition(":")[2]) for item in rest[0].split(",")]


def _percent(text: str) -> float:
    found = _NUMBER.search(text)
    return float(found[0]) if found else 0.0
