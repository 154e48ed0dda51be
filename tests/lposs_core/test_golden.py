"""Numbers of the published LPOSS code; tolerances as its golden files state them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lposs_core import (
    LPOSS,
    OPENAI_IMAGENET_TEMPLATES,
    LPOSSConfig,
    OpenCLIPEncoder,
    TimmPatchEncoder,
    build_patch_graph,
    build_pixel_graph,
    label_map,
    merge_windows,
    patch_centres,
    propagate,
    refine,
    window_boxes,
)
from lposs_core.pixel_graph import PixelGraph

PATCH_CASES = (
    "p01_one_window_224",
    "p03_photo_bike_448x661",
    "p04_tiny_40x56",
    "p06_many_classes_171",
    "p07_background_46_to_21",
)
PIXEL_CASES = ("x01_pixels_64x96", "x02_pixels_flat_32x48", "x03_pixels_noise_48x40")
PHOTO, TINY = "x05_photo_van_448x448", "e02_tiny_224x320"
ALL_CASES = (*PATCH_CASES, *PIXEL_CASES, PHOTO, TINY)


@dataclass(frozen=True)
class Case:
    """One golden file."""

    meta: dict[str, Any]
    arrays: Any

    @property
    def config(self) -> LPOSSConfig:
        return LPOSSConfig.from_mapping(self.meta["hyper"])

    @property
    def image(self) -> np.ndarray:
        return self.arrays["image"]

    @property
    def boxes(self) -> np.ndarray:
        return window_boxes(*self.image.shape[:2], self.meta["crop"], self.meta["stride"])

    @property
    def features(self) -> np.ndarray:
        dino = self.arrays["dino"]
        return dino.reshape(-1, dino.shape[-1])

    @property
    def positions(self) -> np.ndarray:
        _, gh, gw, _ = self.arrays["dino"].shape
        return patch_centres(self.boxes, self.meta["patch"], gh, gw).numpy()

    def merge(self, patch_scores: np.ndarray) -> Tensor:
        grid = torch.from_numpy(patch_scores).reshape(*self.arrays["dino"].shape[:3], -1)
        return merge_windows(grid, self.boxes, *self.image.shape[:2])


@pytest.fixture
def case(golden_lposs: Path, request: pytest.FixtureRequest) -> Case:
    arrays = np.load(golden_lposs / f"{request.param}.npz")
    return Case(json.loads(str(arrays["meta"])), arrays)


def each(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", names, indirect=True, ids=lambda name: name[:3])


def relative(ours: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(ours.astype(float) - expected).max() / np.abs(expected).max())


def wide(case: Case, usual: float, photo: float) -> float:
    """Tolerance of a case; in the photo a tie between two neighbours may be broken either way."""
    return photo if case.meta["name"] == PHOTO else usual


@each(*ALL_CASES)
def test_windows(case: Case):
    names = case.arrays.files
    expected = case.arrays["windows" if "windows" in names else "locations"]
    np.testing.assert_array_equal(case.boxes, expected)


@each(*ALL_CASES)
@pytest.mark.parametrize("dense_nodes", [4000, 1], ids=["dense", "sparse"])
def test_patch_graph(case: Case, dense_nodes: int):
    features, positions = torch.from_numpy(case.features), torch.from_numpy(case.positions)
    graph = build_patch_graph(features, positions, case.config, dense_nodes=dense_nodes)
    row_sums = 1 - case.config.alpha * graph.dense().double().sum(1)
    assert relative(row_sums.numpy(), case.arrays["patch_L_ones"]) < wide(case, 1e-6, 1e-3)


@each(*ALL_CASES)
def test_patch_scores(case: Case):
    seeds, expected = case.arrays["patch_scores_in"], case.arrays["patch_scores_out"]
    scores = propagate(case.features, seeds, case.positions, case.config)
    assert relative(scores, expected) < wide(case, 2e-6, 1e-4)
    np.testing.assert_array_equal(scores.argmax(1), expected.argmax(1))


@each(*ALL_CASES[:-1])
def test_seeds_are_raw_cosines(case: Case):
    clip, text = case.arrays["clip"], case.arrays["text"]
    assert relative(clip.reshape(-1, clip.shape[-1]) @ text.T, case.arrays["patch_scores_in"]) < 1e-6


@each(*PATCH_CASES)
def test_final_labels(case: Case):
    check_final(case, case.merge(case.arrays["patch_scores_out"]), 2e-6)


@each(*PIXEL_CASES, PHOTO)
def test_pixel_graph(case: Case):
    graph = build_pixel_graph(case.image, case.config.tau, case.config.r)
    double = PixelGraph(graph.planes.double(), graph.shifts, graph.height, graph.width)
    ties = double.multiply(torch.ones(1, graph.nodes, dtype=torch.float64))
    step, expected = case.meta["pixel_stride"], case.arrays["pixel_L_ones"]
    row_sums = 1 - case.config.alpha * ties.view(graph.height, graph.width)
    # white noise with tau = 0.002 has ties among the smallest numbers of float32, hence 2e-6 and not 1e-6
    assert relative(row_sums[::step, ::step].numpy(), expected) < 2e-6


@each(*PIXEL_CASES, PHOTO, TINY)
def test_pixel_scores(case: Case):
    arrays, step = case.arrays, case.meta["pixel_stride"]
    merged = case.merge(arrays["patch_scores_out"])
    scores = refine(case.image, merged, case.config).numpy()
    tolerance = 7e-5 if case.meta["name"] in (PHOTO, TINY) else 2e-5
    assert relative(scores[::step, ::step], arrays["pixel_scores_out"]) < tolerance
    if case.meta["name"] != PHOTO:  # its copy of the seeds is float16
        assert relative(merged[::step, ::step].numpy(), arrays["pixel_scores_in"]) < 2e-6
    margin = arrays["pixel_margin"] if case.meta["name"] != PHOTO else None  # there of every 4th pixel only
    check_labels(scores.argmax(2), arrays["pixel_argmax"], margin)
    check_final(case, torch.from_numpy(scores), tolerance)


def check_final(case: Case, scores: Tensor, tolerance: float) -> None:
    folded = fold_first_class(scores.permute(2, 0, 1), case.meta["num_classes"])
    final = F.interpolate(folded[None], case.meta["ori_hw"], mode="bilinear", align_corners=False)[0].numpy()
    step = case.meta["final_sub_stride"]
    assert relative(final[:, ::step, ::step], case.arrays["final_scores_sub"]) < tolerance
    margin = case.arrays["final_margin"] if "final_margin" in case.arrays.files else None
    check_labels(final.argmax(0), case.arrays["final_argmax"], margin)


def fold_first_class(scores: Tensor, classes: int) -> Tensor:
    """Published rule: the first ``C - K + 1`` prototypes are the texts of class 0."""
    first = len(scores) - classes + 1
    return torch.cat([scores[:first].amax(0)[None], scores[first:]])


def check_labels(labels: np.ndarray, expected: np.ndarray, margin: np.ndarray | None) -> None:
    different = labels != expected
    assert different.mean() < 1e-4
    if margin is not None and different.any():
        assert margin[different].max() < 1e-3


class GoldenTexts:
    """The tiny image tower of the golden files, with the text vectors recorded beside it."""

    context_length = 77
    text_digest = "golden"

    def __init__(self, image: OpenCLIPEncoder, vectors: dict[str, Tensor]) -> None:
        self.patch_size, self.device = image.patch_size, image.device
        self.image_digest, self.encode_patches = image.image_digest, image.encode_patches
        self.vectors = vectors

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        return F.normalize(torch.stack([self.vectors[text] for text in texts]), dim=-1)

    def count_tokens(self, text: str) -> int:
        return len(text.split()) + 2


def golden_clip(golden: Path) -> GoldenTexts:
    import open_clip
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    vision = CLIPVisionCfg(layers=4, width=64, head_width=32, patch_size=16, image_size=224)
    model = CLIP(32, vision, CLIPTextCfg(context_length=77, vocab_size=49408, width=32, heads=2, layers=1))
    model.visual.load_state_dict(weights(golden, "clip."))
    image = OpenCLIPEncoder(model.eval(), open_clip.SimpleTokenizer())
    arrays = np.load(golden / "e01_text_embeddings.npz")
    names = json.loads(str(arrays["meta"]))["flat_names"]
    vectors = {
        template.format(name): torch.from_numpy(vector)
        for name, rows in zip(names, arrays["raw"], strict=True)
        for template, vector in zip(OPENAI_IMAGENET_TEMPLATES, rows, strict=True)
    }
    return GoldenTexts(image, vectors)


def golden_dino(golden: Path) -> TimmPatchEncoder:
    from timm.models.vision_transformer import VisionTransformer

    model = VisionTransformer(224, 16, embed_dim=64, depth=3, num_heads=2, num_classes=0)
    model.load_state_dict(weights(golden, "dino."))
    return TimmPatchEncoder(model.eval())


def weights(golden: Path, prefix: str) -> dict[str, Tensor]:
    arrays = np.load(golden / "e00_tiny_weights.npz")
    names = [name for name in arrays.files if name.startswith(prefix)]
    return {name.removeprefix(prefix): torch.from_numpy(arrays[name]) for name in names}


@each(TINY)
def test_the_whole_pipeline_from_picture_to_labels(case: Case, golden_lposs: Path):
    config = case.config.replace(short_side=224)
    lposs = LPOSS(golden_clip(golden_lposs), golden_dino(golden_lposs), config)
    names = [text.split(";") for text in case.meta["names"]]
    result = lposs.segment(case.image, names, method="lposs_plus")
    height, width = case.meta["ori_hw"]
    resized = F.interpolate(result.scores[None], (height, width), mode="bilinear", align_corners=False)[0]
    step = case.meta["final_sub_stride"]
    assert relative(resized[:, ::step, ::step].numpy(), case.arrays["final_scores_sub"]) < 7e-5
    labels = label_map(result, height, width)
    assert (labels != case.arrays["final_argmax"]).mean() < 1e-4


@each(TINY)
def test_maskclip_probabilities(case: Case, golden_lposs: Path):
    config = case.config.replace(short_side=224)
    lposs = LPOSS(golden_clip(golden_lposs), golden_dino(golden_lposs), config)
    texts = [text for names in case.meta["names"] for text in names.split(";")]
    result = lposs.segment(case.image, [[text] for text in texts], method="maskclip")
    windows = torch.from_numpy(case.arrays["maskclip_probs"]).permute(0, 2, 3, 1)
    expected = merge_windows(windows, case.boxes, *case.image.shape[:2]).permute(2, 0, 1)
    torch.testing.assert_close(result.scores, expected, rtol=0, atol=1e-4)
