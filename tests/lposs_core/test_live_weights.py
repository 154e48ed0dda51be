"""The door for training: towers whose weights are still those of the module."""

from __future__ import annotations

import pytest
import torch

from lposs_core.maskclip import OPENAI_MEAN, OPENAI_STD, dense_features, read_visual
from lposs_core.tower import live_weights
from tiny_vlm.configs import build_dual_encoder


def read(model):
    return read_visual(model, mean=OPENAI_MEAN, std=OPENAI_STD, precision="fp32")


def features(tower, crops):
    return dense_features(tower, tower.run(tower.embed(crops), stop=-1), tower.grid(crops))


def test_gradients_of_a_live_tower_equal_finite_differences():
    torch.manual_seed(0)
    model, crops = build_dual_encoder().requires_grad_(False), torch.rand(1, 3, 32, 32)
    direction = torch.randn(1, 2, 2, 192)
    weight = model.visual.trunk.blocks[4].mlp.fc1.weight.requires_grad_()
    with live_weights():
        tower = read(model)
    (features(tower, crops) * direction).sum().backward()
    step = torch.randn_like(weight) * 2e-3
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            weight += sign * step
            ends.append(float((features(read(model), crops) * direction).sum()))
            weight -= sign * step
    assert (ends[0] - ends[1]) / 2 == pytest.approx(float((weight.grad * step).sum()), rel=0.02)


def test_towers_read_outside_are_constants():
    model = build_dual_encoder()
    with live_weights():
        pass
    assert not features(read(model), torch.rand(1, 3, 32, 32)).requires_grad


def test_the_door_closes_after_an_error():
    model = build_dual_encoder()
    with pytest.raises(RuntimeError), live_weights():
        raise RuntimeError
    assert not features(read(model), torch.rand(1, 3, 32, 32)).requires_grad
