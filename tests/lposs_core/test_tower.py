"""The product behind every linear layer of a tower."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from lposs_core.tower import linear


@pytest.mark.parametrize("shape", [(5, 48), (2, 5, 48)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_the_product_and_its_gradient_equal_those_of_pytorch(shape: tuple[int, ...], with_bias: bool):
    weight = torch.randn(32, 48) / 7
    bias = torch.randn(32) if with_bias else None
    x = torch.randn(shape, requires_grad=True)
    ours, theirs = linear(x, weight, bias), F.linear(x, weight, bias)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    direction = torch.randn_like(ours)
    (gradient,) = torch.autograd.grad(ours, x, direction)
    (expected,) = torch.autograd.grad(theirs, x, direction)
    torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-5)
    assert x.grad is None


def test_a_weight_that_learns_gets_its_gradient():
    weight = torch.randn(3, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(linear(torch.ones(2, 4), weight, None).sum(), weight)
    torch.testing.assert_close(gradient, torch.full((3, 4), 2.0))


def test_nothing_is_recorded_where_no_gradient_is_asked_for():
    with torch.no_grad():
        assert not linear(torch.ones(1, 4, requires_grad=True), torch.ones(2, 4), None).requires_grad
