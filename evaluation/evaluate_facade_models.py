"""Compare checkpoints on labelled facades: stock and fine-tuned, with every method, on chosen splits.

    python -m evaluation.evaluate_facade_models --dataset-root DATA --output-dir OUT
        --finetuned-checkpoint tiny-finetuned --splits val --methods maskclip lposs lposs_plus
    torchrun --nproc-per-node 2 -m evaluation.evaluate_facade_models ...

Writes ``OUT/SPLIT/MODEL/SPLIT_metrics.json``, tables and confusion matrices: the first method's there, those
of each further one in a folder of its name below; and ``OUT/summary.json`` and ``OUT/report.html``.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evaluation.commands import UsageError, answer
from evaluation.distributed import Rank, join_ranks
from evaluation.facades.comparison import Comparison, Row, compare, photographs_of
from evaluation.facades.config import FacadeConfig, facade_prompts, load_config
from evaluation.facades.dataset import SPLITS, DatasetError, FacadeSample
from evaluation.facades.intervals import Bootstrap, bootstrap_intervals
from evaluation.facades.models import Segmenter
from evaluation.facades.options import (
    add_data_options,
    add_model_options,
    build_segmenter,
    read_samples,
)
from evaluation.facades.outputs import write_json, write_row
from evaluation.facades.report import HEADLINE, render_report
from evaluation.facades.tally import Scheme
from evaluation.segment import choose_prompts
from pipelines import METHODS, Preset, load_taxonomy

FEW_PHOTOGRAPHS = 10
PACKAGES = ("torch", "numpy", "open_clip_torch", "timm")


def build_parser() -> argparse.ArgumentParser:
    """The command line's options; those of the published tool have its names and defaults."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.evaluate_facade_models",
        description="Compare checkpoints on labelled facades.",
    )
    add_model_options(parser)
    add_data_options(parser)
    _add_own(parser)
    return parser


def _add_own(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--splits", nargs="+", choices=SPLITS, default=["val"], help="what is looked at (val)"
    )
    parser.add_argument("--max-samples", type=int, metavar="N", help="at most the first N pictures of each")
    add = parser.add_argument_group("beyond the published tool").add_argument
    add("--methods", nargs="+", choices=METHODS, help="how each checkpoint segments (the configuration's)")
    add("--prompts", metavar="FILE or TEXT", help="texts of classes, in place of the configuration's")
    add("--bootstrap", type=int, default=1000, metavar="N", help="draws of photographs for intervals (1000)")
    add("--least-area", type=int, default=16, metavar="PX", help="smaller damaged areas do not count (16)")
    add("--pictures", type=int, default=3, metavar="N", help="of each split in the report (3)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0, or 2 with a sentence on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    arguments = build_parser().parse_args(argv)
    words = list(sys.argv[1:] if argv is None else argv)
    command = shlex.join(["python", "-m", "evaluation.evaluate_facade_models", *words])

    def work() -> None:
        with join_ranks() as rank:
            run(arguments, rank, command)

    return answer(work, DatasetError)


def run(arguments: argparse.Namespace, rank: Rank, command: str) -> None:
    """Do what the options ask for; bad input is refused before any model is loaded."""
    config = choose_config(arguments)
    samples = choose_samples(arguments)
    segmenter = build_segmenter(arguments, config, rank)
    scheme = Scheme.of(load_taxonomy(), len(config.classes), least_area=arguments.least_area)
    bootstrap = Bootstrap(arguments.bootstrap)
    found = compare(segmenter, samples, config.methods, scheme, rank, shown=arguments.pictures)
    if rank.first:
        about = describe(segmenter, samples, bootstrap, scheme, rank, command)
        write_results(arguments.output_dir, found, samples, bootstrap, about, notes_on(samples))


def choose_config(arguments: argparse.Namespace) -> FacadeConfig:
    """The configuration with what the options override."""
    config = load_config(arguments.config_dir, arguments.config_name)
    if arguments.methods:
        config = dataclasses.replace(config, methods=tuple(dict.fromkeys(arguments.methods)))
    if arguments.prompts:
        own = {item.name: item.texts for item in choose_prompts(arguments.prompts, Preset("lposs")).classes}
        given = {item.name: item.texts for item in config.prompts.classes}
        named = {load_taxonomy().find(name).name: texts for name, texts in own.items()}
        config = dataclasses.replace(config, prompts=facade_prompts(len(config.classes), given | named))
    return config


def choose_samples(arguments: argparse.Namespace) -> dict[str, list[FacadeSample]]:
    """Samples of each split, cut to ``--max-samples``."""
    if arguments.max_samples is not None and arguments.max_samples < 1:
        raise UsageError(f"--max-samples must be at least 1, got {arguments.max_samples}.")
    found = read_samples(arguments, arguments.splits)
    return {split: members[: arguments.max_samples] for split, members in found.items()}


def notes_on(samples: Mapping[str, Sequence[FacadeSample]]) -> list[str]:
    """What a reader must know first: photographs on two sides, and too few of them."""
    groups = {split: {sample.group for sample in members} for split, members in samples.items()}
    notes = []
    for split, own in groups.items():
        others = set().union(*(found for name, found in groups.items() if name != split))
        if shared := sorted(own & others):
            notes.append(
                f"{len(shared)} photographs of {split} have tiles in another split as well"
                f" (first: {shared[0]}): figures of a model trained there are too good."
            )
        if len(own) < FEW_PHOTOGRAPHS:
            notes.append(f"{split} has only {len(own)} photographs: the intervals are rough.")
    return notes


def describe(
    segmenter: Segmenter,
    samples: Mapping[str, Sequence[FacadeSample]],
    bootstrap: Bootstrap,
    scheme: Scheme,
    rank: Rank,
    command: str,
) -> dict[str, Any]:
    """What the figures were made with and rest on."""
    config = segmenter.config
    return {
        "classes": list(scheme.names),
        "damage": [scheme.names[index] for index in scheme.damage],
        "damage_plus": [scheme.names[index] for index in scheme.damage_plus],
        "samples": {
            split: {"images": len(members), "photographs": len({item.group for item in members})}
            for split, members in samples.items()
        },
        "models": {
            name: {"id": spec.id, "sha256": spec.sha256, "settings": segmenter.settings(spec).to_mapping()}
            for name, spec in segmenter.models.items()
        },
        "methods": list(config.methods),
        "prompts": {item.name: list(item.texts) for item in config.prompts.classes},
        "config": {
            "name": config.name,
            "templates": config.templates,
            "settings": dict(config.settings),
            "least_area": scheme.least_area,
            "crack_tolerances": list(scheme.tolerances),
        },
        "bootstrap": dataclasses.asdict(bootstrap),
        "processes": rank.size,
        "device": str(segmenter.registry.device),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "command": command,
    }


def write_results(
    out: Path,
    found: Comparison,
    samples: Mapping[str, Sequence[FacadeSample]],
    bootstrap: Bootstrap,
    about: Mapping[str, Any],
    notes: Sequence[str],
) -> None:
    """Write every row's files, the summary and the report, and print the main figures."""
    metrics: dict[Row, dict[str, Any]] = {}
    first = about["methods"][0]
    for row, tally in found.tallies.items():
        folder = out / row.split / row.model
        place = folder if row.method == first else folder / row.method
        intervals = bootstrap_intervals(tally, bootstrap)
        metrics[row] = write_row(place, row.split, tally, intervals, photographs_of(samples[row.split]))
    write_json(out / "summary.json", summarise(metrics, about))
    page = render_report(found.tallies, metrics, found.pictures, about, notes)
    (out / "report.html").write_text(page, encoding="utf-8")
    print(text_table(metrics))
    print(f"written to {out}; {out / 'report.html'} is for reading")


def summarise(metrics: Mapping[Row, Mapping[str, Any]], about: Mapping[str, Any]) -> dict[str, Any]:
    """``{model: {split: metrics of the first method}}`` as published, with all rows and the conditions."""
    summary: dict[str, Any] = {}
    for row, figures in metrics.items():
        if row.method == about["methods"][0]:
            summary.setdefault(row.model, {})[row.split] = figures
    rows = [{**dataclasses.asdict(row), "metrics": figures} for row, figures in metrics.items()]
    return {**summary, "rows": rows, "about": about}


def text_table(metrics: Mapping[Row, Mapping[str, Any]]) -> str:
    """The main figures in columns."""
    heads = [head for head in HEADLINE if all(head.key in figures for figures in metrics.values())]
    lines = [["split", "model", "method", *(head.key for head in heads)]]
    for row, figures in metrics.items():
        lines.append([row.split, row.model, row.method, *(f"{figures[head.key]:.3f}" for head in heads)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) for line in lines
    )


if __name__ == "__main__":
    sys.exit(main())
