"""Tokens of a transformer as maps, which is what Grad-CAM is defined on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """Says where the patches stand among the tokens ``(B, N, D)`` of a layer.

    Attributes:
        grid: patches down and across, ``(h, w)``.
        prefix: class and register tokens before the patches.
        stacked: the batch holds the windows of one picture: lay their maps below each other, so that
            Grad-CAM has one weight a channel for the whole picture and not one a window.
    """

    grid: tuple[int, int]
    prefix: int = 1
    stacked: bool = False

    def __post_init__(self) -> None:
        if min(self.grid) < 1 or self.prefix < 0:
            raise ValueError(
                f"grid must be at least 1 x 1 and prefix at least 0, got {self.grid} and {self.prefix}"
            )

    def to_map(self, tokens: Tensor) -> Tensor:
        """Drop the prefix and lay out the patches.

        Args:
            tokens: shape ``(B, prefix + h * w, D)``.

        Returns:
            Shape ``(B, D, h, w)``, or ``(1, D, B * h, w)`` where ``stacked``.

        Raises:
            ValueError: another shape.
        """
        rows, columns = self.grid
        if tokens.ndim != 3 or tokens.shape[1] != self.prefix + rows * columns:
            raise ValueError(
                f"the layer must emit tokens of shape (B, N, D) with N = {self.prefix} + {rows} * {columns}, "
                f"got {tuple(tokens.shape)}"
            )
        patches = tokens[:, self.prefix :].reshape(len(tokens), rows, columns, -1)
        if self.stacked:
            patches = patches.flatten(0, 1)[None]
        return patches.permute(0, 3, 1, 2)

    def to_tokens(self, maps: Tensor, tokens: Tensor) -> Tensor:
        """Undo :meth:`to_map`.

        Args:
            maps: of :meth:`to_map`, possibly altered.
            tokens: those it was given; the prefix is taken from them.

        Returns:
            Shape of ``tokens``.
        """
        patches = maps.permute(0, 2, 3, 1).reshape(len(tokens), -1, tokens.shape[-1])
        return torch.cat([tokens[:, : self.prefix], patches], dim=1)

    def unstack(self, maps: Tensor) -> Tensor:
        """Cut a heat map of stacked windows apart.

        Args:
            maps: shape ``(1, B * h, w)`` where ``stacked``; any other is returned as it is.

        Returns:
            Shape ``(B, h, w)``.
        """
        return maps.reshape(-1, *self.grid) if self.stacked else maps
