"""What the image encoders share: a tower read once, its digest, and batches of bounded size."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor

from lposs_core.image_tower import ImageTower
from lposs_core.tower_digest import prefix_digest

_CROPS_AT_ONCE = 16  # bounds the memory of activations


class TowerEncoder(ABC):
    """An encoder of patches that runs an image tower.

    Args:
        tower: the network as tensors.
        digest: name of everything that decides the patch features.
        branches: numbers of blocks behind which the tokens are worth keeping, because another checkpoint
            begins with the same blocks. Those outside ``1 .. depth - 1`` are left out.
    """

    def __init__(self, tower: ImageTower, digest: str, branches: Iterable[int] = ()) -> None:
        self._tower = tower
        self._image_digest = digest
        self._branches = tuple(sorted({count for count in branches if 0 < count < len(tower.blocks)}))
        self._prefix_digests: dict[int, str] = {}

    @property
    def tower(self) -> ImageTower:
        """The image network as tensors, for running some of its blocks."""
        return self._tower

    @property
    def patch_size(self) -> int:
        """Side of a square patch in pixels."""
        return self._tower.patch_size

    @property
    def device(self) -> torch.device:
        """Device of the weights and of the answers."""
        return self._tower.device

    @property
    def image_digest(self) -> str:
        """Name of the image weights, the pixel constants, the precision and all else that decides."""
        return self._image_digest

    @property
    def branches(self) -> tuple[int, ...]:
        """Numbers of blocks behind which the tokens are kept, in rising order."""
        return self._branches

    def with_tower(self, tower: ImageTower) -> Self:
        """Return an encoder that runs another tower, for instance one with random weights.

        Args:
            tower: of the same shape. The digests stay those of the old one, so its features must not be kept.
        """
        twin = copy.copy(self)
        twin._tower = tower
        return twin

    def prefix_digest(self, blocks: int) -> str:
        """Name of all that decides the tokens behind the first ``blocks`` blocks; hashed once."""
        if blocks not in self._prefix_digests:
            self._prefix_digests[blocks] = prefix_digest(self._tower, blocks)
        return self._prefix_digests[blocks]

    @torch.no_grad()
    def encode_patches(self, crops: Tensor) -> Tensor:
        """Encode a batch of crops; see :meth:`lposs_core.encoders.PatchEncoder.encode_patches`."""
        return torch.cat([self.features(part) for part in torch.split(crops, _CROPS_AT_ONCE)])

    def features(self, crops: Tensor) -> Tensor:
        """Encode crops ``(n, 3, h, w)`` to ``(n, gh, gw, d)``; gradients flow where they are enabled."""
        grid = self._tower.grid(crops)
        return self.finish(self._tower.embed(crops), grid)

    @abstractmethod
    def finish(self, tokens: Tensor, grid: tuple[int, int], start: int = 0) -> Tensor:
        """Finish tokens that enter the block ``start``.

        Args:
            tokens: shape ``(n, p + gh * gw, width)``.
            grid: patches down and across.
            start: index of the first block still to run, at most the last one's.

        Returns:
            Unit vectors, float32, shape ``(n, gh, gw, d)``; gradients flow where they are enabled.
        """
