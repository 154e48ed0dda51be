"""DINO value features against timm's own forward, captured with a hook in the test."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import timm
import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from lposs_core.checkpoint import digest_state
from lposs_core.dino import IMAGENET_MEAN, IMAGENET_STD, TimmPatchEncoder
from lposs_core.encoders import PatchEncoder
from lposs_core.image_tower import resize_positions
from lposs_core.tower import UnsupportedModel


def scatter_weights(module: nn.Module) -> None:
    """Give every weight a value of its own: timm starts layer scale, norms and tokens at constants."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.02)


def toy_vit(**options: Any) -> VisionTransformer:
    settings = {"img_size": 64, "patch_size": 16, "embed_dim": 48, "depth": 3, "num_heads": 3, **options}
    vit = VisionTransformer(num_classes=0, **settings).eval()
    scatter_weights(vit)
    return vit


def stock_values(model: VisionTransformer, crops: Tensor) -> Tensor:
    """Third part of the last block's ``qkv`` in timm's own forward; the crops must have the trained size."""
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    captured: list[Tensor] = []
    handle = model.blocks[-1].attn.qkv.register_forward_hook(lambda *call: captured.append(call[2]))
    with torch.no_grad():
        model((crops - mean[:, None, None]) / std[:, None, None])
    handle.remove()
    values = captured[0].chunk(3, dim=-1)[2][:, model.num_prefix_tokens :]
    grid = model.patch_embed.dynamic_feat_size(tuple(crops.shape[-2:]))
    return F.normalize(values, dim=-1).unflatten(1, grid)


def with_positions(model: VisionTransformer, positions: Tensor, size: tuple[int, int]) -> VisionTransformer:
    """The same network built for another size, with patch positions worked out by the test."""
    patch = model.patch_embed.patch_size[0]
    twin = toy_vit(img_size=size, patch_size=patch)
    state = model.state_dict()
    twin.load_state_dict(
        state | {"pos_embed": torch.cat([state["pos_embed"][:, :1], positions[None]], dim=1)}
    )
    return twin


@pytest.mark.parametrize(
    "name",
    ["vit_small_patch16_224.dino", "vit_small_patch14_dinov2", "vit_small_patch14_reg4_dinov2"],
)
def test_hub_architectures_equal_timm(name: str) -> None:
    size = 224 if "dinov2" in name else {}  # DINOv2 is published for 518 px; the test builds it smaller
    model = timm.create_model(name, **({"img_size": size} if size else {})).eval()
    scatter_weights(model)
    crops = torch.rand(1, 3, 224, 224)
    encoder = TimmPatchEncoder(model)
    patch = model.patch_embed.patch_size[0]
    assert encoder.patch_size == patch
    features = encoder.encode_patches(crops)
    assert features.shape == (1, 224 // patch, 224 // patch, 384)
    torch.testing.assert_close(features, stock_values(model, crops), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "options",
    [
        {"patch_size": 8},
        {"reg_tokens": 4},
        {"reg_tokens": 4, "no_embed_class": True},
        {"class_token": False, "global_pool": "avg"},
        {"init_values": 0.5, "qk_norm": True},
        {"pre_norm": True, "pos_embed": "none"},
        {"qkv_bias": False, "dynamic_img_size": True},
    ],
)
def test_variants_equal_timm(options: dict[str, Any]) -> None:
    model = toy_vit(**options)
    crops = torch.rand(2, 3, 64, 64)
    features = TimmPatchEncoder(model).encode_patches(crops)
    torch.testing.assert_close(features, stock_values(model, crops), atol=1e-5, rtol=0)
    torch.testing.assert_close(features.norm(dim=-1), torch.ones(features.shape[:3]))


@pytest.mark.parametrize("published", [True, False])
def test_other_sizes_use_the_chosen_position_rule(published: bool) -> None:
    model, size, grid = toy_vit(), (48, 96), (3, 6)
    plane = model.pos_embed[0, 1:].T.reshape(1, 48, 4, 4)
    factors = [(3 + 0.1) / 4, (6 + 0.1) / 4]  # the published code adds 0.1 before it divides
    rule = {"scale_factor": factors} if published else {"size": grid}
    positions = F.interpolate(plane, mode="bicubic", **rule)[0].flatten(1).T
    crops = torch.rand(1, 3, *size)
    expected = stock_values(with_positions(model, positions, size), crops)
    encoder = TimmPatchEncoder(model, published_position_rule=published)
    torch.testing.assert_close(encoder.encode_patches(crops), expected, atol=1e-5, rtol=0)


def test_the_two_position_rules_differ_except_at_the_trained_size() -> None:
    model = toy_vit()
    published, plain = TimmPatchEncoder(model), TimmPatchEncoder(model, published_position_rule=False)
    wide, square = torch.rand(1, 3, 48, 96), torch.rand(1, 3, 64, 64)
    assert (published.encode_patches(wide) - plain.encode_patches(wide)).abs().max() > 1e-4
    assert torch.equal(published.encode_patches(square), plain.encode_patches(square))
    assert published.image_digest != plain.image_digest


@pytest.mark.parametrize("scale_offset", [None, 0.1])
def test_a_constant_position_embedding_stays_constant(scale_offset: float | None) -> None:
    resized = resize_positions(torch.full((4, 4, 2), 3.0), (7, 5), scale_offset)
    torch.testing.assert_close(resized, torch.full((35, 2), 3.0))


def test_as_many_patches_in_another_shape_are_resized() -> None:
    positions = torch.rand(4, 4, 2)
    assert torch.equal(resize_positions(positions, (4, 4), 0.1), positions.flatten(0, 1))
    assert not torch.equal(resize_positions(positions, (2, 8), 0.1), positions.flatten(0, 1))


def test_bf16_keeps_the_directions() -> None:
    model, crops = toy_vit(), torch.rand(2, 3, 64, 80)
    exact = TimmPatchEncoder(model).encode_patches(crops)
    coarse = TimmPatchEncoder(model, precision="bf16").encode_patches(crops)
    assert coarse.dtype == torch.float32
    assert 0.999 <= (exact * coarse).sum(-1).min() < 1 - 1e-7


def test_the_model_is_left_as_it_was_also_after_an_error() -> None:
    model = toy_vit().train()
    before = digest_state(model.state_dict())
    encoder = TimmPatchEncoder(model)
    encoder.encode_patches(torch.rand(1, 3, 80, 48))
    with pytest.raises(ValueError, match="multiples of 16 px"):
        encoder.encode_patches(torch.rand(1, 3, 50, 64))
    assert digest_state(model.state_dict()) == before
    assert all(module.training for module in model.modules())
    assert all(not module._forward_hooks for module in model.modules())


def test_threads_with_different_sizes_get_the_answers_they_get_alone() -> None:
    encoder = TimmPatchEncoder(toy_vit())
    crops = [torch.rand(2, 3, 64, 64), torch.rand(1, 3, 32, 112)]
    alone = [encoder.encode_patches(part) for part in crops]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(encoder.encode_patches, crops * 10))
    assert all(torch.equal(features, alone[index % 2]) for index, features in enumerate(together))


def test_gradients_reach_the_pixels() -> None:
    encoder = TimmPatchEncoder(toy_vit())
    crops = torch.rand(1, 3, 64, 64, requires_grad=True)
    step = torch.zeros_like(crops)
    step[0, 1, 20, 30] = 0.05
    weights = torch.randn(4, 4, 48)
    (gradient,) = torch.autograd.grad((encoder.features(crops) * weights).sum(), crops)
    with torch.no_grad():
        ahead, behind = encoder.features(crops + step), encoder.features(crops - step)
    slope = ((ahead - behind) * weights).sum() / 0.1
    torch.testing.assert_close(gradient[0, 1, 20, 30], slope, rtol=0.02, atol=2e-4)


def test_digest_follows_weights_and_settings() -> None:
    model = toy_vit()
    digest = TimmPatchEncoder(model).image_digest
    assert TimmPatchEncoder(model).image_digest == digest
    assert TimmPatchEncoder(model, precision="bf16").image_digest != digest
    assert TimmPatchEncoder(model, std=(0.5, 0.5, 0.5)).image_digest != digest
    assert TimmPatchEncoder(model, digest="file").image_digest != digest
    with torch.no_grad():
        model.pos_embed[0, 0, 0] += 1e-3
    assert TimmPatchEncoder(model).image_digest != digest


def test_the_bundled_patch_encoder_is_understood() -> None:
    from tiny_vlm import configs

    model = configs.build_patch_encoder()
    scatter_weights(model)
    encoder = TimmPatchEncoder(model)
    assert isinstance(encoder, PatchEncoder)
    assert encoder.patch_size == configs.PATCH_SIZE
    crops = torch.rand(1, 3, 224, 224)
    torch.testing.assert_close(encoder.encode_patches(crops), stock_values(model, crops), atol=1e-5, rtol=0)


def test_another_network_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedModel, match="model is Eva, but only timm's plain VisionTransformer"):
        TimmPatchEncoder(timm.create_model("vit_small_patch16_dinov3", img_size=64))
    with pytest.raises(UnsupportedModel, match="model is ResNet"):
        TimmPatchEncoder(timm.create_model("resnet10t"))
    with pytest.raises(UnsupportedModel, match="must be square"):
        TimmPatchEncoder(toy_vit(patch_size=(16, 8)))


def test_pixel_constants_need_three_channels() -> None:
    with pytest.raises(ValueError, match="3 values, one a channel, got 1"):
        TimmPatchEncoder(toy_vit(), mean=(0.5,))
