"""The tiny networks of the golden files: features, token ids, prototypes and MaskCLIP probabilities."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from lposs_core.dino import TimmPatchEncoder
from lposs_core.maskclip import OpenCLIPEncoder
from lposs_core.templates import OPENAI_IMAGENET_TEMPLATES, fill
from lposs_core.text import text_prototypes


def part_of(weights: Any, prefix: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): torch.from_numpy(weights[key])
        for key in weights.files
        if key.startswith(prefix)
    }


@pytest.fixture(scope="module")
def weights(golden_lposs: Path) -> Any:
    return np.load(golden_lposs / "e00_tiny_weights.npz")


@pytest.fixture(scope="module")
def pipeline(golden_lposs: Path) -> Any:
    return np.load(golden_lposs / "e02_tiny_224x320.npz")


@pytest.fixture(scope="module")
def crops(pipeline: Any) -> Tensor:
    image = torch.from_numpy(pipeline["image"]).permute(2, 0, 1).float() / 255
    return torch.stack([image[:, y1:y2, x1:x2] for y1, y2, x1, x2 in pipeline["windows"].tolist()])


@pytest.fixture(scope="module")
def clip(weights: Any) -> OpenCLIPEncoder:
    vision = CLIPVisionCfg(layers=4, width=64, head_width=32, patch_size=16, image_size=224)
    model = CLIP(32, vision, CLIPTextCfg(width=32, heads=2, layers=1)).eval()
    model.visual.load_state_dict(part_of(weights, "clip."))
    return OpenCLIPEncoder(model, open_clip.SimpleTokenizer())


@pytest.fixture(scope="module")
def dino(weights: Any) -> TimmPatchEncoder:
    model = VisionTransformer(
        img_size=224,
        patch_size=16,
        embed_dim=64,
        depth=3,
        num_heads=2,
        num_classes=0,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
    )
    model.load_state_dict(part_of(weights, "dino."))
    return TimmPatchEncoder(model)


def test_clip_features_equal_the_reference(clip: OpenCLIPEncoder, pipeline: Any, crops: Tensor) -> None:
    expected = torch.from_numpy(pipeline["clip"])
    torch.testing.assert_close(clip.encode_patches(crops), expected, atol=3e-6, rtol=0)


def test_dino_features_equal_the_reference(dino: TimmPatchEncoder, pipeline: Any, crops: Tensor) -> None:
    expected = torch.from_numpy(pipeline["dino"])
    torch.testing.assert_close(dino.encode_patches(crops), expected, atol=3e-6, rtol=0)


def test_maskclip_probabilities_equal_the_reference(
    clip: OpenCLIPEncoder, pipeline: Any, crops: Tensor
) -> None:
    cosines = clip.encode_patches(crops) @ torch.from_numpy(pipeline["text"]).T
    probabilities = (100 * cosines).softmax(dim=-1).permute(0, 3, 1, 2)
    expected = torch.from_numpy(pipeline["maskclip_probs"])
    torch.testing.assert_close(probabilities, expected, atol=1e-4, rtol=0)


def test_token_ids_equal_the_reference(golden_lposs: Path, clip: OpenCLIPEncoder) -> None:
    golden = np.load(golden_lposs / "e01_text_embeddings.npz")
    names = json.loads(str(golden["meta"]))["flat_names"]
    for name, expected in zip(names, golden["tokens"], strict=True):
        ids = clip.token_ids([fill(template, name) for template in OPENAI_IMAGENET_TEMPLATES])
        np.testing.assert_array_equal(ids.numpy(), expected)


class GivenVectors:
    """Replays the reference's raw text vectors, normalised as an encoder has to give them."""

    def __init__(self, names: Sequence[str], raw: Tensor) -> None:
        texts = [fill(template, name) for name in names for template in OPENAI_IMAGENET_TEMPLATES]
        unit = nn.functional.normalize(raw, dim=-1).flatten(0, 1)
        self._vectors = dict(zip(texts, unit, strict=True))

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        return torch.stack([self._vectors[text] for text in texts])


def test_prototypes_equal_the_reference(golden_lposs: Path) -> None:
    golden = np.load(golden_lposs / "e01_text_embeddings.npz")
    names = json.loads(str(golden["meta"]))["flat_names"]
    encoder = GivenVectors(names, torch.from_numpy(golden["raw"]))
    prototypes = text_prototypes(encoder, names, OPENAI_IMAGENET_TEMPLATES)
    torch.testing.assert_close(prototypes, torch.from_numpy(golden["class_embeddings"]), atol=1e-6, rtol=0)
