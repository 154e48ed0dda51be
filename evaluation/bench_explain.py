"""Grad-CAM and Integrated Gradients of one score: plain Captum on the stock network, and ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attribution import TokenLayout, grad_cam, integrated_gradients
from lposs_core import OpenCLIPEncoder
from lposs_core.maskclip import OPENAI_MEAN, OPENAI_STD

SIDE = 224  # pixels of the square picture
BLOCK = 9  # of 12: Grad-CAM looks behind it
STEPS = 16  # of ours, at Gauss-Legendre nodes
CAPTUM_STEPS = 50  # of Captum, its default
LEAST_CORRELATION = 0.9999


@dataclass(frozen=True, slots=True)
class Pair:
    """One map made in two ways.

    Attributes:
        name: of the line.
        reference: Captum's way.
        ours: the same map.
        stretch: what the cost of ``reference`` is multiplied by, because it ran fewer steps than by default.
        target: least ratio of CPU seconds.
    """

    name: str
    reference: Callable[[], Tensor]
    ours: Callable[[], Tensor]
    stretch: float
    target: float


class StockScore(nn.Module):
    """Mean cosine of a text at all patches, by the stock network's own modules.

    Args:
        visual: open_clip's own vision transformer.
        text: unit vector, shape ``(d,)``.
    """

    def __init__(self, visual: Any, text: Tensor) -> None:
        super().__init__()
        self.visual = visual
        self.maps = nn.Identity()
        self.text = text

    def forward(self, images: Tensor) -> Tensor:
        """Score pictures ``(B, 3, h, w)`` in ``[0, 1]``: shape ``(B,)``."""
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (OPENAI_MEAN, OPENAI_STD))
        tokens = self.visual._embeds((images - mean) / std)
        for number, block in enumerate(self.visual.transformer.resblocks, start=1):
            tokens = block(tokens)
            if number == BLOCK:  # Captum's Grad-CAM averages the wrong axis of tokens: route them as maps
                maps = self.maps(tokens[:, 1:].transpose(1, 2).unflatten(2, self.visual.grid_size))
                tokens = torch.cat([tokens[:, :1], maps.flatten(2).transpose(1, 2)], dim=1)
        features = F.normalize(self.visual.ln_post(tokens[:, 1:]) @ self.visual.proj, dim=-1)
        return (features @ self.text).mean(1)


class TowerScore:
    """The same score on the tower.

    Args:
        encoder: of the same network.
        text: unit vector, shape ``(d,)``.
    """

    def __init__(self, encoder: OpenCLIPEncoder, text: Tensor) -> None:
        self.tower = encoder.tower
        self.tap = nn.Identity()
        self.text = text

    def __call__(self, images: Tensor) -> Tensor:
        """Score pictures ``(B, 3, h, w)`` in ``[0, 1]``."""
        return self.finish(self.tokens(images))

    def tokens(self, images: Tensor) -> Tensor:
        """Tokens behind the block."""
        return self.tower.run(self.tower.embed(images), 0, BLOCK)

    def finish(self, tokens: Tensor) -> Tensor:
        """Score the tokens behind the block."""
        last = self.tower.run(self.tap(tokens), BLOCK)[:, len(self.tower.prefix) :]
        return (F.normalize(self.tower.head(last), dim=-1) @ self.text).mean(1)


def explanation_pairs(clip: Any, encoder: OpenCLIPEncoder) -> list[Pair]:
    """Grad-CAM and Integrated Gradients of one class on one picture.

    Args:
        clip: open_clip model with its own vision transformer.
        encoder: the same model behind our adapter, in float32.
    """
    draw = torch.Generator().manual_seed(4)
    text = F.normalize(torch.randn(clip.visual.proj.shape[1], generator=draw), dim=0)
    image = torch.rand(3, SIDE, SIDE, generator=draw)
    stock, ours = StockScore(clip.visual, text), TowerScore(encoder, text)
    size = f"{SIDE} x {SIDE}"
    return [
        Pair(
            f"Grad-CAM, one class, {size}",
            lambda: captum_grad_cam(stock, image),
            lambda: our_grad_cam(ours, image, clip.visual.grid_size),
            1.0,
            1.5,
        ),
        Pair(
            f"Integrated Gradients, one class, {size}: {CAPTUM_STEPS} steps, {STEPS} steps",
            lambda: captum_gradients(stock, image),
            lambda: our_gradients(ours, image),
            CAPTUM_STEPS / STEPS,
            3.5,
        ),
    ]


def captum_grad_cam(score: StockScore, image: Tensor) -> Tensor:
    """Grad-CAM of an image ``(3, h, w)``, shape ``(gh, gw)``."""
    from captum.attr import LayerGradCam

    maps: Tensor = LayerGradCam(score, score.maps).attribute(image[None].requires_grad_())
    return maps[0, 0].detach()


def our_grad_cam(score: TowerScore, image: Tensor, grid: tuple[int, int]) -> Tensor:
    """The same with only what follows the block differentiated."""
    with torch.no_grad():
        tokens = score.tokens(image[None])[0]
    layout = TokenLayout(grid, len(score.tower.prefix))
    found = grad_cam(score.finish, tokens, score.tap, tokens=layout, size=grid)
    return torch.from_numpy(found.heatmap.copy())


def captum_gradients(score: StockScore, image: Tensor) -> Tensor:
    """Integrated Gradients of an image ``(3, h, w)`` from black with 16 steps, shape ``(h, w)``."""
    from captum.attr import IntegratedGradients

    shares: Tensor = IntegratedGradients(score).attribute(
        image[None], torch.zeros_like(image[None]), n_steps=STEPS, internal_batch_size=8
    )
    return shares[0].sum(0).detach()


def our_gradients(score: TowerScore, image: Tensor) -> Tensor:
    """The same with the same steps."""
    found = integrated_gradients(score, image, steps=(STEPS,), internal_batch=8)
    return torch.from_numpy(found.heatmap.copy())


def correlation(found: Tensor, wanted: Tensor) -> float:
    """Pearson's correlation of two maps."""
    return float(torch.corrcoef(torch.stack([found.flatten(), wanted.flatten()]))[0, 1])
