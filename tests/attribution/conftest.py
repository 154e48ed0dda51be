"""A toy network with written weights, and what an explanation must leave as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn


class ToyNet(nn.Module):
    """A smooth network: (B, 1, 4, 4) to 3 logits over a layer of 2 channels at half the size."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.features = nn.Sequential(nn.Conv2d(1, 2, 2, stride=2), nn.Softplus())
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8, 5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 3))
        with torch.no_grad():
            for weight in self.parameters():
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.7)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits


@pytest.fixture
def toy() -> ToyNet:
    return ToyNet()


@pytest.fixture
def picture() -> Tensor:
    return torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(1))


Snapshot = Callable[[nn.Module], list[object]]


@pytest.fixture
def snapshot() -> Snapshot:
    """All that an explanation could leave behind in a module."""

    def take(module: nn.Module) -> list[object]:
        state: list[object] = []
        for name, part in module.named_modules():
            hooks = [
                len(part._forward_hooks),
                len(part._forward_pre_hooks),
                len(part._backward_hooks),
                len(part._backward_pre_hooks),
            ]
            state.append((name, part.training, hooks, sorted(part.__dict__)))
        for name, weight in module.named_parameters():
            grad = None if weight.grad is None else (id(weight.grad), weight.grad.tolist())
            state.append((name, id(weight), weight.requires_grad, weight.tolist(), grad))
        return state

    return take
