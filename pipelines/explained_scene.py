"""The scores of a picture as a differentiable function of its pixels: encoder, solve, merging of windows.

The patch graph and the pixel graph are those of the picture itself and count as constant: what another
picture would change in them is left out. Both solves are exact, so a score before competition is linear in
the patch columns, and gradients flow through them by solving once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from attribution import ClassTarget, implicit_solve, influence, resize_shares
from attribution.result import Heatmap
from lposs_core import LPOSS, WorkingImage
from lposs_core.propagation import PIXEL_COLUMNS, graph_solver, patch_solver
from lposs_core.scores import TEMPERATURE
from lposs_core.scores import Method as ScoreMethod
from lposs_core.solver import Solve
from lposs_core.tower_encoder import TowerEncoder
from lposs_core.windows import merge_columns, on_grid

Readout = Callable[[Tensor], Tensor]
"""Maps patch columns ``(T, N)`` to readings ``(T, h, w)`` that the target looks at."""


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedScene:
    """One picture with its windows, its graph and the texts that compete.

    Attributes:
        segmenter: encoders and the exact solver.
        working: the picture at its working size.
        method: whose scores they are.
        clip: the dual encoder, with the weights that are explained.
        texts: unit vectors, shape ``(T, d)``.
        groups: rows of ``texts`` of each class, the background last where there is one.
    """

    segmenter: LPOSS
    working: WorkingImage
    method: ScoreMethod
    clip: TowerEncoder
    texts: Tensor
    groups: tuple[tuple[int, ...], ...]

    @property
    def image(self) -> Tensor:
        """The working image, RGB in ``[0, 1]``, float32, shape ``(3, h, w)``."""
        pixels = torch.from_numpy(self.working.pixels).permute(2, 0, 1).float() / 255
        return pixels.to(self.clip.device)

    @property
    def competes(self) -> bool:
        """Whether there is more than one text: a lone class has probability 1 everywhere."""
        return len(self.texts) > 1

    @property
    def gain(self) -> float:
        """What propagation multiplies a constant cosine by."""
        powers = {"maskclip": 0, "lposs": 1, "lposs_plus": 2}
        return float((1 - self.segmenter.config.alpha) ** -powers[self.method])

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the patches in one window, of which there is one column entry each."""
        encoder = self.clip if self.method == "maskclip" else self.segmenter.patches
        return self.working.grid(encoder.patch_size)

    @property
    def clip_grid(self) -> tuple[int, int]:
        """Rows and columns of the dual encoder's patches in one window."""
        return self.working.grid(self.clip.patch_size)

    @property
    def nodes(self) -> int:
        """Patches of all windows, ``N``."""
        return len(self.working.boxes) * self.grid[0] * self.grid[1]

    def crops(self, image: Tensor) -> Tensor:
        """Cut the windows out of an image ``(3, h, w)``, padded as they are for segmentation."""
        windows = torch.stack([image[:, y1:y2, x1:x2] for y1, y2, x1, x2 in self.working.boxes.tolist()])
        down, right = (-side % self.clip.patch_size for side in windows.shape[-2:])
        return F.pad(windows, (0, right, 0, down))

    def tokens(self, image: Tensor, blocks: int) -> Tensor:
        """Tokens of all windows behind the first blocks, shape ``(n, p + gh * gw, width)``."""
        return self.clip.tower.run(self.clip.tower.embed(self.crops(image)), 0, blocks)

    def kept_tokens(self, blocks: int) -> Tensor:
        """Tokens of the picture itself, kept between requests."""
        key = ("tokens", self.clip.prefix_digest(blocks), self.working.key)

        def build() -> Tensor:
            with torch.no_grad():
                return self.tokens(self.image, blocks)

        return self.segmenter.cache.get(key, build)

    def columns(self, features: Tensor) -> Tensor:
        """Compare features ``(n, gh, gw, d)`` with the texts.

        Returns:
            Shape ``(T, N)``: cosines, or for MaskCLIP the probabilities of the texts at each patch.
        """
        cosines = on_grid(features, self.grid).flatten(0, 2) @ self.texts.T
        if self.method == "maskclip" and self.competes:
            cosines = (TEMPERATURE * cosines).softmax(-1)
        return cosines.T

    @property
    def solve(self) -> Solve:
        """Spreads patch columns ``(C, N)`` over the patch graph; MaskCLIP leaves them as they are."""
        if self.method == "maskclip":
            return _leave
        segmenter, working = self.segmenter, self.working
        return patch_solver(segmenter.patch_graph(working), segmenter.config, segmenter.factor(working))

    def merged(self, columns: Tensor) -> Tensor:
        """Bring patch columns ``(C, N)`` to the pixels of the working image: shape ``(C, h, w)``."""
        grids = columns.reshape(len(columns), len(self.working.boxes), *self.grid)
        return merge_columns(grids, self.working.boxes, *self.working.size)

    def refined(self, maps: Tensor) -> Tensor:
        """Spread score maps ``(C, h, w)`` over the pixel graph; without LPOSS+ they stay as they are."""
        if self.method != "lposs_plus":
            return maps
        solve = graph_solver(self.segmenter.pixel_graph(self.working), self.segmenter.config)
        parts = [solve(part) for part in torch.split(maps.flatten(1), PIXEL_COLUMNS)]
        return torch.cat(parts).view_as(maps)

    def read_maps(self) -> Readout:
        """Readings at every pixel of the working image; LPOSS+ is refined by :meth:`rows` only."""
        solve = self.solve
        return lambda columns: self.merged(implicit_solve(solve, columns))

    def rows(self, weights: Tensor) -> Tensor:
        """What each patch's column adds to readings of the score map, exactly, through every solve.

        Args:
            weights: how much of each reading each pixel of the working image is, shape ``(K, h, w)``.

        Returns:
            Shape ``(K, N)``.
        """
        config, patches = self.segmenter.config, self.segmenter.patches
        content = hashlib.blake2b(weights.cpu().numpy().tobytes(), digest_size=16).hexdigest()
        key = (
            "reading_rows",
            self.method,
            config,
            patches.image_digest,
            self.grid,
            self.working.key,
            content,
        )
        return self.segmenter.cache.get(key, lambda: self._rows(weights))

    def _rows(self, weights: Tensor) -> Tensor:
        weights = self.refined(weights)  # the pixel graph is symmetric: its solve is its own adjoint
        with torch.enable_grad():
            columns = torch.zeros(len(weights), self.nodes, device=weights.device, requires_grad=True)
            (unmerged,) = torch.autograd.grad(self.merged(columns), columns, weights)
        return influence(self.solve, unmerged)

    def painted(self, shares: Tensor) -> Heatmap:
        """Spread the share of each patch ``(N,)`` evenly over its pixels; the sum stays."""
        height, width = self.working.size
        canvas = np.zeros((height, width), dtype=np.float64)
        grids = shares.reshape(-1, *self.grid).double().cpu().numpy()
        for grid, (y1, y2, x1, x2) in zip(grids, self.working.boxes.tolist(), strict=True):
            canvas[y1:y2, x1:x2] += resize_shares(grid, (y2 - y1, x2 - x1))
        return canvas.astype(np.float32)


def read_rows(rows: Tensor) -> Readout:
    """Readings of ``rows``, shape ``(K, N)``, as maps of one line of K pixels."""
    return lambda columns: (columns @ rows.T)[:, None]


def _leave(columns: Tensor) -> Tensor:
    return columns


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedScore:
    """Certainty of a class as a function of pictures of the working size.

    Attributes:
        scene: the picture that is explained.
        readout: where scores are read.
        target: which class, and how it competes.
    """

    scene: ExplainedScene
    readout: Readout
    target: ClassTarget

    def __call__(self, images: Tensor) -> Tensor:
        """Score pictures ``(B, 3, h, w)`` in ``[0, 1]``: shape ``(B,)``."""
        crops = torch.cat([self.scene.crops(image) for image in images])
        return self.of_features(self.scene.clip.features(crops))

    def of_features(self, features: Tensor) -> Tensor:
        """Score the features of the windows of one or several pictures, ``(B * n, gh, gw, d)``."""
        pictures = torch.split(features, len(self.scene.working.boxes))
        return self.target(torch.stack([self.planes(part) for part in pictures]))

    def planes(self, features: Tensor) -> Tensor:
        """Readings of each class from the features of one picture, ``(C, h, w)``."""
        readings = self.readout(self.scene.columns(features))
        return torch.stack([readings[list(group)].amax(0) for group in self.scene.groups])
