"""The benchmark's other side must be the published code: its golden numbers decide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import timm
import torch

from evaluation import published
from lposs_core import LPOSSConfig, OpenCLIPEncoder, TimmPatchEncoder, text_prototypes


def _load(folder: Path, name: str) -> tuple[Any, dict[str, Any], LPOSSConfig]:
    golden = np.load(folder / f"{name}.npz")
    meta = json.loads(str(golden["meta"]))
    hyper = {key: value for key, value in meta["hyper"].items() if key != "pixel_refine"}
    return golden, meta, LPOSSConfig.from_mapping(hyper)


def _positions(golden: Any) -> np.ndarray:
    (gh, gw), corners = golden["grids"][0], golden["locations"][:, [0, 2]]
    rows, columns = np.mgrid[:gh, :gw]
    centres = np.stack([rows, columns], -1).reshape(-1, 2) * 16 + 8
    return (corners[:, None] + centres).reshape(-1, 2).astype(np.float32)


def test_patch_scores_are_the_published_ones(golden_lposs: Path) -> None:
    golden, _, config = _load(golden_lposs, "p01_one_window_224")
    features = golden["dino"].reshape(-1, golden["dino"].shape[-1])
    system = published.patch_matrix(features, _positions(golden), config)
    scores = published.solve(system, golden["patch_scores_in"], config)
    np.testing.assert_allclose(system @ np.ones(len(features)), golden["patch_L_ones"], atol=1e-6)
    np.testing.assert_allclose(scores, golden["patch_scores_out"], rtol=0, atol=2e-6 * np.abs(scores).max())


def test_pixel_scores_are_the_published_ones(golden_lposs: Path) -> None:
    golden, meta, config = _load(golden_lposs, "x01_pixels_64x96")
    assert meta["pixel_stride"] == 1
    before = golden["pixel_scores_in"]
    system = published.pixel_matrix(golden["image"], config)
    scores = published.solve(system, before.reshape(-1, before.shape[-1]), config).reshape(before.shape)
    wanted = golden["pixel_scores_out"]
    np.testing.assert_allclose(scores, wanted, rtol=0, atol=2e-5 * np.abs(wanted).max())


@pytest.fixture(scope="module")
def small_clip() -> Any:
    torch.manual_seed(0)
    vision = {"layers": 3, "width": 64, "head_width": 32, "patch_size": 16, "image_size": 64}
    text = {"layers": 2, "width": 64, "heads": 2, "context_length": 77, "vocab_size": 49408}
    model = open_clip.CLIP(embed_dim=32, vision_cfg=vision, text_cfg=text)
    return model.eval().requires_grad_(False)


def test_whole_networks_agree_with_our_trimmed_ones(small_clip: Any) -> None:
    tokenizer = open_clip.get_tokenizer("ViT-B-16")
    vit = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=3, pretrained=False).eval()
    clip = OpenCLIPEncoder(small_clip, tokenizer, mean=(0, 0, 0), std=(1, 1, 1))
    patches = TimmPatchEncoder(vit, mean=(0, 0, 0), std=(1, 1, 1))
    crops = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(
        clip.encode_patches(crops).flatten(1, 2), published.clip_patches(small_clip, crops), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(
        patches.encode_patches(crops).flatten(1, 2), published.value_patches(vit, crops), atol=1e-5, rtol=0
    )
    templates = ("a photo of a {}.", "{} on a wall")
    torch.testing.assert_close(
        text_prototypes(clip, ["old window"], templates)[0],
        published.text_prototype(small_clip, tokenizer, "old window", templates),
        atol=1e-5,
        rtol=0,
    )
