"""The published code path against ours, in one run on this machine: ratios, and whether the numbers agree.

    python -m evaluation.bench [--quick]

Networks have their real sizes and random weights. CPU seconds count all threads; they hardly depend on what
else runs as long as idle threads sleep, which `make bench` sees to (OMP_WAIT_POLICY=passive). Writes
bench/latest.json; exits 1 when the two sides disagree.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import timm
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from evaluation import published
from evaluation.bench_explain import LEAST_CORRELATION, correlation, explanation_pairs
from evaluation.bench_pnp import gradcam_pair
from lposs_core import (
    LPOSS,
    LPOSS_PLUS,
    OPENAI_IMAGENET_TEMPLATES,
    LPOSSConfig,
    OpenCLIPEncoder,
    TimmPatchEncoder,
    build_pixel_graph,
    cut_windows,
    propagate,
    refine,
    text_prototypes,
    window_boxes,
)
from pipelines import (
    FeatureCache,
    InferenceRequest,
    PipelineError,
    Precision,
    build_registry,
    infer,
    parse_prompts,
)
from tiny_vlm.facades import draw_facade

LATEST = Path(__file__).resolve().parents[1] / "bench" / "latest.json"
CLASSES = ("wall", "window", "door", "roof", "signboard", "crack")
NEW_TEXT = "spalling by the column"
LABELS_MAY_DIFFER = 1e-4
EDIT_GOAL = 0.3  # seconds, p95 of prompt edits with the bundled model
CLIP_PIXELS = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))  # mean, std
DINO_PIXELS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

Goals = tuple[tuple[Precision, float, float], ...]
TEXT_GOALS: Goals = (("fp32", 0.999999, 6.0), ("bf16", 0.999, 12.0))  # least cosine, least ratio
IMAGE_GOALS: Goals = (("fp32", 0.99999, 1.0), ("bf16", 0.99, 2.0))  # likewise
ACTION_GOALS: Goals = (("fp32", 7.0, 15.0), ("bf16", 12.0, 35.0))  # least ratio of a first result, of an edit


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    side: int = 448  # pixels of the square picture
    texts: int = 1  # texts whose cost is measured
    repeats: int = 3  # of our side; the median counts
    edits: int = 20  # prompt edits with the bundled model
    blip_layers: int = 24  # of BLIP's image tower


QUICK = Sizes(side=224, repeats=1, edits=5, blip_layers=4)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one action takes."""

    cpu: float
    wall: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.wall + other.wall)

    def times(self, count: int) -> Cost:
        """The same action ``count`` times."""
        return Cost(self.cpu * count, self.wall * count)


@dataclass(slots=True)
class Comparison:
    """One line of the table.

    Attributes:
        action: what a user does.
        reference: cost of the published way; None where there is none.
        ours: cost here.
        target: least ratio of CPU seconds.
        agreement: how far the numbers are apart, in words.
        agrees: whether that is near enough.
    """

    action: str
    reference: Cost | None
    ours: Cost
    target: float | None = None
    agreement: str = ""
    agrees: bool = True

    @property
    def ratio(self) -> float | None:
        """How many times less CPU ours takes."""
        return None if self.reference is None else self.reference.cpu / max(self.ours.cpu, 1e-9)


@dataclass(slots=True)
class Bench:
    """Shared parts: one picture, networks of real size, and the costs that later lines add up."""

    sizes: Sizes
    image: NDArray[np.uint8]
    clip: Any
    vit: Any
    tokenizer: Any
    costs: dict[str, Cost] = field(default_factory=dict)

    def encoders(self, precision: Precision) -> tuple[OpenCLIPEncoder, TimmPatchEncoder]:
        """Both networks behind our adapters."""
        clip = OpenCLIPEncoder(self.clip, self.tokenizer, precision=precision)
        return clip, TimmPatchEncoder(self.vit, precision=precision)


def build_bench(sizes: Sizes) -> Bench:
    """Draw the picture and make the networks."""
    torch.manual_seed(0)
    image = draw_facade(1, sizes.side, sizes.side).image
    clip = open_clip.create_model("ViT-B-16", pretrained=None).eval().requires_grad_(False)
    vit = timm.create_model("vit_base_patch16_224.dino", pretrained=False).eval().requires_grad_(False)
    return Bench(sizes, image, clip, vit, open_clip.get_tokenizer("ViT-B-16"))


def measure(action: Callable[[], Any], repeats: int = 1) -> tuple[Any, Cost]:
    """Run an action; the median cost of its repeats counts."""
    costs: list[Cost] = []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        value = action()
        costs.append(Cost(time.process_time() - cpu, time.perf_counter() - wall))
    return value, sorted(costs, key=lambda cost: cost.cpu)[len(costs) // 2]


def compare_scores(ours: NDArray[Any], reference: NDArray[Any]) -> tuple[str, bool]:
    """Difference of two score arrays ``(..., C)`` relative to the largest, and of their labels."""
    apart = float(np.abs(ours - reference).max() / np.abs(reference).max())
    differ = float((ours.argmax(-1) != reference.argmax(-1)).mean())
    return f"scores {apart:.0e}, labels differ on {differ:.4%}", differ <= LABELS_MAY_DIFFER


def compare_vectors(ours: Tensor, reference: Tensor, least: float) -> tuple[str, bool]:
    """Smallest cosine of corresponding unit vectors."""
    cosine = float((ours.flatten(0, -2) * reference.flatten(0, -2)).sum(-1).min())
    return f"cosine at least {cosine:.6f}", cosine >= least


def bench_patches(bench: Bench) -> list[Comparison]:
    """Patch graph and its solve, from features as spread as DINO's (mean cosine about 0.2)."""
    boxes = window_boxes(bench.sizes.side, bench.sizes.side)
    draw = torch.Generator().manual_seed(1)
    kinds = F.normalize(torch.randn(12, 768, generator=draw) + 0.5, dim=-1)
    rows, columns = torch.meshgrid(torch.arange(14), torch.arange(14), indexing="ij")
    offsets = torch.stack([rows, columns], -1).reshape(-1, 2) * 16 + 8
    corners = torch.tensor(boxes[:, [0, 2]])
    positions = (corners[:, None] + offsets).reshape(-1, 2).float()
    chosen = (positions // 90).long() @ torch.tensor([3, 1]) % 12
    features = F.normalize(kinds[chosen] + 0.04 * torch.randn(len(chosen), 768, generator=draw), dim=-1)
    seeds = torch.rand(len(features), len(CLASSES), generator=draw)
    config = LPOSSConfig()

    def reference() -> NDArray[Any]:
        system = published.patch_matrix(features.numpy(), positions.numpy(), config)
        return published.solve(system, seeds.numpy(), config)

    wanted, slow = measure(reference)
    found, fast = measure(lambda: propagate(features, seeds, positions, config), bench.sizes.repeats)
    bench.costs["patches"] = slow
    name = f"patch graph + solve, {len(features)} nodes, {len(CLASSES)} classes"
    return [Comparison(name, slow, fast, 1.0, *compare_scores(found.numpy(), wanted))]


def bench_pixels(bench: Bench) -> list[Comparison]:
    """Pixel graph and its solve."""
    draw = np.random.default_rng(2)
    seeds = draw.random((*bench.image.shape[:2], 5), dtype=np.float32)
    system, build = measure(lambda: published.pixel_matrix(bench.image, LPOSS_PLUS))
    wanted, solve = measure(lambda: published.solve(system, seeds.reshape(-1, 5), LPOSS_PLUS))
    csr = system.data.nbytes + system.indices.nbytes + system.indptr.nbytes
    planes = build_pixel_graph(bench.image, LPOSS_PLUS.tau, LPOSS_PLUS.r).nbytes
    found, fast = measure(lambda: refine(bench.image, seeds, LPOSS_PLUS), bench.sizes.repeats)
    bench.costs["pixels"] = build + solve
    words, agrees = compare_scores(found, wanted.reshape(found.shape))
    words += f", memory {csr / planes:.1f} times less"
    name = f"pixel graph + solve, {bench.sizes.side} x {bench.sizes.side}, 5 classes"
    return [Comparison(name, build + solve, fast, 20.0, words, agrees)]


def bench_texts(bench: Bench) -> list[Comparison]:
    """One text in 80 templates."""
    templates = OPENAI_IMAGENET_TEMPLATES
    wanted, slow = measure(
        partial(published.text_prototype, bench.clip, bench.tokenizer, NEW_TEXT, templates)
    )
    bench.costs["text"] = slow
    lines = []
    for precision, least, target in TEXT_GOALS:
        encoder, _ = bench.encoders(precision)
        found, fast = measure(partial(text_prototypes, encoder, [NEW_TEXT], templates), bench.sizes.repeats)
        name = f"text in {len(templates)} templates, {precision}"
        lines.append(Comparison(name, slow, fast, target, *compare_vectors(found, wanted[None], least)))
    return lines


def bench_images(bench: Bench) -> list[Comparison]:
    """Both encoders on all windows."""
    crops = cut_windows(bench.image, window_boxes(bench.sizes.side, bench.sizes.side), 16)

    def run_stock() -> tuple[Tensor, Tensor]:
        dense = published.clip_patches(bench.clip, normalise(crops, *CLIP_PIXELS))
        return dense, published.value_patches(bench.vit, normalise(crops, *DINO_PIXELS))

    def run_ours(clip: OpenCLIPEncoder, patches: TimmPatchEncoder) -> tuple[Tensor, Tensor]:
        return clip.encode_patches(crops), patches.encode_patches(crops)

    (dense, values), slow = measure(run_stock)
    bench.costs["image"] = slow
    lines = []
    for precision, least, target in IMAGE_GOALS:
        found, fast = measure(partial(run_ours, *bench.encoders(precision)), bench.sizes.repeats)
        words, agrees = compare_vectors(found[0].flatten(1, 2), dense, least)
        other, also = compare_vectors(found[1].flatten(1, 2), values, least)
        name = f"image encode, {len(crops)} windows, {precision}"
        lines.append(Comparison(name, slow, fast, target, f"{words}; {other}", agrees and also))
    return lines


def bench_actions(bench: Bench) -> list[Comparison]:
    """What a user does, to LPOSS+; the published way is the sum of the parts measured before."""
    once = bench.costs["image"] + bench.costs["patches"] + bench.costs["pixels"]
    text = bench.costs["text"]
    classes = [[name] for name in CLASSES]
    edited = [*classes[:-1], [NEW_TEXT]]
    lines = []
    for precision, first_goal, edit_goal in ACTION_GOALS:
        segmenter = LPOSS(*bench.encoders(precision), LPOSS_PLUS, cache=FeatureCache(2_000_000_000))
        for name, prompts, reference, target in (
            ("first LPOSS+ result, cold texts", classes, once + text.times(len(CLASSES)), first_goal),
            ("prompt edit to LPOSS+, new text", edited, once + text, edit_goal),
            ("back to the former prompts", classes, once + text, None),
        ):
            _, fast = measure(partial(segmenter.segment, bench.image, prompts, method="lposs_plus"))
            lines.append(Comparison(f"{name}, {precision}", reference, fast, target, "sum of parts"))
    return lines


def bench_bundled(bench: Bench) -> list[Comparison]:
    """Prompt edits on a seen picture with the bundled model, 640 x 480, LPOSS."""
    registry = build_registry()
    image = draw_facade(2, 480, 640).image
    costs = []
    for number in range(bench.sizes.edits + 1):
        prompts = parse_prompts(f"wall; window; door; roof; sky; worn plaster number {number}")
        costs.append(measure(partial(infer, InferenceRequest(image, prompts), registry))[1])
    first, *edits = costs
    walls = sorted(cost.wall for cost in edits)
    p95 = walls[min(len(walls) - 1, round(0.95 * len(walls)))]
    words = f"p95 {p95 * 1000:.0f} ms of {len(walls)}, goal {EDIT_GOAL * 1000:.0f} ms"
    edit = Cost(statistics.median(cost.cpu for cost in edits), statistics.median(walls))
    return [
        Comparison("bundled model: first result, model loaded anew", None, first),
        Comparison("bundled model: prompt edit, new wording", None, edit, agreement=words),
    ]


def bench_gradcam(bench: Bench) -> list[Comparison]:
    """Cross-attention GradCAM of PnP-OVSS: one round of one picture."""
    reference, ours = gradcam_pair(bench.image, bench.sizes.blip_layers)
    wanted, slow = measure(reference)
    found, fast = measure(ours)
    apart = float((found - wanted).abs().max())
    name = (
        f"GradCAM, BLIP large with {bench.sizes.blip_layers} image layers: full backward, frozen image tower"
    )
    return [Comparison(name, slow, fast, 2.0, f"difference {apart:g}", apart == 0)]


def bench_explanations(bench: Bench) -> list[Comparison]:
    """Grad-CAM and Integrated Gradients, plain Captum on the other side."""
    lines = []
    for pair in explanation_pairs(bench.clip, bench.encoders("fp32")[0]):
        wanted, part = measure(pair.reference)
        found, fast = measure(pair.ours)
        slow = Cost(part.cpu * pair.stretch, part.wall * pair.stretch)
        near = correlation(found, wanted)
        words = f"correlation {near:.6f} at equal steps"
        lines.append(Comparison(pair.name, slow, fast, pair.target, words, near >= LEAST_CORRELATION))
    return lines


def normalise(crops: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Pixels in ``[0, 1]`` as a network expects them."""
    return (crops - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


PARTS = (
    bench_patches,
    bench_pixels,
    bench_texts,
    bench_images,
    bench_actions,
    bench_gradcam,
    bench_explanations,
    bench_bundled,
)


def render_table(lines: Sequence[Comparison]) -> str:
    """Markdown."""
    table = [
        "| action | published CPU-s | ours CPU-s | ours wall s | ratio | target | agreement |",
        "|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        reference = f"{line.reference.cpu:.3g}" if line.reference else ""
        ratio = f"{line.ratio:.1f}" if line.ratio else ""
        target = f"{line.target:g}" if line.target else ""
        ours = f"{line.ours.cpu:.3g} | {line.ours.wall:.3g}"
        table.append(f"| {line.action} | {reference} | {ours} | {ratio} | {target} | {line.agreement} |")
    return "\n".join(table)


def write_latest(lines: Sequence[Comparison], sizes: Sizes) -> None:
    """Write bench/latest.json."""
    content = {
        "sizes": dataclasses.asdict(sizes),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "lines": [dataclasses.asdict(line) | {"ratio": line.ratio} for line in lines],
    }
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0, or 1 when numbers disagree."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.bench", description="Measure both sides.")
    parser.add_argument("--quick", action="store_true", help="one window, no repeats")
    sizes = QUICK if parser.parse_args(argv).quick else Sizes()
    bench = build_bench(sizes)
    lines: list[Comparison] = []
    for part in PARTS:
        print(f"{part.__name__} ...", file=sys.stderr)
        try:
            lines += part(bench)
        except PipelineError as error:
            print(f"left out: {error}", file=sys.stderr)
    write_latest(lines, sizes)
    print(render_table(lines))
    return 0 if all(line.agrees for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
