import hashlib
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lposs_core import LPOSS, LPOSSConfig, label_map, merge_windows, probabilities, propagate, refine
from lposs_core.encoders import PatchEncoder, TextAlignedEncoder
from lposs_core.lposs import Method
from lposs_core.stages import Watch

CONFIG = LPOSSConfig(k=40, short_side=96, crop=64, stride=32)
TEMPLATES = ("a photo of {}.", "{}")
CLASSES = [["window", "glass"], ["brick wall"], ["стена", "wall", "plaster"]]


class ColourEncoder:
    """Projects the pixels of a patch with fixed numbers; texts are hashed. Counts what it encodes."""

    device = torch.device("cpu")
    context_length = 77

    def __init__(self, name: str = "colour", patch_size: int = 16) -> None:
        self.image_digest, self.text_digest, self.patch_size = name, f"text of {name}", patch_size
        seed = torch.Generator().manual_seed(len(name))
        self.projection = torch.randn(3 * patch_size**2, 12, generator=seed)
        self.windows = 0
        self.texts: list[str] = []

    def encode_patches(self, crops: Tensor) -> Tensor:
        self.windows += len(crops)
        p = self.patch_size
        n, _, h, w = crops.shape
        patches = crops.view(n, 3, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5).flatten(3)
        return F.normalize((patches - 0.4) @ self.projection, dim=-1)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        self.texts.extend(texts)
        return F.normalize(torch.stack([hashed_vector(text) for text in texts]), dim=-1)

    def count_tokens(self, text: str) -> int:
        return len(text.split()) + 2


def hashed_vector(text: str) -> Tensor:
    seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest())
    return torch.randn(12, generator=torch.Generator().manual_seed(seed))


class DictCache:
    """Keeps everything."""

    def __init__(self) -> None:
        self.kept: dict[Hashable, Any] = {}

    def get(self, key: Hashable, build: Callable[[], Any]) -> Any:
        if key not in self.kept:
            self.kept[key] = build()
        return self.kept[key]


def picture(height: int = 96, width: int = 130) -> np.ndarray:
    blocks = np.random.default_rng(5).integers(0, 256, (height // 12 + 1, width // 12 + 1, 3))
    noise = np.random.default_rng(6).integers(0, 9, (height, width, 3))
    smooth = np.kron(blocks, np.ones((12, 12, 1), int))[:height, :width]
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def segmenter(config: LPOSSConfig = CONFIG, cache: DictCache | None = None, **encoders: Any) -> LPOSS:
    clip = encoders.get("clip") or ColourEncoder()
    patches = encoders.get("patches") or ColourEncoder("patches")
    return LPOSS(clip, patches, config, templates=TEMPLATES, cache=cache)


METHODS: tuple[Method, ...] = ("maskclip", "lposs", "lposs_plus")


def test_the_toy_encoder_fits_the_protocols():
    assert isinstance(ColourEncoder(), TextAlignedEncoder)
    assert isinstance(ColourEncoder(), PatchEncoder)


def test_a_segmentation_is_the_chain_of_its_published_steps():
    lposs, image = segmenter(), picture()
    texts = [text for group in CLASSES for text in group]
    scene = lposs.working_image(image)
    clip = lposs.clip_features(scene).flatten(0, 2)
    seeds = clip @ lposs.prototypes(texts).T
    rows = torch.arange(4) * 16 + 8.0
    positions = torch.cat([
        torch.cartesian_prod(rows + y1, rows + x1) for y1, _, x1, _ in scene.boxes.tolist()
    ])  # fmt: skip
    features = lposs.patch_features(scene).flatten(0, 2)
    spread = propagate(features, seeds, positions, CONFIG)
    merged = merge_windows(spread.view(len(scene.boxes), 4, 4, -1), scene.boxes, *scene.size)
    refined = refine(scene.pixels, merged, CONFIG)
    for method, planes in (("lposs", merged), ("lposs_plus", refined)):
        expected = torch.stack(
            [planes[..., :2].amax(2), planes[..., 2], planes[..., 3:].amax(2)]
        )  # the largest over each class's texts, after propagation
        result = lposs.segment(image, CLASSES, method=method)
        torch.testing.assert_close(result.scores, expected, rtol=0, atol=2e-5 * float(expected.abs().max()))


def test_maskclip_is_a_softmax_over_all_prototypes():
    lposs, image = segmenter(), picture()
    result = lposs.segment(image, [["window"], ["wall"]], method="maskclip", background=["sky"])
    scene = lposs.working_image(image)
    cosines = lposs.clip_features(scene) @ lposs.prototypes(["window", "wall", "sky"]).T
    merged = merge_windows((100 * cosines).softmax(-1), scene.boxes, *scene.size).permute(2, 0, 1)
    torch.testing.assert_close(probabilities(result), merged)
    torch.testing.assert_close(probabilities(result).sum(0), torch.ones(scene.size))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(96, 130), (300, 220), (20, 30), (96, 96), (64, 700)])
def test_any_size_of_picture_gives_a_label_map_of_its_size(method: Method, size: tuple[int, int]):
    result = segmenter().segment(picture(*size), CLASSES, method=method, background=["sky"])
    assert torch.isfinite(result.scores).all()
    labels = label_map(result, *size)
    assert labels.shape == size
    assert set(np.unique(labels)) <= {0, 1, 2, 255}


@pytest.mark.parametrize("method", METHODS)
def test_permuting_classes_permutes_scores(method: Method):
    lposs, image = segmenter(), picture()
    forward = lposs.segment(image, CLASSES, method=method).scores
    backward = lposs.segment(image, CLASSES[::-1], method=method).scores
    torch.testing.assert_close(backward, forward.flip(0))


@pytest.mark.parametrize("method", METHODS)
def test_the_background_is_the_largest_of_its_words(method: Method):
    lposs, image, words = segmenter(), picture(), ["sky", "road", "tree"]
    result = lposs.segment(image, CLASSES, method=method, background=words)
    as_classes = lposs.segment(image, [*CLASSES, *([word] for word in words)], method=method).scores
    assert result.background is not None
    torch.testing.assert_close(result.background, as_classes[3:].amax(0))
    torch.testing.assert_close(result.scores, as_classes[:3])
    assert lposs.segment(image, CLASSES, method=method).background is None


@pytest.mark.parametrize("solver", ["published", "exact"])
@pytest.mark.parametrize("method", METHODS)
def test_a_cached_answer_equals_a_cold_one_bit_for_bit(solver: str, method: Method):
    config, image = CONFIG.replace(solver=solver), picture()
    warm = segmenter(config, DictCache())
    many = [["roof"], ["door"], ["sky"], *[[f"thing {n}"] for n in range(17)]]
    for asked in ([["wall"]], many, [["glass"], ["roof"]]):
        warm.segment(image, asked, method=method)
    edited = [["window"], ["roof", "glass"], ["wall"], ["thing 4"]]
    for background in ([], ["sky", "road"]):
        cold = segmenter(config).segment(image, edited, method=method, background=background)
        cached = warm.segment(image, edited, method=method, background=background)
        assert torch.equal(cached.stacked(), cold.stacked())


@pytest.mark.parametrize("method", METHODS)
def test_a_prompt_edit_encodes_nothing_of_the_picture(method: Method):
    lposs, image = segmenter(cache=DictCache()), picture()
    lposs.segment(image, CLASSES, method=method)
    windows = lposs.clip.windows, lposs.patches.windows
    lposs.clip.texts.clear()
    lposs.segment(image.copy(), [["window", "big window"], *CLASSES[1:]], method=method)
    assert (lposs.clip.windows, lposs.patches.windows) == windows
    assert lposs.clip.texts == ["a photo of big window.", "big window"]


def test_a_prompt_edit_solves_for_the_new_text_only():
    cache, image = DictCache(), picture()
    lposs = segmenter(cache=cache)
    lposs.segment(image, CLASSES, method="lposs_plus")
    before = set(cache.kept)
    lposs.segment(image, [["window"], ["door"]], method="lposs_plus")
    stages = sorted((key[0], key[-1]) for key in set(cache.kept) - before)
    assert stages == [("patch_column", "door"), ("pixel_column", "door"), ("text", "door")]
    assert "propagate" not in lposs.segment(image, [["door"]], method="lposs_plus").seconds


def test_checkpoints_share_the_patch_graph():
    cache, patches, image = DictCache(), ColourEncoder("patches"), picture()
    stock, tuned = ColourEncoder("stock"), ColourEncoder("finetuned")
    first = segmenter(cache=cache, clip=stock, patches=patches).segment(image, CLASSES)
    windows = patches.windows
    second = segmenter(cache=cache, clip=tuned, patches=patches).segment(image, CLASSES)
    assert patches.windows == windows
    assert sum(key[0] == "patch_graph" for key in cache.kept) == 1
    assert not torch.equal(first.scores, second.scores)


@pytest.mark.parametrize(
    "change",
    [{"alpha": 0.5}, {"gamma": 1.0}, {"k": 5}, {"sigma": 0.1}, {"pix_dist_pow": 2.0}, {"tau": 0.1}, {"r": 5},
     {"cg_maxiter": 3}, {"solver": "exact"}, {"stride": 16}, {"crop": 48}, {"short_side": 80}],
)  # fmt: skip
def test_no_setting_is_forgotten_by_the_cache(change: dict[str, Any]):
    cache, image = DictCache(), picture()
    segmenter(cache=cache).segment(image, CLASSES, method="lposs_plus")
    config = CONFIG.replace(**change)
    cached = segmenter(config, cache).segment(image, CLASSES, method="lposs_plus").scores
    cold = segmenter(config).segment(image, CLASSES, method="lposs_plus").scores
    assert torch.equal(cached, cold)


def test_pictures_and_templates_are_not_mixed_up_in_the_cache():
    cache, image, other = DictCache(), picture(), picture().transpose(1, 0, 2)
    segmenter(cache=cache).segment(image, CLASSES)
    assert torch.equal(
        segmenter(cache=cache).segment(other, CLASSES).scores, segmenter().segment(other, CLASSES).scores
    )
    plain = LPOSS(ColourEncoder(), ColourEncoder("patches"), CONFIG, templates=("{}",), cache=cache)
    fresh = LPOSS(ColourEncoder(), ColourEncoder("patches"), CONFIG, templates=("{}",))
    assert torch.equal(plain.segment(image, CLASSES).scores, fresh.segment(image, CLASSES).scores)


def test_encoders_may_have_different_patch_sizes():
    lposs = segmenter(patches=ColourEncoder("patches", patch_size=14))
    scene = lposs.working_image(picture())
    assert lposs.patch_graph(scene).nodes == len(scene.boxes) * 25
    aligned = lposs._aligned_features(scene, Watch())
    torch.testing.assert_close(aligned.norm(dim=1), torch.ones(len(scene.boxes) * 25))
    assert lposs.segment(picture(), CLASSES, method="lposs_plus").scores.shape == (3, 96, 130)


@pytest.mark.parametrize(("method", "gain"), [("maskclip", 1.0), ("lposs", 20.0), ("lposs_plus", 400.0)])
def test_the_gain_is_that_of_a_constant(method: Method, gain: float):
    assert segmenter().segment(picture(), CLASSES, method=method).gain == pytest.approx(gain)


def test_progress_names_the_stages_in_order_and_the_result_times_them():
    seen: list[tuple[str, float]] = []
    result = segmenter().segment(
        picture(), CLASSES, method="lposs_plus", progress=lambda *step: seen.append(step)
    )
    started = list(dict.fromkeys(name for name, _ in seen))
    assert started == [
        "windows", "encode_clip", "encode_patches", "graph", "text", "propagate", "refine"
    ]  # fmt: skip
    assert set(result.seconds) == set(started)
    assert all(0 <= fraction <= 1 for _, fraction in seen)


@pytest.mark.parametrize("stage", ["encode_patches", "text", "propagate", "refine"])
def test_a_request_can_be_cancelled_at_any_stage_and_asked_again(stage: str):
    class Cancelled(Exception):
        pass

    def cancel(name: str, fraction: float) -> None:
        if name == stage:
            raise Cancelled

    lposs, image = segmenter(cache=DictCache()), picture()
    with pytest.raises(Cancelled):
        lposs.segment(image, CLASSES, method="lposs_plus", progress=cancel)
    again = lposs.segment(image, CLASSES, method="lposs_plus").scores
    assert torch.equal(again, segmenter().segment(image, CLASSES, method="lposs_plus").scores)


def test_threads_share_one_segmenter():
    lposs, image = segmenter(), picture()
    prompts = [[["wall"], [f"class {n % 3}"]] for n in range(8)]
    alone = [lposs.segment(image, classes, method="lposs_plus").scores for classes in prompts]
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda classes: lposs.segment(image, classes, method="lposs_plus").scores, prompts)
        )
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(together, alone, strict=True))


def test_cached_tensors_can_be_used_in_a_gradient():
    cache = DictCache()
    lposs = segmenter(cache=cache)
    scene = lposs.working_image(picture())
    features = lposs.patch_features(scene)
    weight = torch.ones(12, requires_grad=True)
    (features * weight).sum().backward()
    assert not features.is_inference()
    torch.testing.assert_close(weight.grad, features.sum((0, 1, 2)))


def test_the_influence_of_every_patch_on_a_pixel_adds_up_to_its_score():
    lposs, image = segmenter(CONFIG.replace(solver="exact")), picture()
    scene = lposs.working_image(image)
    score = lposs.segment(image, [["wall"]]).scores[0, 40, 77]
    columns = torch.zeros(1, lposs.patch_graph(scene).nodes, requires_grad=True)
    lposs.merged(scene, columns)[0, 40, 77].backward()  # how much of each patch the pixel shows
    factor = lposs.factor(scene)
    assert factor is not None
    influence = factor.solve(columns.grad)[0]
    seeds = lposs.clip_features(scene).flatten(0, 2) @ lposs.prototypes(["wall"])[0]
    torch.testing.assert_close(influence @ seeds, score, rtol=1e-4, atol=1e-4)


def test_wrong_requests_are_named():
    lposs, image = segmenter(), picture()
    with pytest.raises(ValueError, match="at least one class"):
        lposs.segment(image, [])
    with pytest.raises(ValueError, match="class 1 has no text"):
        lposs.segment(image, [["wall"], []])
    with pytest.raises(TypeError, match="class 0 must be a sequence of texts, got the bare text 'wall'"):
        lposs.segment(image, ["wall"])
    with pytest.raises(TypeError, match="background"):
        lposs.segment(image, [["wall"]], background="sky")
    with pytest.raises(ValueError, match="method must be one of maskclip, lposs, lposs_plus, got 'sam'"):
        lposs.segment(image, [["wall"]], method="sam")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"\(H, W, 3\)"):
        lposs.segment(image[..., 0], [["wall"]])
