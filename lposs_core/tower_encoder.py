"""What the image encoders share: a tower read once, its digest, and batches of bounded size."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from lposs_core.image_tower import ImageTower

_CROPS_AT_ONCE = 16  # bounds the memory of activations


class TowerEncoder(ABC):
    """An encoder of patches that runs an image tower.

    Args:
        tower: the network as tensors.
        digest: name of everything that decides the patch features.
    """

    def __init__(self, tower: ImageTower, digest: str) -> None:
        self._tower = tower
        self._image_digest = digest

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

    @torch.no_grad()
    def encode_patches(self, crops: Tensor) -> Tensor:
        """Encode a batch of crops; see :meth:`lposs_core.encoders.PatchEncoder.encode_patches`."""
        return torch.cat([self.features(part) for part in torch.split(crops, _CROPS_AT_ONCE)])

    @abstractmethod
    def features(self, crops: Tensor) -> Tensor:
        """Encode crops ``(n, 3, h, w)`` to ``(n, gh, gw, d)``; gradients flow where they are enabled."""
