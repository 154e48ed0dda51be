"""Patches through SigLIP's pooling: the stock pool, given one patch at a time, is the oracle."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from open_clip.model import CustomTextCLIP
from timm.layers import AttentionPoolLatent
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from lposs_core.attention_pool import read_attention_pool
from lposs_core.image_tower import read_timm_tower
from lposs_core.maskclip import OpenCLIPEncoder, dense_features
from lposs_core.tower import UnsupportedModel

HALF = (0.5, 0.5, 0.5)


def siglip_like(**options: Any) -> VisionTransformer:
    settings = {"class_token": False, "global_pool": "map", "num_classes": 0, **options}
    vit = VisionTransformer(img_size=64, patch_size=16, embed_dim=48, depth=3, num_heads=3, **settings)
    for parameter in vit.parameters():
        nn.init.normal_(parameter, std=0.2)
    return vit.eval()


def one_patch_at_a_time(vit: VisionTransformer, crops: Tensor) -> Tensor:
    """The stock network up to its pool, then the stock pool on each patch alone."""
    tokens = vit.forward_features((crops - 0.5) / 0.5)
    pooled = [vit.forward_head(tokens[:, index : index + 1]) for index in range(tokens.shape[1])]
    return F.normalize(torch.stack(pooled, dim=1), dim=-1).unflatten(1, (4, 4))


def test_a_patch_is_pooled_as_if_the_probe_saw_it_alone() -> None:
    vit, crops = siglip_like(), torch.rand(2, 3, 64, 64)
    tower = read_timm_tower(vit, where="vit", mean=HALF, std=HALF, dtype=torch.float32)
    with torch.no_grad():
        found = dense_features(tower, tower.run(tower.embed(crops), stop=-1), (4, 4))
        torch.testing.assert_close(found, one_patch_at_a_time(vit, crops), atol=1e-5, rtol=0)


def test_the_formula_by_hand() -> None:
    pool = AttentionPoolLatent(8, num_heads=2, mlp_ratio=2, norm_layer=nn.LayerNorm)
    x = torch.randn(5, 8)
    value = x @ pool.kv.weight[8:].T + pool.kv.bias[8:]
    u = value @ pool.proj.weight.T + pool.proj.bias
    hidden = F.gelu(F.layer_norm(u, (8,)) @ pool.mlp.fc1.weight.T + pool.mlp.fc1.bias)
    wanted = u + hidden @ pool.mlp.fc2.weight.T + pool.mlp.fc2.bias
    torch.testing.assert_close(read_attention_pool(pool, "pool", torch.float32)(x), wanted)


def test_the_probe_has_no_say_and_a_class_token_is_dropped() -> None:
    vit, crops = siglip_like(class_token=True), torch.rand(1, 3, 64, 64)
    tower = read_timm_tower(vit, where="vit", mean=HALF, std=HALF, dtype=torch.float32)
    with torch.no_grad():
        before = dense_features(tower, tower.run(tower.embed(crops), stop=-1), (4, 4))
        vit.attn_pool.latent.add_(1.0)
        vit.attn_pool.q.weight.mul_(3.0)
        tower = read_timm_tower(vit, where="vit", mean=HALF, std=HALF, dtype=torch.float32)
        after = dense_features(tower, tower.run(tower.embed(crops), stop=-1), (4, 4))
    assert before.shape == (1, 4, 4, 48)
    assert torch.equal(before, after)


def test_open_clips_siglip_is_read_through_its_wrapper() -> None:
    text = {
        "context_length": 8,
        "vocab_size": 50,
        "width": 32,
        "heads": 2,
        "layers": 1,
        "no_causal_mask": True,
    }
    vision = {"timm_model_name": "vit_tiny_patch16_224", "image_size": 64}
    pools = {"timm_pool": "map", "timm_proj": "none", "timm_model_pretrained": False}
    model = CustomTextCLIP(192, {**vision, **pools}, {**text, "pool_type": "last", "proj_bias": True}).eval()
    encoder = OpenCLIPEncoder(model, lambda texts, context_length=8: torch.ones(len(texts), 8).long())
    assert encoder.tower.pools_by_attention
    assert encoder.encode_patches(torch.rand(1, 3, 64, 64)).shape == (1, 4, 4, 192)
    assert encoder.encode_texts(["wall"]).shape == (1, 192)


@pytest.mark.parametrize("options", [{"latent_len": 2}, {"pos_embed": "abs", "feat_size": 16}])
def test_other_pools_are_refused_by_place(options: dict[str, Any]) -> None:
    vit = siglip_like()
    vit.attn_pool = AttentionPoolLatent(48, num_heads=3, norm_layer=nn.LayerNorm, **options)
    with pytest.raises(UnsupportedModel, match=r"vit\.attn_pool is AttentionPoolLatent"):
        read_timm_tower(vit, where="vit", mean=HALF, std=HALF, dtype=torch.float32)
