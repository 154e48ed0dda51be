"""The list of what a search has tried: a CSV file that grows by one line a trial."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from .pnp_options import OptionError

COLUMNS: Final = ("layer", "head", "threshold", "reward")
Trial = tuple[int, int, float]
"""Layer and head, both counted from 0, and threshold."""


def read_trials(file: Path) -> dict[Trial, int]:
    """Trials of an earlier run; a line that was cut off is left out.

    Raises:
        OptionError: the file is none of this command's.
    """
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as content:
        rows = list(csv.reader(content))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise OptionError(f"{file} is no list of trials. Move it away, or choose another --out.")
    whole = [row for row in rows[1:] if len(row) == len(COLUMNS)]
    return {(int(row[0]), int(row[1]), float(row[2])): int(row[3]) for row in whole}


def append_trial(file: Path, trial: Trial, reward: int) -> None:
    """Write one trial at the end of the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = not file.exists()
    with file.open("a", encoding="utf-8", newline="") as content:
        writer = csv.writer(content)
        if new:
            writer.writerow(COLUMNS)
        writer.writerow((*trial, reward))
