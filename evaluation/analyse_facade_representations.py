"""Look at what checkpoints see: segmentations and heat maps of sampled pictures under several prompt sets.

    python -m evaluation.analyse_facade_representations --dataset-root DATA --output-dir OUT
        --finetuned-checkpoint OUT/checkpoint.safetensors --prompt "CRACK=crack by the column"

Writes ``OUT/SET/sample_00012/`` with pixel-aligned pictures, raw maps and a captioned sheet,
``OUT/analysis_summary.json``, and ``OUT/weight_changes.{json,png}``: what fine-tuning changed.
"""

from __future__ import annotations

import argparse
import logging
import platform
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evaluation.analysis.pictures import write_pictures, write_sheet
from evaluation.analysis.prompt_effect import check_prompts_act, score_effects, text_effects
from evaluation.analysis.prompt_sets import ABOUT, read_prompt_sets
from evaluation.analysis.question import ASKED, Question, read_focus, read_words
from evaluation.analysis.study import Side, Study, study_sample
from evaluation.analysis.weight_changes import write_weight_changes
from evaluation.commands import UsageError, answer
from evaluation.distributed import Rank
from evaluation.facades.config import load_config
from evaluation.facades.dataset import SPLITS, DatasetError, FacadeSample, read_sample
from evaluation.facades.models import Segmenter
from evaluation.facades.options import (
    add_data_options,
    add_model_options,
    build_segmenter,
    read_samples,
)
from evaluation.facades.outputs import write_json
from pipelines import METHODS, PromptSet
from pipelines.explanation_types import TrustPlan

PACKAGES = ("torch", "numpy", "open_clip_torch", "timm", "captum")

log = logging.getLogger("evaluation.analyse_facade_representations")


def build_parser() -> argparse.ArgumentParser:
    """The command line's options; those of the published tool have its names and defaults."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.analyse_facade_representations",
        description="Segmentations and heat maps of sampled pictures under several prompt sets.",
    )
    add_model_options(parser)
    add_data_options(parser)
    _add_published(parser)
    _add_own(parser)
    return parser


def _add_published(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--split", choices=SPLITS, default="val", help="what is sampled (val)")
    add("--indices", type=int, nargs="+", metavar="N", help="which pictures, from 0; before --num-samples")
    add("--num-samples", type=int, default=4, metavar="N", help="the first N pictures (4)")
    add("--methods", nargs="+", default=["gradcam", "integrated_gradients"], help=", ".join(ASKED))
    add("--ig-steps", type=int, nargs="+", default=[24], metavar="N", help="points of the path (24)")
    add("--focus-classes", nargs="+", metavar="CLASS", help="for probabilities and IG (six damage classes)")
    add("--prompt-set", action="append", default=[], metavar="NAME=PATH", help="texts of classes; repeatable")
    add("--prompt", action="append", default=[], metavar="CLASS=TEXT", help="the set 'inline'; repeatable")


def _add_own(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("beyond the published tool").add_argument
    add(
        "--segmentation-method",
        choices=[name for name in METHODS if name != "pnp_ovss"],
        default="maskclip",
        help="whose scores are shown and explained (maskclip, as published)",
    )
    add("--trust-steps", type=int, default=8, metavar="N", help="of deletion and insertion; 0: none (8)")
    add("--randomise", action="store_true", help="explain again while weights become random; slow")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0, or 2 with a sentence on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    arguments = build_parser().parse_args(argv)
    words = list(sys.argv[1:] if argv is None else argv)
    command = shlex.join(["python", "-m", "evaluation.analyse_facade_representations", *words])
    return answer(lambda: run(arguments, command), DatasetError)


def run(arguments: argparse.Namespace, command: str) -> None:
    """Do what the options ask for; bad input is refused before any model is loaded."""
    question = read_question(arguments)
    sets = read_prompt_sets(question.config, arguments.prompt_set, arguments.prompt)
    samples = choose_samples(arguments)
    segmenter = build_segmenter(arguments, question.config, Rank())
    vectors = text_effects(question.config, segmenter.models, sets, segmenter.registry)
    check_prompts_act(vectors, "text vectors")
    out: Path = arguments.output_dir
    out.mkdir(parents=True, exist_ok=True)
    summary: dict[str, Any] = {name: {} for name in sets}
    effects: dict[Side, float] = {}
    scales: dict[str, Any] = {}
    for index, sample in samples.items():
        image, truth = read_sample(sample)
        study = study_sample(image, sets, segmenter, question, partial(log.info, "sample %d: %s", index))
        for side, effect in score_effects(image, sets, segmenter, question).items():
            effects[side] = max(effects.get(side, 0.0), effect)
        scales[str(index)] = study.scales()
        for name in sets:
            folder = out / name / f"sample_{index:05d}"
            summary[name][str(index)] = write_sample(folder, study, name, question, sample, index, truth)
    check_prompts_act(effects, "scores", sets)
    about = describe(segmenter, question, sets, effects, scales, command)
    about["weight_changes"] = write_weight_changes(out, segmenter.models)
    write_json(out / "analysis_summary.json", {**summary, ABOUT: about})
    print(f"{len(samples)} pictures, {len(sets)} prompt sets; {out / 'analysis_summary.json'}")


def read_question(arguments: argparse.Namespace) -> Question:
    """What the options ask of every sample.

    Raises:
        UsageError: an unknown method, or numbers out of range.
        UnknownChoice: an unknown class.
    """
    config = load_config(arguments.config_dir, arguments.config_name)
    steps = tuple(sorted(set(arguments.ig_steps)))
    if steps[0] < 1 or arguments.trust_steps < 0:
        raise UsageError("--ig-steps must be at least 1 and --trust-steps at least 0.")
    return Question(
        config,
        read_words(arguments.methods),
        read_focus(arguments.focus_classes, config),
        steps,
        arguments.segmentation_method,
        TrustPlan(steps=arguments.trust_steps) if arguments.trust_steps else None,
        arguments.randomise,
    )


def choose_samples(arguments: argparse.Namespace) -> dict[int, FacadeSample]:
    """The pictures asked for, by index: each once, in rising order. None is decoded yet.

    Raises:
        UsageError: an index or a number that does not exist.
        DatasetError: a folder is malformed.
    """
    samples = read_samples(arguments, [arguments.split])[arguments.split]
    if arguments.indices is None and arguments.num_samples < 1:
        raise UsageError(f"--num-samples must be at least 1, got {arguments.num_samples}.")
    wanted = range(arguments.num_samples) if arguments.indices is None else sorted(set(arguments.indices))
    if arguments.indices is not None and not 0 <= wanted[0] <= wanted[-1] < len(samples):
        raise UsageError(f"--indices must lie in 0 to {len(samples) - 1}, got {list(wanted)}.")
    return {index: samples[index] for index in wanted if index < len(samples)}


def write_sample(
    folder: Path,
    study: Study,
    set_name: str,
    question: Question,
    sample: FacadeSample,
    index: int,
    truth: Any,
) -> dict[str, Any]:
    """Write one sample's pictures under one prompt set; gives its part of the summary."""
    row: dict[str, Any] = {"metadata": {"filename": sample.image.name, "dataset_index": index}}
    for side in _sides(study, set_name):
        write_pictures(folder, study, side, truth)
        row[side[1]] = study.figures(side, question.focus, truth)
    write_sheet(folder / "sheet.png", study, set_name, question.focus)
    return row


def describe(
    segmenter: Segmenter,
    question: Question,
    sets: Mapping[str, PromptSet],
    effects: Mapping[Side, float],
    scales: Mapping[str, Any],
    command: str,
) -> dict[str, Any]:
    """What the figures were made with."""
    return {
        "prompt_sets": {
            name: {
                "classes": {item.name: list(item.texts) for item in prompts.classes},
                "templates": question.config.templates,
                "effect": {
                    model: effects[name, model] for model in segmenter.models if (name, model) in effects
                },
            }
            for name, prompts in sets.items()
        },
        "models": {
            name: {
                "id": spec.id,
                "sha256": spec.sha256,
                "parts": {role: part.sha256 for role, part in spec.parts.items()},
                "settings": segmenter.settings(spec).to_mapping(),
            }
            for name, spec in segmenter.models.items()
        },
        "segmentation_method": question.method,
        "methods": list(question.words),
        "focus_classes": list(question.focus),
        "ig_steps": list(question.steps),
        "scales": dict(scales),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "command": command,
    }


def _sides(study: Study, set_name: str) -> Iterator[Side]:
    return (side for side in study.segmentations if side[0] == set_name)


if __name__ == "__main__":
    sys.exit(main())
