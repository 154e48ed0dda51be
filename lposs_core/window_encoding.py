"""Encode all windows of a picture, keeping what towers with equal first blocks can share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

import torch
from torch import Tensor

from lposs_core.encoders import PatchEncoder
from lposs_core.stages import StageCache
from lposs_core.tower_encoder import TowerEncoder
from lposs_core.windows import Boxes, Image, cut_windows

WINDOWS_AT_ONCE = 9  # those of a 448 x 448 image; between batches a request can be cancelled
Report = Callable[[float], None]


@torch.no_grad()
def encode_windows(
    encoder: PatchEncoder,
    pixels: Image,
    boxes: Boxes,
    key: Hashable,
    cache: StageCache,
    report: Report,
) -> Tensor:
    """Encode the windows of a picture.

    Args:
        encoder: one with ``branches`` keeps its tokens behind these blocks in ``cache``, and another one with
            the same beginning goes on from there.
        pixels: the picture, RGB, uint8, shape ``(h, w, 3)``.
        boxes: windows, rows ``y1, y2, x1, x2``, shape ``(n, 4)``.
        key: names picture and windows.
        cache: keeps tokens.
        report: told the finished fraction; may raise to cancel.

    Returns:
        Unit vectors, float32, shape ``(n, gh, gw, d)``.
    """

    def crops() -> Iterator[Tensor]:
        for first in range(0, len(boxes), WINDOWS_AT_ONCE):
            batch = cut_windows(pixels, boxes[first : first + WINDOWS_AT_ONCE], encoder.patch_size)
            yield batch.to(encoder.device)

    if not isinstance(encoder, TowerEncoder) or not encoder.branches:
        batches = _Steps(len(boxes), 1, report).count(crops())
        return torch.cat([encoder.encode_patches(batch) for batch in batches])
    branches = encoder.branches
    steps = _Steps(len(boxes), len(branches) + 1, report)
    tokens = _tokens_behind(encoder, branches, crops, key, cache, steps)
    grid = encoder.tower.grid(next(crops()))
    parts = steps.count(iter(torch.split(tokens, WINDOWS_AT_ONCE)))
    return torch.cat([encoder.finish(part, grid, branches[-1]) for part in parts])


def _tokens_behind(
    encoder: TowerEncoder,
    branches: tuple[int, ...],
    crops: Callable[[], Iterator[Tensor]],
    key: Hashable,
    cache: StageCache,
    steps: _Steps,
) -> Tensor:
    """Tokens of all windows behind the last branch, each branch built from the one before it."""
    *earlier, blocks = branches

    def build() -> Tensor:
        if not earlier:
            batches = steps.count(crops())
            return torch.cat([encoder.tower.run(encoder.tower.embed(batch), 0, blocks) for batch in batches])
        before = _tokens_behind(encoder, tuple(earlier), crops, key, cache, steps)
        parts = steps.count(iter(torch.split(before, WINDOWS_AT_ONCE)))
        return torch.cat([encoder.tower.run(part, earlier[-1], blocks) for part in parts])

    return cache.get(("tokens", encoder.prefix_digest(blocks), key), build)


class _Steps:
    """Reports progress over several passes through the same windows."""

    def __init__(self, windows: int, passes: int, report: Report) -> None:
        self._total = windows * passes
        self._report = report
        self._done = 0

    def count(self, batches: Iterator[Tensor]) -> Iterator[Tensor]:
        for batch in batches:
            self._report(self._done / self._total)
            yield batch
            self._done += len(batch)
