"""Explain one class of a picture without a browser.

    python -m evaluation.explain facade.jpg --prompts "wall; window; crack" --class window --out out/why

Writes ``heat.png`` (8-bit gray, the picture's size; the report's ``scale`` says what 0 and 255 stand for),
``overlay.png``, ``report.json`` and, with ``--npz``, the raw values. ``--against ID`` explains a second
checkpoint as well, into a folder each, on one scale; ``--ground-truth MASK`` adds the pointing game and IoU.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from attribution import SmoothGrad
from evaluation.analysis.ground_truth import against_truth
from evaluation.commands import UsageError, answer
from evaluation.facades.dataset import DatasetError, Mask, read_mask
from evaluation.segment import choose_prompts
from pipelines import (
    DEFAULT_CHECKPOINT,
    DEFAULT_METHOD,
    EXPLANATION_KINDS,
    METHODS,
    ExplanationRequest,
    ExplanationResult,
    Preset,
    TrustPlan,
    build_registry,
    explain,
    read_image,
    write_label_png,
)
from pipelines.explained_render import display_maps, heat_overlay
from pipelines.explanation import on_one_scale
from pipelines.explanation_types import BASELINES, DEFAULT_KIND


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.explain", description="Explain one class of a picture."
    )
    add = parser.add_argument
    add("image", type=Path, metavar="IMAGE", help="a PNG, JPEG, WebP or GIF")
    add("--class", dest="class_name", required=True, metavar="NAME", help="which class of the prompts")
    add("--prompts", metavar="FILE or TEXT", help="as for evaluation.segment")
    add("--kind", choices=list(EXPLANATION_KINDS), default=DEFAULT_KIND, help=f"default: {DEFAULT_KIND}")
    add("--method", choices=METHODS, default=DEFAULT_METHOD, help=f"default: {DEFAULT_METHOD}")
    add("--checkpoint", metavar="ID", default=DEFAULT_CHECKPOINT, help=f"default: {DEFAULT_CHECKPOINT}")
    add("--against", metavar="ID", help="a second checkpoint, explained on the same scale")
    add("--x", type=int, metavar="COLUMN", help="of the pixel to explain; without it, the whole class")
    add("--y", type=int, metavar="ROW", help="of that pixel")
    add("--baseline", choices=BASELINES, default="black", help="where Integrated Gradients start")
    add(
        "--steps",
        metavar="N,N",
        help="points of their path, tried until 1 %% is reached: 16,32,64,128",
    )
    add("--smooth", type=int, metavar="N", help="average them over N noisy copies (SmoothGrad)")
    add("--block", type=int, metavar="N", help="Grad-CAM looks behind block N of the image encoder")
    add("--no-trust", action="store_true", help="leave deletion and insertion out")
    add("--randomise", action="store_true", help="explain again while the weights become random")
    add(
        "--ground-truth",
        type=Path,
        metavar="MASK",
        help="8-bit PNG of class numbers in prompt order (255: unknown), for pointing game and IoU",
    )
    add("--npz", action="store_true", help="write the raw values, float32, the picture's size")
    add("--out", type=Path, metavar="DIR", help="where results go (out/NAME-why)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when the explanation was written; 2, with a sentence on stderr, for bad input.
    """
    arguments = build_parser().parse_args(argv)
    return answer(lambda: run(arguments), DatasetError)


def run(arguments: argparse.Namespace) -> int:
    """Do what the options ask for."""
    request = read_request(arguments)
    truth = read_truth(arguments.ground_truth, request) if arguments.ground_truth else None
    out: Path = arguments.out or Path("out") / f"{arguments.image.resolve().stem}-why"
    checkpoints = [request.checkpoint, *([arguments.against] if arguments.against else [])]
    registry = build_registry()
    results = [
        explain(replace(request, checkpoint=checkpoint), registry, show_progress)
        for checkpoint in checkpoints
    ]
    print(file=sys.stderr)
    folders = [out / checkpoint for checkpoint in checkpoints] if arguments.against else [out]
    write_results(folders, request, on_one_scale(results), npz=arguments.npz, truth=truth)
    for result in results:
        print(describe(result))
    print(f"written to {out}")
    return 0


def read_request(arguments: argparse.Namespace) -> ExplanationRequest:
    """What the options ask for.

    Raises:
        PipelineError: the picture or the prompts cannot be used.
        UsageError: the steps are no numbers.
    """
    request = ExplanationRequest(
        image=read_image(arguments.image),
        prompts=choose_prompts(arguments.prompts, Preset(arguments.method)),
        class_name=arguments.class_name,
        kind=arguments.kind,
        method=arguments.method,
        checkpoint=arguments.checkpoint,
        x=arguments.x,
        y=arguments.y,
        baseline=arguments.baseline,
        block=arguments.block,
        trust=None if arguments.no_trust else TrustPlan(),
        randomise=arguments.randomise,
    )
    if arguments.smooth is not None:
        request = replace(request, smooth=read_smooth(arguments.smooth))
    return request if arguments.steps is None else replace(request, steps=read_steps(arguments.steps))


def read_smooth(copies: int) -> SmoothGrad:
    """The number of noisy copies.

    Raises:
        UsageError: it is not positive.
    """
    if copies < 1:
        raise UsageError(f"--smooth needs at least 1 copy, got {copies}. Try --smooth 8.")
    return SmoothGrad(copies)


def read_steps(text: str) -> tuple[int, ...]:
    """Numbers of points, separated by commas.

    Raises:
        UsageError: they are no whole numbers.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--steps needs whole numbers such as 16,32,64,128, got {text!r}.") from None


def read_truth(path: Path, request: ExplanationRequest) -> Mask:
    """The mask that belongs to the picture, ``(H, W)``.

    Raises:
        DatasetError: it is no 8-bit PNG.
        UsageError: it has another size.
    """
    truth = read_mask(path)
    if truth.shape != request.image.shape[:2]:
        (height, width), (tall, wide) = truth.shape, request.image.shape[:2]
        raise UsageError(f"{path} is {width} x {height} pixels, the picture {wide} x {tall}. Give its mask.")
    return truth


def show_progress(stage: str, fraction: float) -> None:
    """Rewrite one line on stderr, where somebody sees it."""
    if sys.stderr.isatty():
        print(f"\r{stage} {fraction:4.0%} ", end="", file=sys.stderr, flush=True)


def write_results(
    folders: Sequence[Path],
    request: ExplanationRequest,
    results: Sequence[ExplanationResult],
    *,
    npz: bool = False,
    truth: Mask | None = None,
) -> None:
    """Write each result's pictures, report and, if wished, raw values into its folder.

    With a ``truth`` the report says whether the map points at the class, None where it shows none of it.
    """
    index = request.prompts.names.index(request.class_name)
    maps, scale = display_maps(results)
    signed = EXPLANATION_KINDS[request.kind].scale == "symmetric"
    for folder, result, heat in zip(folders, results, maps, strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        write_label_png(folder / "heat.png", result.gray())
        picture = heat_overlay(request.image, heat, scale, signed=signed)
        Image.fromarray(picture).save(folder / "overlay.png")
        report = result.report()
        if truth is not None:
            report["ground_truth"] = against_truth(result.heatmap, truth, (index,))
        words = json.dumps(report, ensure_ascii=False, indent=2)
        (folder / "report.json").write_text(words + "\n", encoding="utf-8")
        if npz:
            result.save(folder / "raw.npz")


def describe(result: ExplanationResult) -> str:
    """The figures that matter, in one line."""
    explained, faithfulness = result.finding.explained, result.finding.faithfulness
    words = [
        f"{result.finding.checkpoint.id}: {result.attribution.method} of {explained.class_name}, "
        f"{explained.quantity} {explained.score:.3f} ({explained.where})"
    ]
    if (gap := result.attribution.relative_gap) is not None:
        words.append(f"gap {gap:.2%}")
    if faithfulness is not None:
        words.append(
            f"deletion {faithfulness.deletion.auc:.3f}, insertion {faithfulness.insertion.auc:.3f}, "
            f"random {faithfulness.random_deletion:.3f}"
        )
        words.append(f"doubtful: {', '.join(result.doubts)}" if result.doubts else "believable")
    return "; ".join(words) + f" ({result.seconds['total']:.1f} s)"


if __name__ == "__main__":
    sys.exit(main())
