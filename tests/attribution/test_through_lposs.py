"""The methods on the score of LPOSS itself: encoder, graph, solve and merging of windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attribution import (
    Attribution,
    ClassTarget,
    TokenLayout,
    check_solve,
    grad_cam,
    implicit_solve,
    influence,
    integrated_gradients,
    pixel_region,
    score_gradient,
    score_of,
    winning_region,
)
from lposs_core import (
    LPOSS,
    LPOSSConfig,
    OpenCLIPEncoder,
    TimmPatchEncoder,
    load_safetensors,
    load_strict,
    text_prototypes,
)
from lposs_core.propagation import patch_solver
from lposs_core.templates import SIMPLE_TEMPLATES
from lposs_core.windows import merge_columns, resize_image
from tiny_vlm.configs import (
    IMAGE_MEAN,
    IMAGE_STD,
    WEIGHTS_DIR,
    build_dual_encoder,
    build_patch_encoder,
    tokenizer,
)

SIZE = (48, 64)
CLASSES = (["window"], ["wall"], ["crack"])
CONFIG = LPOSSConfig(
    solver="exact", short_side=SIZE[0], long_side=256, crop=32, stride=16, k=8, alpha=0.9, gamma=1.0
)
BLOCK = 3
PHOTOGRAPHS = (
    "bern_facades/images/20230329_200451_667_R_scaled_0.jpg",
    "bern_facades/images/20230329_211021_770_R_scaled_1.jpg",
    "bern_facades/images/20230417_223125_358_R_scaled_0.jpg",
    "bern_facades/images/IMG_0819_scaled_0.jpg",
    "bern_facades/images/IMG_5903_scaled_1.jpg",
    "bern_facades/images/IMG_6003_scaled_1.jpg",
    "bern_facades/images/IMG_6197_scaled_0.jpg",
    "spb_facades/images/img_408.jpg",
)


class ExplainedLPOSS:
    """The scores of LPOSS as a differentiable function of the picture; the graph is that of one picture."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.clip = OpenCLIPEncoder(build_dual_encoder(), tokenizer(), mean=IMAGE_MEAN, std=IMAGE_STD)
        vit = build_patch_encoder()
        self.patches = TimmPatchEncoder(vit, mean=IMAGE_MEAN, std=IMAGE_STD)
        self.pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8)
        self.lposs = LPOSS(self.clip, self.patches, CONFIG)
        scene = self.lposs.working_image(self.pixels)
        self.boxes = scene.boxes
        self.solve = patch_solver(self.lposs.patch_graph(scene), CONFIG)
        self.texts = self.lposs.prototypes([group[0] for group in CLASSES])
        self.tap = nn.Identity()

    @property
    def image(self) -> Tensor:
        return torch.from_numpy(self.pixels).permute(2, 0, 1).float() / 255

    def seeds(self, image: Tensor) -> Tensor:
        """(3, H, W) to cosines (C, N)."""
        crops = torch.stack([image[:, y1:y2, x1:x2] for y1, y2, x1, x2 in self.boxes.tolist()])
        tower = self.clip.tower
        tokens = self.tap(tower.run(tower.embed(crops), 0, BLOCK))
        features = self.clip.dense_head(tower.run(tokens, BLOCK, -1), tower.grid(crops))
        return self.texts @ features.flatten(0, 2).T

    def merge(self, columns: Tensor) -> Tensor:
        """(C, N) to (C, H, W)."""
        return merge_columns(columns.reshape(len(columns), len(self.boxes), 2, 2), self.boxes, *SIZE)

    def score(self, target: ClassTarget) -> Any:
        def scored(images: Tensor) -> Tensor:
            maps = [self.merge(implicit_solve(self.solve, self.seeds(image))) for image in images]
            return target(torch.stack(maps))

        return scored


@pytest.fixture(scope="module")
def explained() -> ExplainedLPOSS:
    return ExplainedLPOSS()


@pytest.fixture(scope="module")
def target() -> ClassTarget:
    gain = 1 / (1 - CONFIG.alpha)
    return ClassTarget(1, pixel_region(20, 37, SIZE), temperature=100 / gain, competition="probability")


def test_the_score_explained_is_the_score_shown(explained: ExplainedLPOSS, target: ClassTarget):
    shown = explained.lposs.segment(explained.pixels, CLASSES)
    probability = (shown.scores * (100 / shown.gain)).softmax(0)[1, 20, 37]
    with torch.no_grad():
        value = explained.score(target)(explained.image[None])[0]
    assert float(value) == pytest.approx(float(probability), abs=1e-5)


def test_the_gradient_of_the_picture_equals_finite_differences(
    explained: ExplainedLPOSS, target: ClassTarget
):
    score, image = explained.score(target), explained.image
    _, gradient = score_gradient(score, image[None])
    direction = gradient[0] / gradient.norm()
    with torch.no_grad():
        ends = score(torch.stack([image + 0.02 * direction, image - 0.02 * direction]))
    assert float(ends[0] - ends[1]) / 0.04 == pytest.approx(float(gradient.norm()), rel=0.02)


def test_integrated_gradients_sum_to_the_score_difference(explained: ExplainedLPOSS, target: ClassTarget):
    result = integrated_gradients(explained.score(target), explained.image, internal_batch=2)
    assert not result.flagged
    assert result.heatmap.shape == SIZE
    assert result.heatmap.sum(dtype=np.float64) == pytest.approx(
        result.score - (result.baseline_score or 0), rel=0.01
    )


def test_grad_cam_of_windows_equals_the_formula(explained: ExplainedLPOSS, target: ClassTarget):
    def side_by_side(maps: Tensor) -> Tensor:
        return explained.merge(maps.flatten()[None])[0]

    layout = TokenLayout((2, 2), prefix=1, stacked=True)
    result = grad_cam(
        explained.score(target), explained.image, explained.tap, tokens=layout, merge=side_by_side
    )
    kept: list[Tensor] = []
    handle = explained.tap.register_forward_hook(lambda _m, _i, out: kept.append(out.requires_grad_()))
    value = explained.score(target)(explained.image[None])
    handle.remove()
    (gradient,) = torch.autograd.grad(value, kept[0])
    weights = gradient[:, 1:].mean((0, 1))
    expected = side_by_side((kept[0][:, 1:] @ weights).detach())
    np.testing.assert_allclose(result.heatmap, expected, rtol=1e-3, atol=1e-7)
    assert result.method == "grad_cam"


def test_influence_times_seeds_is_the_score_of_the_pixel(explained: ExplainedLPOSS):
    nodes = len(explained.boxes) * 4
    assert check_solve(explained.solve, nodes) < 1e-4
    columns = torch.eye(nodes)
    weights = explained.merge(columns)[:, 20, 37]  # merging is linear: how much of the pixel each patch is
    row = influence(explained.solve, weights)
    with torch.no_grad():
        seeds = explained.seeds(explained.image)
        propagated = explained.merge(explained.solve(seeds))[:, 20, 37]
    torch.testing.assert_close(seeds @ row, propagated, rtol=1e-4, atol=1e-5)
    shares = Attribution(
        explained.merge((row * seeds[1])[None])[0].numpy(), "influence", float(propagated[1])
    )
    assert shares.heatmap.shape == SIZE


@pytest.mark.slow
def test_eight_photographs_are_explained_to_one_percent(photos: Path):
    """The bundled model, black baseline, mean probability over the region that the winning class carries."""
    network = build_dual_encoder()
    load_strict(network, load_safetensors(WEIGHTS_DIR / "tiny_clip_finetuned.safetensors"))
    clip = OpenCLIPEncoder(network, tokenizer(), mean=IMAGE_MEAN, std=IMAGE_STD)
    texts = text_prototypes(clip, ["window", "wall", "crack", "sky", "door"], SIMPLE_TEMPLATES)

    def maps(batch: Tensor) -> Tensor:
        return (clip.features(batch) @ texts.T).permute(0, 3, 1, 2)

    results = []
    for name in PHOTOGRAPHS:
        pixels = resize_image(cv2.imread(str(photos / name))[..., ::-1].copy(), 224, 224)
        image = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
        with torch.no_grad():
            scores = maps(image[None])[0]
        winner = int(scores.argmax(0).flatten().mode().values)
        target = ClassTarget(winner, winning_region(scores, winner), 100, "probability")
        results.append(integrated_gradients(score_of(maps, target), image))
    unflagged = [result for result in results if not result.flagged]
    for result in unflagged:
        assert result.heatmap.sum(dtype=np.float64) == pytest.approx(
            result.score - (result.baseline_score or 0), rel=0.0101
        )
    assert len(unflagged) >= len(PHOTOGRAPHS) - 1
