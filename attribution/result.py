"""The result of every method: a heat map with the figures that say whether to trust it."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Heatmap = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """How much each pixel speaks for a score (positive) or against it (negative).

    Attributes:
        heatmap: raw signed values, float32, shape ``(H, W)``, read-only copy of what was given.
        method: ``"grad_cam"``, ``"class_logit_map"``, ``"integrated_gradients"`` or what a caller names.
        score: the score explained.
        baseline_score: score of the baseline, where the method has one.
        gap: completeness gap ``|sum(heatmap) - (score - baseline_score)|``, where it applies.
        steps: points on the path, where the method has one.
        flagged: the gap stayed above the tolerance.
        degenerate: the gradient holds no information, the map is that of the class logits.
    """

    heatmap: Heatmap
    method: str
    score: float
    baseline_score: float | None = None
    gap: float | None = None
    steps: int | None = None
    flagged: bool = False
    degenerate: bool = False

    def __post_init__(self) -> None:
        frozen = np.array(self.heatmap, dtype=np.float32)
        if frozen.ndim != 2 or 0 in frozen.shape:
            raise ValueError(f"heatmap must have shape (H, W) with H, W >= 1, got {frozen.shape}")
        if not np.isfinite(frozen).all():
            raise ValueError(f"heatmap must be finite, got {int((~np.isfinite(frozen)).sum())} other values")
        frozen.flags.writeable = False
        object.__setattr__(self, "heatmap", frozen)

    @property
    def relative_gap(self) -> float | None:
        """``gap / |score - baseline_score|``: 0 where both are 0, None where there is no gap."""
        if self.gap is None or self.baseline_score is None:
            return None
        difference = abs(self.score - self.baseline_score)
        return self.gap / difference if difference else float("inf" if self.gap else 0)

    def figures(self) -> dict[str, Any]:
        """Return everything but the heat map, ready for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "heatmap"}

    def save(self, path: str | Path) -> Path:
        """Write the raw values and the figures; a reader never meets half a file.

        Args:
            path: must end with ``.npz``; a file that is there is replaced.

        Returns:
            The path.

        Raises:
            ValueError: another ending.
        """
        path = Path(path)
        if path.suffix != ".npz":
            raise ValueError(f"raw values are saved as .npz, got {path.name!r}")
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".npz")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez_compressed(file, heatmap=self.heatmap, figures=json.dumps(self.figures()))
            os.replace(draft, path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return path


def load_attribution(path: str | Path) -> Attribution:
    """Read what :meth:`Attribution.save` wrote; nothing is unpickled.

    Args:
        path: of the ``.npz`` file.

    Raises:
        ValueError: if the file does not hold an attribution.
    """
    with np.load(path, allow_pickle=False) as archive:
        missing = {"heatmap", "figures"} - set(archive.files)
        if missing:
            raise ValueError(f"{path} is no saved attribution: it lacks {', '.join(sorted(missing))}")
        return Attribution(heatmap=archive["heatmap"], **json.loads(str(archive["figures"])))
