"""Small data sets of drawn facades."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tiny_vlm.facade_set import write_facade_set


@pytest.fixture(scope="session")
def drawn_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn facades with masks, in layout A."""
    root = tmp_path_factory.mktemp("facades")
    write_facade_set(root, {"train": 4, "val": 3}, seed=0, size=(48, 64))
    return root


@pytest.fixture
def add_pair() -> Callable[..., None]:
    """Writes a picture and its mask."""

    def add(images: Path, masks: Path, name: str, mask: np.ndarray | None = None) -> None:
        labels = np.zeros((24, 32), np.uint8) if mask is None else mask
        for folder, pixels in ((images, np.zeros((*labels.shape, 3), np.uint8)), (masks, labels)):
            path = folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)

    return add
