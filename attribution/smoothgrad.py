"""SmoothGrad: explain noisy copies of a picture and average."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class SmoothGrad:
    """Noise of SmoothGrad.

    Attributes:
        copies_count: noisy copies.
        spread: standard deviation of the noise, in parts of the picture's range of values.
        seed: of the noise; the same seed gives the same copies.
    """

    copies_count: int = 8
    spread: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.copies_count < 1 or not self.spread > 0:
            raise ValueError(
                "SmoothGrad needs at least 1 copy and a positive spread, "
                f"got copies_count={self.copies_count}, spread={self.spread}"
            )

    def copies(self, image: Tensor) -> Tensor:
        """Make the noisy copies; the global random state is left alone.

        Args:
            image: shape ``(C, H, W)``.

        Returns:
            Shape ``(copies_count, C, H, W)``.
        """
        generator = torch.Generator().manual_seed(self.seed)
        noise = torch.randn(self.copies_count, *image.shape, generator=generator).to(image)
        return image.detach() + noise * (self.spread * (image.max() - image.min()))
