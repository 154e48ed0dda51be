"""Checkpoints that begin alike share the work of their first blocks; answers stay the same to the bit."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn

from lposs_core import LPOSS, LPOSSConfig, OpenCLIPEncoder, TimmPatchEncoder
from lposs_core.tower import Block
from lposs_core.tower_digest import prefix_digest, shared_blocks

DEPTH = 12
SMALL = LPOSSConfig(short_side=64, crop=64, stride=32, k=6)


class Keeping:
    """A cache that keeps everything."""

    def __init__(self) -> None:
        self.kept: dict[Hashable, Any] = {}

    def get(self, key: Hashable, build: Callable[[], Any]) -> Any:
        if key not in self.kept:
            self.kept[key] = build()
        return self.kept[key]


def tiny_clip() -> nn.Module:
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    torch.manual_seed(5)
    vision = CLIPVisionCfg(layers=DEPTH, width=32, head_width=16, patch_size=16, image_size=64)
    return CLIP(16, vision, CLIPTextCfg(context_length=8, vocab_size=60, width=32, heads=2, layers=1)).eval()


def tuned(model: nn.Module, blocks: int) -> nn.Module:
    """A copy whose blocks from ``blocks`` on have other weights."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for block in other.visual.transformer.resblocks[blocks:]:
            block.mlp.c_fc.weight.add_(0.05)
    return other


def tokenizer(texts: list[str], context_length: int | None = None) -> torch.Tensor:
    return torch.tensor([[1, 2 + len(text) % 50, 59, 0, 0, 0, 0, 0] for text in texts])


def encoder(model: nn.Module, branches: tuple[int, ...] = ()) -> OpenCLIPEncoder:
    return OpenCLIPEncoder(model, tokenizer, branches=branches)


@contextmanager
def counted_blocks() -> Iterator[list[str]]:
    """Which block methods run, one entry a call."""
    seen: list[str] = []

    def counting(name: str) -> Callable[..., Any]:
        real = getattr(Block, name)

        def call(self: Block, *values: Any, **options: Any) -> Any:
            seen.append(name)
            return real(self, *values, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("__call__", "value_path"):
            patch.setattr(Block, name, counting(name))
        yield seen


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (70, 90, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def patches() -> TimmPatchEncoder:
    vit = timm.create_model("vit_tiny_patch16_224", img_size=64, embed_dim=24, depth=1, num_heads=2)
    return TimmPatchEncoder(vit)


def scores(clip: OpenCLIPEncoder, patches: TimmPatchEncoder, picture: np.ndarray, cache: Any) -> torch.Tensor:
    return LPOSS(clip, patches, SMALL, templates=["{}"], cache=cache).segment(picture, [["a"], ["bb"]]).scores


def test_flipping_to_a_checkpoint_that_shares_nine_blocks_runs_three(picture, patches):
    base = tiny_clip()
    first, second = encoder(base, (9,)), encoder(tuned(base, 9), (9,))
    cache = Keeping()
    scores(first, patches, picture, cache)
    with counted_blocks() as seen:  # the text tower is shared, so its vectors are kept
        found = scores(second, patches, picture, cache)
    assert seen == ["__call__", "__call__", "value_path"]  # blocks 10 and 11, and 12 without its attention
    assert torch.equal(found, scores(encoder(tuned(base, 9)), patches, picture, Keeping()))


def test_kept_tokens_change_no_bit(picture, patches):
    base = tiny_clip()
    plain = scores(encoder(base), patches, picture, Keeping())
    for branches in [(9,), (3, 9), (11,), (0, 12, 40)]:
        assert torch.equal(scores(encoder(base, branches), patches, picture, Keeping()), plain)


def test_several_branches_build_on_each_other(picture, patches):
    base = tiny_clip()
    cache = Keeping()
    scores(encoder(base, (4, 9)), patches, picture, cache)
    with counted_blocks() as seen:
        scores(encoder(tuned(base, 4), (4,)), patches, picture, cache)
    assert seen.count("__call__") + seen.count("value_path") == DEPTH - 4


def test_digests_follow_entry_and_blocks():
    base = tiny_clip()
    towers = [encoder(model).tower for model in (base, tuned(base, 9), tuned(base, 0))]
    assert [shared_blocks(towers[0], tower) for tower in towers] == [12, 9, 0]
    assert prefix_digest(towers[0], 9) == prefix_digest(towers[1], 9) != prefix_digest(towers[2], 9)
    assert prefix_digest(towers[0], 10) != prefix_digest(towers[1], 10)
    assert prefix_digest(towers[0], 0) == prefix_digest(towers[2], 0) != prefix_digest(towers[0], 1)
    rounded = OpenCLIPEncoder(base, tokenizer, precision="bf16").tower
    other_pixels = OpenCLIPEncoder(base, tokenizer, mean=(0.5, 0.5, 0.5)).tower
    names = {prefix_digest(tower, 3) for tower in (towers[0], rounded, other_pixels)}
    assert len(names) == 3
    assert shared_blocks(towers[0], other_pixels) == 0


def test_branches_outside_the_tower_are_left_out():
    assert encoder(tiny_clip(), (9, 3, 9, 0, 12, -1)).branches == (3, 9)
