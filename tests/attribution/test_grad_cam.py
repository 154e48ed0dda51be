from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attribution import ClassTarget, TokenLayout, grad_cam, score_of


def test_closed_form_on_written_weights():
    layer = nn.Conv2d(1, 2, 1, bias=False)
    layer.weight.data[:] = torch.tensor([2.0, -1.0])[:, None, None, None]
    image = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])

    result = grad_cam(lambda x: layer(x).square().mean((1, 2, 3)), image, layer)
    # S = mean f^2 over 8 values: dS/df = f / 4, mean over positions (2.5 * 2 / 4, -2.5 / 4) = (1.25, -0.625)
    # map = 1.25 * 2x - 0.625 * (-x) = 3.125 x
    np.testing.assert_allclose(result.heatmap, 3.125 * image[0], rtol=1e-6)
    assert result.score == pytest.approx((4 * 30 + 30) / 8)
    assert (result.method, result.degenerate) == ("grad_cam", False)


def test_values_against_the_score_are_kept_unless_relu_is_asked_for(toy: Any, picture: Tensor):
    signed = grad_cam(score_of(toy, 2), picture, toy.features, size=(2, 2)).heatmap
    positive = grad_cam(score_of(toy, 2), picture, toy.features, size=(2, 2), relu=True).heatmap
    other = grad_cam(lambda x: -toy(x)[:, 2], picture, toy.features, size=(2, 2)).heatmap
    np.testing.assert_array_equal(positive, np.maximum(signed, 0))
    np.testing.assert_allclose(other, -signed, rtol=1e-5)
    assert signed.any()


@pytest.mark.parametrize("index", [0, 1, 2])
def test_equals_the_grad_cam_package(toy: Any, picture: Tensor, index: int):
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    with GradCAM(model=toy, target_layers=[toy.features]) as cam:
        cam(picture[None], [ClassifierOutputTarget(index)])
        activations = cam.activations_and_grads.activations[0].numpy()
        gradients = cam.activations_and_grads.gradients[0].numpy()
        expected = cam.get_cam_image(
            picture[None], toy.features, [ClassifierOutputTarget(index)], activations, gradients
        )[0]
    ours = grad_cam(score_of(toy, index), picture, toy.features, size=(2, 2))
    np.testing.assert_allclose(ours.heatmap, expected, rtol=1e-5, atol=1e-7)


def test_equals_plain_captum_and_is_resized_to_the_picture(toy: Any, picture: Tensor):
    from captum.attr import LayerAttribution, LayerGradCam

    plain = LayerGradCam(toy, toy.features).attribute(picture[None], target=1)
    expected = LayerAttribution.interpolate(plain, (4, 4), "bilinear").detach()[0, 0]
    ours = grad_cam(score_of(toy, 1), picture, toy.features)
    np.testing.assert_allclose(ours.heatmap, expected, rtol=1e-5, atol=1e-7)


def _linear_maps(seed: int = 0) -> tuple[nn.Module, nn.Module, Tensor]:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 2, stride=2), nn.Tanh()), nn.Conv2d(4, 3, 1), torch.rand(1, 6, 8)


@pytest.mark.parametrize(
    "region", [None, torch.eye(6, 8), torch.eye(3, 4).bool()], ids=["everywhere", "interpolated", "mask"]
)
def test_a_score_linear_in_the_layer_is_called_the_class_logit_map(region: Tensor | None):
    body, head, image = _linear_maps()
    score = score_of(nn.Sequential(body, head), ClassTarget(1, region))
    result = grad_cam(score, image, body, size=(3, 4))
    logits = (head(body(image[None])) - head.bias[:, None, None]).detach()[0, 1].numpy()
    assert result.degenerate
    assert result.method == "class_logit_map"
    factor = result.heatmap.ravel() @ logits.ravel() / (logits.ravel() @ logits.ravel())
    np.testing.assert_allclose(result.heatmap, factor * logits, atol=1e-6)


def test_one_position_with_a_linear_score_is_degenerate_as_well():
    body, head, image = _linear_maps()
    only = torch.zeros(3, 4)
    only[1, 2] = 1
    assert grad_cam(score_of(nn.Sequential(body, head), ClassTarget(1, only)), image, body).degenerate


@pytest.mark.parametrize("competition", ["probability", "log_probability"])
@pytest.mark.parametrize("classes", [2, 3])
def test_class_competition_is_not_degenerate(competition: Any, classes: int):
    body, _, image = _linear_maps()
    target = ClassTarget(1, temperature=4, competition=competition)
    result = grad_cam(score_of(nn.Sequential(body, nn.Conv2d(4, classes, 1)), target), image, body)
    assert not result.degenerate


def test_a_cosine_at_one_pixel_and_a_single_channel_are_not_degenerate():
    body, head, image = _linear_maps()
    text = F.normalize(head.weight[1, :, 0, 0].detach(), dim=0)
    assert not grad_cam(lambda x: F.normalize(body(x), dim=1)[:, :, 1, 1] @ text, image, body).degenerate
    layer = nn.Conv2d(1, 1, 1)
    assert not grad_cam(lambda x: layer(x).exp().mean((1, 2, 3)), image, layer).degenerate


def test_a_score_that_leaves_its_domain_under_the_linearity_probe_is_not_degenerate():
    layer, image = nn.Conv2d(1, 1, 1), torch.ones(1, 2, 2)
    floor = layer(image[None]).detach().mean().abs() * 0.75
    result = grad_cam(lambda x: (layer(x).mean((1, 2, 3)).abs() - floor).log(), image, layer)
    assert not result.degenerate  # half of the layer gives the logarithm of a negative number


class Block(nn.Module):
    """Tokens in, tokens out: mixes tokens with written weights."""

    def forward(self, tokens: Tensor) -> Tensor:
        return torch.tanh(tokens + tokens.mean(1, keepdim=True))


def _token_score(block: nn.Module, grid: tuple[int, int]) -> Any:
    def score(x: Tensor) -> Tensor:  # pixels are tokens of 3 channels, the class token comes first
        tokens = torch.cat([x.new_ones(len(x), 1, 3), x.flatten(2).transpose(1, 2)], dim=1)
        out = block(tokens)
        return (out[:, 0] * out[:, 1:].square().mean(1)).sum(1)

    return score


def test_tokens_are_laid_out_and_the_prefix_is_dropped():
    image, block = torch.rand(3, 2, 4), Block()
    result = grad_cam(_token_score(block, (2, 4)), image, block, tokens=TokenLayout((2, 4), prefix=1))
    tokens = torch.cat([torch.ones(1, 1, 3), image[None].flatten(2).transpose(1, 2)], dim=1)
    out = block(tokens)[0]
    # S = sum_k c_k mean_p f_pk^2: dS/df_pk = c_k 2 f_pk / P
    weights = out[0] * 2 * out[1:].mean(0) / 8
    np.testing.assert_allclose(result.heatmap, (out[1:] @ weights).reshape(2, 4), rtol=1e-5)


def test_raw_tokens_are_refused_with_the_remedy():
    block = Block()
    with pytest.raises(ValueError, match=r"tokens of shape \(1, 9, 3\).*TokenLayout"):
        grad_cam(_token_score(block, (2, 4)), torch.rand(3, 2, 4), block)


def test_a_wrong_grid_is_refused():
    block = Block()
    with pytest.raises(ValueError, match=r"N = 1 \+ 3 \* 4.*got \(1, 9, 3\)"):
        grad_cam(_token_score(block, (2, 4)), torch.rand(3, 2, 4), block, tokens=TokenLayout((3, 4)))
    with pytest.raises(ValueError, match="at least 1 x 1"):
        TokenLayout((0, 4))


def test_token_layouts_round_trip():
    tokens = torch.rand(3, 2 + 6, 5)
    for stacked in (False, True):
        layout = TokenLayout((2, 3), prefix=2, stacked=stacked)
        maps = layout.to_map(tokens)
        assert maps.shape == ((1, 5, 6, 3) if stacked else (3, 5, 2, 3))
        assert torch.equal(layout.to_tokens(maps, tokens), tokens)
        assert torch.equal(layout.unstack(maps[:, 4]), tokens[:, 2:, 4].reshape(3, 2, 3))


def test_stacked_windows_share_one_weight_a_channel():
    image, block = torch.rand(3, 2, 4), Block()

    def score(x: Tensor) -> Tensor:  # two windows of 2 x 2, one batch
        windows = torch.cat([x[..., :2], x[..., 2:]]).flatten(2).transpose(1, 2)
        return block(windows).square().mean()[None]

    def side_by_side(maps: Tensor) -> Tensor:
        return torch.cat(list(maps), dim=1)

    result = grad_cam(
        score, image, block, tokens=TokenLayout((2, 2), prefix=0, stacked=True), merge=side_by_side
    )
    windows = torch.cat([image[None, ..., :2], image[None, ..., 2:]]).flatten(2).transpose(1, 2)
    out = block(windows)
    expected = side_by_side((out @ (out.mean((0, 1)) * 2 / 24)).reshape(2, 2, 2))
    np.testing.assert_allclose(result.heatmap, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="2 windows; pass merge="):
        grad_cam(score, image, block, tokens=TokenLayout((2, 2), prefix=0))


def test_what_cannot_be_explained_is_refused(toy: Any, picture: Tensor):
    def detached(x: Tensor) -> Tensor:
        return toy(x).detach()[:, 0]

    with pytest.raises(ValueError, match="no gradient of the score reaches the layer"):
        grad_cam(detached, picture, toy.features)
    with pytest.raises(ValueError, match="exactly once for one score, it ran 2 times"):
        grad_cam(lambda x: toy(x)[:, 0] + toy(x)[:, 1], picture, toy.features)
    with pytest.raises(ValueError, match="ran 0 times"):
        grad_cam(score_of(toy, 0), picture, nn.Identity())
    with pytest.raises(ValueError, match=r"shape \(1,\), one number an example.*\(1, 3\)"):
        grad_cam(toy, picture, toy.features)
    with pytest.raises(ValueError, match=r"maps of shape \(B, D, h, w\), got \(1, 3\)"):
        grad_cam(score_of(toy, 0), picture, toy.head)
    with pytest.raises(ValueError, match="must be finite"):
        grad_cam(score_of(toy, 0), picture * float("nan"), toy.features)
    lstm = nn.LSTM(4, 2)
    with pytest.raises(TypeError, match="one tensor, got tuple"):
        grad_cam(lambda x: lstm(x[:, 0])[0].mean((1, 2)), picture, lstm)
    with pytest.raises(ValueError, match=r"Dropout 'head.3' is in training mode.*model.eval\(\)"):
        grad_cam(lambda x: toy(x)[:, 0], picture, toy.train())


def test_nothing_is_left_behind(toy: Any, picture: Tensor, snapshot: Any, injected: Any):
    toy.features[0].weight.grad = torch.ones_like(toy.features[0].weight)
    toy.head[1].weight.requires_grad_(False)
    before, pixels = snapshot(toy), picture.clone()
    with injected(-1) as calls:
        grad_cam(score_of(toy, 0), picture, toy.features)
    assert snapshot(toy) == before
    assert calls[0] >= 8
    for number in range(1, calls[0] + 1):
        with injected(number), pytest.raises(RuntimeError, match=f"call {number}"):
            grad_cam(score_of(toy, 0), picture, toy.features)
        assert snapshot(toy) == before, number
    assert torch.equal(picture, pixels)
    assert not picture.requires_grad
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_works_where_gradients_are_switched_off(toy: Any, picture: Tensor, mode: Any):
    expected = grad_cam(score_of(toy, 0), picture, toy.features).heatmap
    with mode():
        np.testing.assert_array_equal(grad_cam(score_of(toy, 0), picture, toy.features).heatmap, expected)
        assert not torch.is_grad_enabled()


def test_threads_on_one_module_get_what_they_get_alone(toy: Any):
    pictures = torch.rand(4, 1, 4, 4)
    alone = [grad_cam(score_of(toy, i % 3), pictures[i], toy.features).heatmap for i in range(4)]
    plain = toy(pictures)
    together: list[list[Any]] = [[] for _ in range(4)]
    unexplained: list[Tensor] = []
    stop = threading.Event()

    def explain(i: int) -> None:
        for _ in range(25):
            together[i].append(grad_cam(score_of(toy, i % 3), pictures[i], toy.features).heatmap)

    def segment() -> None:
        while not stop.is_set():
            unexplained.append(toy(pictures))

    visitor = threading.Thread(target=segment)
    visitor.start()
    threads = [threading.Thread(target=explain, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    visitor.join()
    for i in range(4):
        assert len(together[i]) == 25
        assert all(np.array_equal(heat, alone[i]) for heat in together[i])
    assert unexplained
    assert all(torch.equal(logits, plain) for logits in unexplained)
    assert not toy.features._forward_hooks


def test_two_explanations_can_be_inside_the_layer_at_once(toy: Any):
    pictures = torch.rand(2, 1, 4, 4)
    alone = [grad_cam(score_of(toy, 0), p, toy.features).heatmap for p in pictures]
    meeting = threading.Barrier(2, timeout=20)
    answers: list[Any] = [None, None]

    def explain(i: int) -> None:
        def score(x: Tensor) -> Tensor:
            meeting.wait()  # both hooks are in place now
            return toy(x)[:, 0]

        answers[i] = grad_cam(score, pictures[i], toy.features).heatmap

    threads = [threading.Thread(target=explain, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer, expected in zip(answers, alone, strict=True):
        np.testing.assert_array_equal(answer, expected)


def test_layers_followed_by_operations_in_place():
    body = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(inplace=True))
    image = torch.rand(1, 3, 3)
    result = grad_cam(lambda x: body(x).square().mean((1, 2, 3)), image, body[0])
    maps = body[0](image[None]).detach()
    weights = (2 * maps.clamp_min(0) / maps.numel()).mean((2, 3), keepdim=True)
    np.testing.assert_allclose(result.heatmap, (weights * maps).sum(1)[0], rtol=1e-5, atol=1e-7)


def test_inputs_without_pixels_need_a_size(toy: Any, picture: Tensor):
    inner = toy.features(picture[None]).detach()[0]  # a cached activation takes the place of the picture
    tap = nn.Identity()
    whole = grad_cam(score_of(toy, 1), picture, toy.features)
    tail = grad_cam(lambda f: toy.head(tap(f))[:, 1], inner, tap, size=(4, 4))
    np.testing.assert_allclose(tail.heatmap, whole.heatmap, rtol=1e-6)
