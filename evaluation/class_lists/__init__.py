"""Classes of the data sets that PnP-OVSS was published on: numbers and names, one a line.

COCO's numbers have gaps, as its categories have; the other lists count from 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

CLASS_LISTS: Final = ("voc", "psc", "ade20k", "coco_object", "coco_stuff")


def load_class_list(data_type: str) -> dict[int, str]:
    """Names by number, in order.

    Args:
        data_type: one of :data:`CLASS_LISTS`.

    Raises:
        ValueError: there is no such list.
    """
    if data_type not in CLASS_LISTS:
        raise ValueError(f"there is no class list {data_type!r}; choose one of {', '.join(CLASS_LISTS)}")
    text = (Path(__file__).parent / f"{data_type}.txt").read_text(encoding="utf-8")
    rows = (line.partition(" ") for line in text.splitlines())
    return {int(number): name for number, _, name in rows}
