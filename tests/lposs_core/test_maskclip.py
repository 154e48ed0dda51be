"""MaskCLIP features against the stock open_clip and timm modules, run by hand."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import open_clip
import pytest
import timm
import torch
import torch.nn.functional as F
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from timm.layers import HybridEmbed, SwiGLUPacked
from timm.models.vision_transformer import ParallelScalingBlock, VisionTransformer
from timm.models.vision_transformer_hybrid import ConvStem
from torch import Tensor, nn

from lposs_core.checkpoint import digest_state
from lposs_core.encoders import PatchEncoder, TextAlignedEncoder
from lposs_core.maskclip import OPENAI_MEAN, OPENAI_STD, OpenCLIPEncoder
from lposs_core.tower import UnsupportedModel

TEXT = CLIPTextCfg(context_length=20, vocab_size=49408, width=32, heads=2, layers=1)
TOKENIZER = open_clip.SimpleTokenizer(context_length=20)
NATIVE = {
    "plain": {},
    "layer scale": {"ls_init_value": 0.3},
    "no ln_pre": {"no_ln_pre": True},
    "norm after pooling": {"pool_type": "avg", "final_ln_after_pool": True},
    "query-key norm": {"qk_norm": True},
}


def scatter_weights(module: nn.Module, seed: int = 0) -> None:
    """Give every weight a value of its own, norms and biases included."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer.mul_(1 + torch.rand(buffer.shape, generator=generator))
            elif name.endswith("running_mean"):
                buffer.add_(torch.randn(buffer.shape, generator=generator) * 0.1)


def native_clip(quick_gelu: bool = False, **options: Any) -> CLIP:
    torch.manual_seed(0)
    vision = CLIPVisionCfg(layers=3, width=64, head_width=32, patch_size=16, image_size=64, **options)
    model = CLIP(24, vision, TEXT, quick_gelu=quick_gelu).eval()
    scatter_weights(model)
    return model


def toy_vit(**options: Any) -> VisionTransformer:
    settings = {"patch_size": 16, "num_classes": 5, **options}
    vit = VisionTransformer(img_size=64, embed_dim=48, depth=3, num_heads=3, **settings)
    vit.default_cfg = {}  # open_clip's wrapper reads it
    return vit


def toy_plain_vit(num_classes: int = 5, global_pool: str = "token", **_: Any) -> VisionTransformer:
    """A trunk in the signature of timm's registry."""
    return toy_vit(num_classes=num_classes, global_pool=global_pool)


def toy_stem_vit(num_classes: int = 5, global_pool: str = "token", **_: Any) -> VisionTransformer:
    """The same behind a convolutional stem with batch normalisation."""
    stem = ConvStem(depth=3, channels=(8, 16, 32), stride=(2, 2, 2))
    embed = partial(HybridEmbed, backbone=stem)
    return toy_vit(patch_size=2, embed_layer=embed, num_classes=num_classes, global_pool=global_pool)


def timm_clip(builder: Callable[..., VisionTransformer], pool: str, proj: str) -> CLIP:
    if not timm.is_model(builder.__name__):
        timm.models.register_model(builder)
    vision = CLIPVisionCfg(timm_model_name=builder.__name__, timm_pool=pool, timm_proj=proj, image_size=64)
    model = CLIP(24, vision, TEXT).eval()
    scatter_weights(model)
    return model


def encoder_of(model: nn.Module, **options: Any) -> OpenCLIPEncoder:
    return OpenCLIPEncoder(model, TOKENIZER, **options)


def normalised(crops: Tensor) -> Tensor:
    mean, std = torch.tensor(OPENAI_MEAN), torch.tensor(OPENAI_STD)
    return (crops - mean[:, None, None]) / std[:, None, None]


def resized(positions: Tensor, trained: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    plane = positions.T.reshape(1, -1, *trained)
    return F.interpolate(plane, size=grid, mode="bicubic", align_corners=False)[0].flatten(1).T


def only_itself(tokens: int) -> Tensor:
    """Additive mask with which a stock block lets every token see itself alone."""
    return torch.full((tokens, tokens), float("-inf")).fill_diagonal_(0.0)


def stock_native(visual: Any, crops: Tensor) -> Tensor:
    """MaskCLIP through the stock blocks; in the last one a mask leaves only the token itself."""
    patches = visual.conv1(normalised(crops))
    grid = (patches.shape[2], patches.shape[3])
    trained = visual.positional_embedding
    positions = torch.cat([trained[:1], resized(trained[1:], visual.grid_size, grid)])
    x = patches.flatten(2).transpose(1, 2)
    x = torch.cat([visual.class_embedding.expand(len(x), 1, -1), x], dim=1) + positions
    x = visual.ln_pre(x)
    for block in visual.transformer.resblocks[:-1]:
        x = block(x)
    x = visual.transformer.resblocks[-1](x, attn_mask=only_itself(x.shape[1]))
    x = visual.ln_post(x)[:, 1:] @ visual.proj
    return F.normalize(x, dim=-1).unflatten(1, grid)


def stock_timm(visual: Any, crops: Tensor) -> Tensor:
    """The same for a timm trunk inside open_clip's wrapper."""
    trunk, embed = visual.trunk, visual.trunk.patch_embed
    features = embed.backbone(normalised(crops)) if hasattr(embed, "backbone") else normalised(crops)
    patches = embed.proj(features)
    grid = (patches.shape[2], patches.shape[3])
    prefix = [token for token in (trunk.cls_token, trunk.reg_token) if token is not None]
    count = sum(token.shape[1] for token in prefix)
    embedded = 0 if trunk.no_embed_class else count
    positions = trunk.pos_embed[0]
    positions = torch.cat(
        [positions[:embedded], resized(positions[embedded:], trunk.patch_embed.grid_size, grid)]
    )
    x = patches.flatten(2).transpose(1, 2)
    x = x + positions if trunk.no_embed_class else x
    x = torch.cat([token.expand(len(x), -1, -1) for token in prefix] + [x], dim=1)
    x = x if trunk.no_embed_class else x + positions
    x = trunk.norm_pre(x)
    for block in trunk.blocks[:-1]:
        x = block(x)
    x = trunk.blocks[-1](x, attn_mask=only_itself(x.shape[1]))
    x = visual.head(trunk.head(trunk.fc_norm(trunk.norm(x))))[:, count:]
    return F.normalize(x, dim=-1).unflatten(1, grid)


def hooks_of(model: nn.Module) -> int:
    tables = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(module, table)) for module in model.modules() for table in tables)


@pytest.mark.parametrize("size", [(64, 64), (64, 96), (32, 48)])
@pytest.mark.parametrize("variant", NATIVE)
def test_native_features_equal_the_stock_blocks(variant: str, size: tuple[int, int]) -> None:
    model = native_clip(**NATIVE[variant])
    crops = torch.rand(2, 3, *size)
    features = encoder_of(model).encode_patches(crops)
    assert features.shape == (2, size[0] // 16, size[1] // 16, 24)
    with torch.no_grad():
        torch.testing.assert_close(features, stock_native(model.visual, crops), atol=1e-5, rtol=0)


def test_quick_gelu_stays_quick_gelu() -> None:
    crops = torch.rand(1, 3, 64, 64)
    quick, exact = native_clip(quick_gelu=True), native_clip()
    features = encoder_of(quick).encode_patches(crops)
    with torch.no_grad():
        torch.testing.assert_close(features, stock_native(quick.visual, crops), atol=1e-5, rtol=0)
    assert (features - encoder_of(exact).encode_patches(crops)).abs().max() > 1e-3


def test_full_size_vit_b_16_equals_the_stock_blocks() -> None:
    vision = CLIPVisionCfg(layers=12, width=768, patch_size=16, image_size=224)
    model = CLIP(512, vision, TEXT).eval()
    crops = torch.rand(1, 3, 224, 224)
    features = encoder_of(model).encode_patches(crops)
    assert features.shape == (1, 14, 14, 512)
    with torch.no_grad():
        torch.testing.assert_close(features, stock_native(model.visual, crops), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(64, 64), (32, 80)])
@pytest.mark.parametrize("proj", ["linear", "mlp", ""])
@pytest.mark.parametrize("pool", ["token", "avg"])
@pytest.mark.parametrize("builder", [toy_stem_vit, toy_plain_vit])
def test_timm_features_equal_the_stock_blocks(
    builder: Callable[..., VisionTransformer], pool: str, proj: str, size: tuple[int, int]
) -> None:
    model = timm_clip(builder, pool, proj)
    crops = torch.rand(2, 3, *size)
    features = encoder_of(model).encode_patches(crops)
    with torch.no_grad():
        torch.testing.assert_close(features, stock_timm(model.visual, crops), atol=1e-5, rtol=0)


def test_a_timm_trunk_named_in_an_open_clip_config_works() -> None:
    vision = CLIPVisionCfg(timm_model_name="vit_tiny_patch16_224", timm_pool="", timm_proj="linear")
    model = CLIP(24, vision, TEXT).eval()
    crops = torch.rand(1, 3, 224, 224)
    encoder = encoder_of(model)
    assert encoder.patch_size == 16
    with torch.no_grad():
        expected = stock_timm(model.visual, crops)
    torch.testing.assert_close(encoder.encode_patches(crops), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("no_embed_class", [False, True])
def test_register_tokens_are_counted_from_the_model(no_embed_class: bool) -> None:
    model = timm_clip(toy_plain_vit, "token", "linear")
    model.visual.trunk = toy_vit(reg_tokens=3, no_embed_class=no_embed_class, num_classes=0).eval()
    scatter_weights(model)
    crops = torch.rand(1, 3, 48, 64)
    features = encoder_of(model).encode_patches(crops)
    assert features.shape == (1, 3, 4, 24)
    with torch.no_grad():
        torch.testing.assert_close(features, stock_timm(model.visual, crops), atol=1e-5, rtol=0)


def test_the_bundled_dual_encoder_is_understood() -> None:
    from tiny_vlm import configs

    model = configs.build_dual_encoder()
    scatter_weights(model.visual)
    encoder = OpenCLIPEncoder(model, TOKENIZER, mean=OPENAI_MEAN, std=OPENAI_STD)
    crops = torch.rand(1, 3, 64, 96)
    assert encoder.patch_size == configs.PATCH_SIZE
    with torch.no_grad():
        expected = stock_timm(model.visual, crops)
    torch.testing.assert_close(encoder.encode_patches(crops), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_left_as_it_was_also_after_an_error(training: bool) -> None:
    model = timm_clip(toy_stem_vit, "token", "linear").train(training)
    before = digest_state(model.state_dict())
    encoder = encoder_of(model)
    first = encoder.encode_patches(torch.full((1, 3, 64, 80), 0.5))
    with pytest.raises(ValueError, match="multiples of 16 px, got 60 x 64"):
        encoder.encode_patches(torch.rand(1, 3, 60, 64))
    assert digest_state(model.state_dict()) == before
    assert hooks_of(model) == 0
    assert all(module.training is training for module in model.modules())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.visual.parameters())
    assert torch.equal(encoder.encode_patches(torch.full((1, 3, 64, 80), 0.5)), first)


def test_threads_with_different_sizes_get_the_answers_they_get_alone() -> None:
    encoder = encoder_of(native_clip())
    crops = [torch.rand(2, 3, 64, 64), torch.rand(1, 3, 32, 112), torch.rand(3, 3, 80, 48)]
    alone = [encoder.encode_patches(part) for part in crops]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(encoder.encode_patches, crops * 8))
    for index, features in enumerate(together):
        assert torch.equal(features, alone[index % 3])


@pytest.mark.parametrize("build", [native_clip, lambda: timm_clip(toy_stem_vit, "token", "linear")])
def test_bf16_keeps_the_directions(build: Callable[[], CLIP]) -> None:
    model, crops = build(), torch.rand(2, 3, 64, 64)
    exact = encoder_of(model).encode_patches(crops)
    coarse = encoder_of(model, precision="bf16").encode_patches(crops)
    assert coarse.dtype == torch.float32
    torch.testing.assert_close(coarse.norm(dim=-1), torch.ones(2, 4, 4))
    cosine = (exact * coarse).sum(-1)
    assert 0.999 <= cosine.min() < 1 - 1e-7
    assert next(model.parameters()).dtype == torch.float32


def test_gradients_reach_the_pixels_as_through_the_stock_blocks() -> None:
    model = native_clip()
    weights = torch.randn(4, 4, 24)
    gradients = []
    for forward in (encoder_of(model).features, partial(stock_native, model.visual)):
        crops = torch.linspace(0, 1, 3 * 64 * 64).view(1, 3, 64, 64).requires_grad_()
        (forward(crops) * weights).sum().backward(inputs=[crops])
        gradients.append(crops.grad)
    assert gradients[0] is not None
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-5, rtol=1e-4)


def test_encode_patches_builds_no_graph_and_can_be_saved_for_backward() -> None:
    features = encoder_of(native_clip()).encode_patches(torch.rand(1, 3, 64, 64).requires_grad_())
    assert not features.requires_grad
    assert not features.is_inference()


def test_blocks_can_be_run_in_two_parts() -> None:
    encoder = encoder_of(native_clip())
    crops = torch.rand(2, 3, 64, 48)
    with torch.no_grad():
        early = encoder.tower.run(encoder.tower.embed(crops), stop=1)
        late = encoder.tower.run(early, start=1, stop=-1)
        assert torch.equal(encoder.dense_head(late, (4, 3)), encoder.encode_patches(crops))


def test_many_crops_give_what_each_gives_alone() -> None:
    encoder = encoder_of(native_clip())
    crops = torch.rand(19, 3, 32, 32)
    singly = torch.cat([encoder.encode_patches(crop[None]) for crop in crops])
    torch.testing.assert_close(encoder.encode_patches(crops), singly, atol=1e-6, rtol=0)


def test_image_digest_follows_weights_precision_constants_and_activation() -> None:
    model = native_clip()
    digest = encoder_of(model).image_digest
    assert encoder_of(native_clip()).image_digest == digest
    assert encoder_of(model, precision="bf16").image_digest != digest
    assert encoder_of(model, mean=(0.5, 0.5, 0.5)).image_digest != digest
    assert encoder_of(native_clip(quick_gelu=True)).image_digest != digest
    with torch.no_grad():
        model.visual.ln_post.bias[0] += 1e-3
    assert encoder_of(model).image_digest != digest


def test_a_given_digest_stands_for_the_image_weights() -> None:
    model = native_clip()
    named = encoder_of(model, digest="ab" * 32)
    assert named.image_digest == encoder_of(model, digest="ab" * 32).image_digest
    assert named.image_digest != encoder_of(model, digest="cd" * 32).image_digest
    assert named.text_digest == encoder_of(model).text_digest


def test_text_digest_is_shared_by_checkpoints_with_one_text_tower() -> None:
    model = native_clip()
    stock = encoder_of(model)
    with torch.no_grad():
        model.visual.conv1.weight.mul_(1.5)
        model.logit_scale.add_(1)
    tuned = encoder_of(model)
    assert tuned.text_digest == stock.text_digest
    assert tuned.image_digest != stock.image_digest
    with torch.no_grad():
        model.ln_final.bias[0] += 1e-3
    assert encoder_of(model).text_digest != stock.text_digest


def test_text_digest_follows_the_tokenizer_and_the_precision() -> None:
    model = native_clip()
    digest = encoder_of(model).text_digest
    keeps_case = open_clip.SimpleTokenizer(context_length=20, clean="whitespace")
    assert OpenCLIPEncoder(model, keeps_case).text_digest != digest
    assert encoder_of(model, precision="bf16").text_digest != digest


def test_encoders_fulfil_the_protocols() -> None:
    encoder = encoder_of(native_clip())
    assert isinstance(encoder, TextAlignedEncoder)
    assert isinstance(encoder, PatchEncoder)
    assert encoder.device == torch.device("cpu")


def test_pooling_by_many_probes_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match=r"visual\.attn_pool pools the patches by attention"):
        encoder_of(native_clip(attentional_pool=True, attn_pooler_heads=4))


def test_other_networks_and_blocks_are_refused_by_name() -> None:
    resnet = CLIP(24, CLIPVisionCfg(layers=(1, 1, 1, 1), width=32, image_size=64), TEXT)
    with pytest.raises(UnsupportedModel, match="visual is ModifiedResNet"):
        encoder_of(resnet)
    model = timm_clip(toy_plain_vit, "token", "linear")
    model.visual.trunk = toy_vit(block_fn=ParallelScalingBlock)
    with pytest.raises(UnsupportedModel, match=r"visual\.trunk\.blocks\.0 is ParallelScalingBlock"):
        encoder_of(model)
    model.visual.trunk = toy_vit(mlp_layer=SwiGLUPacked)
    with pytest.raises(UnsupportedModel, match=r"visual\.trunk\.blocks\.0\.mlp is GluMlp"):
        encoder_of(model)
    with pytest.raises(UnsupportedModel, match=r"resblocks\.0\.attn\.head_scale"):
        encoder_of(native_clip(scale_heads=True))


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match='precision must be "fp32" or "bf16", got \'fp16\''):
        encoder_of(native_clip(), precision="fp16")


@pytest.mark.parametrize(
    "crops", [torch.zeros(3, 64, 64), torch.zeros(1, 4, 64, 64), torch.zeros(1, 3, 0, 64)]
)
def test_crops_of_another_shape_are_refused(crops: Tensor) -> None:
    with pytest.raises(ValueError, match="crops must"):
        encoder_of(native_clip()).encode_patches(crops)


def test_integer_crops_are_refused() -> None:
    with pytest.raises(ValueError, match=r"floating point .* got torch\.uint8"):
        encoder_of(native_clip()).encode_patches(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))
