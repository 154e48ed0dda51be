from __future__ import annotations

import numpy as np
import torch

from evaluation.bench_pnp import gradcam_pair


def test_both_ways_give_the_same_maps() -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    reference, ours = gradcam_pair(image, vision_layers=1)
    wanted = reference()
    assert wanted.shape == (1, 16, 21, 21)
    assert wanted.abs().max() > 0
    assert torch.equal(ours(), wanted)
