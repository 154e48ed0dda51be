"""Both sides of the benchmark of explanations make the same maps."""

from __future__ import annotations

import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

import evaluation.bench_explain as bench
from lposs_core import OpenCLIPEncoder
from tiny_vlm.configs import tokenizer


def test_captums_maps_and_ours_agree(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bench, "SIDE", 32)
    monkeypatch.setattr(bench, "BLOCK", 1)
    vision = CLIPVisionCfg(layers=2, width=64, head_width=32, image_size=32, patch_size=8)
    text = CLIPTextCfg(context_length=40, vocab_size=2014, width=32, heads=1, layers=1)
    clip = CLIP(32, vision, text).eval().requires_grad_(False)
    pairs = bench.explanation_pairs(clip, OpenCLIPEncoder(clip, tokenizer()))
    assert [pair.stretch for pair in pairs] == [1.0, 50 / 16]
    for pair in pairs:
        found, wanted = pair.ours(), pair.reference()
        assert found.shape == wanted.shape
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3 * float(wanted.abs().max()))
        assert bench.correlation(found, wanted) >= bench.LEAST_CORRELATION
