"""Fine-tune a checkpoint on labelled facades.

    python -m evaluation.finetune_facade --dataset-root DATA --output-dir OUT --tune head
    torchrun --nproc-per-node 2 -m evaluation.finetune_facade --dataset-root DATA --output-dir OUT ...

Writes ``checkpoint.safetensors``, ``model_card.md`` and ``card.json`` into OUT; ``--add ID`` puts the
checkpoint into this machine's catalogue, so that the page offers it.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from evaluation.commands import answer
from evaluation.distributed import Rank, device_of, join_ranks
from evaluation.facades import DatasetError, FacadeSample, read_split
from evaluation.facades.options import add_data_options, read_samples
from evaluation.facades.sources import data_root
from evaluation.finetuning import TUNABLE, FineTuneError, FineTuneSettings
from evaluation.finetuning.base import Base, load_base
from evaluation.finetuning.card import build_card, write_cards
from evaluation.finetuning.data import FacadeData
from evaluation.finetuning.deltas import changed_names, layer_deltas, parameter_deltas
from evaluation.finetuning.export import WEIGHTS, merged_state, write_weights
from evaluation.finetuning.loop import Job, Progress, fine_tune, has_bfloat16
from evaluation.finetuning.prompts import TaxonomyPrompts, match_taxonomy, taxonomy_prompts
from evaluation.finetuning.settings import LEARNING_RATES
from evaluation.finetuning.validation import count_confusions, figures
from evaluation.segment import choose_prompts
from lposs_core import (
    CheckpointFileError,
    CheckpointMismatch,
    UnsupportedModel,
    file_sha256,
    load_strict,
)
from lposs_core.checkpoint_layout import LayoutError
from pipelines import PipelineError, Preset, choose_device
from pipelines.add_checkpoint import add_checkpoint
from pipelines.hub_catalogue import build_catalogue

DEFAULTS = FineTuneSettings()
REFUSALS = (
    PipelineError,
    FineTuneError,
    DatasetError,
    UnsupportedModel,
    CheckpointFileError,
    CheckpointMismatch,
    LayoutError,
)
STATE = "training_state.pt"

log = logging.getLogger("evaluation.finetune_facade")


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.finetune_facade", description="Fine-tune a checkpoint on labelled facades."
    )
    add_data_options(parser)
    _add_files(parser)
    _add_training(parser)
    return parser


def _add_files(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what and where").add_argument
    add("--base", default="tiny-stock", metavar="ID", help="checkpoint to start from (tiny-stock)")
    add("--output-dir", type=Path, required=True, metavar="DIR", help="where the checkpoint goes")
    add("--prompts", metavar="SET, FILE or TEXT", help="classes by their taxonomy names (its trade terms)")
    add("--languages", nargs="+", default=["en"], metavar="LANG", help="of the trade terms (en)")
    add("--add", metavar="ID", help="offer the checkpoint on this machine under this id")
    add("--catalogue", type=Path, metavar="FILE", help="local catalogue for it (the page's own)")
    add("--resume", action="store_true", help=f"continue from OUTPUT_DIR/{STATE}")


def _add_training(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("training").add_argument
    add("--tune", nargs="+", choices=TUNABLE, default=list(DEFAULTS.tune), help="what is trained (head)")
    add("--blocks", type=int, default=DEFAULTS.blocks, help="blocks: how many of the last ones (2)")
    add("--lora-blocks", type=int, nargs="+", default=list(DEFAULTS.lora_blocks), help="lora: which (-2 -1)")
    add("--rank", type=int, default=DEFAULTS.rank, help="lora: rank (4)")
    add("--alpha", type=float, default=DEFAULTS.alpha, help="lora: strength, times 1 / rank (8)")
    add("--steps", type=int, default=DEFAULTS.steps, help="updates (400)")
    add("--batch", type=int, default=DEFAULTS.batch, help="crops of an update on each process (8)")
    add("--crop", type=int, help="side of a crop in pixels (the base's window)")
    add("--learning-rate", type=float, help="its peak (head 5e-3, lora 2e-3, blocks 3e-4)")
    add("--temperature", type=float, default=DEFAULTS.temperature, help="of the cross-entropy (20)")
    add("--weight-power", type=float, default=DEFAULTS.weight_power, help="1: inverse frequency (0.5)")
    add("--weight-cap", type=float, default=DEFAULTS.weight_cap, help="the most a class weighs (10)")
    add("--validate-every", type=int, default=DEFAULTS.validate_every, help="updates (100)")
    add("--seed", type=int, default=DEFAULTS.seed)
    add("--amp", choices=("auto", "on", "off"), default="auto", help="bfloat16 products (where they pay)")
    add("--templates", default=DEFAULTS.templates, help="template set of the prompts (imagenet)")
    add("--device", help="such as cpu or cuda (CUDA where there is one)")
    add("--workers", type=int, default=0, help="processes that draw crops (0: this one)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0; or 2, with a sentence on stderr, for input that cannot be used.
    """
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)

    def work() -> None:
        with join_ranks() as rank:
            run(arguments, rank)

    return answer(work, *REFUSALS)


def run(arguments: argparse.Namespace, rank: Rank) -> None:
    """Train, and write what came of it; bad input is refused before any model is loaded."""
    device = choose_device(device_of(arguments.device, rank))
    data = read_data(arguments)
    labels = read_labels(arguments)
    base = load_base(build_catalogue(), arguments.base, device)
    settings = read_settings(arguments, base, device)
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    fingerprint = _fingerprint(base, data, labels, settings, rank.size)
    state_file = arguments.output_dir / STATE
    job = Job(base, data, labels, settings, state_file, arguments.workers, fingerprint, rank.size)
    progress = fine_tune(job, rank, resume=arguments.resume)
    if rank.first:
        write_result(job, progress, arguments)
        state_file.unlink(missing_ok=True)


def read_data(arguments: argparse.Namespace) -> FacadeData:
    """The samples of the options; the test split where the data set has one.

    Raises:
        FineTuneError: one photograph stands in several splits.
        DatasetError: a folder is missing or malformed.
    """
    splits = read_samples(arguments, ("train", "val"))
    splits["test"] = []
    if not arguments.tiles_train and not arguments.tiles_val:
        root = data_root(arguments.dataset_root)
        if any((root / folder).is_dir() for folder in ("images/test", "test/images")):
            splits["test"] = read_split(root, "test")
    _refuse_leaks(splits)
    return FacadeData({split: tuple(samples) for split, samples in splits.items()})


def read_labels(arguments: argparse.Namespace) -> TaxonomyPrompts:
    """The classes and texts of the options."""
    if arguments.prompts is None:
        return taxonomy_prompts(arguments.languages)
    return match_taxonomy(choose_prompts(arguments.prompts, Preset("maskclip")))


def read_settings(arguments: argparse.Namespace, base: Base, device: torch.device) -> FineTuneSettings:
    """The settings of the options; sizes not given are those that the base is served at."""
    names = {field.name for field in dataclasses.fields(FineTuneSettings)}
    given = {key: value for key, value in vars(arguments).items() if key in names and value is not None}
    served = base.spec.settings
    peak = min(LEARNING_RATES[name] for name in arguments.tune)
    amp = has_bfloat16(device) if arguments.amp == "auto" else arguments.amp == "on"
    given |= {"tune": tuple(arguments.tune), "lora_blocks": tuple(arguments.lora_blocks), "amp": amp}
    return FineTuneSettings(
        **({"crop": served.crop, "learning_rate": peak, "short_side": served.short_side} | given)
    )


def write_result(job: Job, progress: Progress, arguments: argparse.Namespace) -> None:
    """Write weights, cards and the catalogue row, and say what came of it."""
    out: Path = arguments.output_dir
    state = merged_state(job.base.state, progress.best)
    weights = out / WEIGHTS
    write_weights(weights, state, job.base)
    file = {"name": WEIGHTS, "sha256": file_sha256(weights), "bytes": weights.stat().st_size}
    layers, parameters = layer_deltas(job.base.state, state), parameter_deltas(job.base.state, state)
    card = build_card(job, progress, test_figures(job, state), layers, parameters, file)
    write_cards(out, card)
    if arguments.add is not None:
        label = f"{job.base.spec.label['en']}: {arguments.add}"
        added = add_checkpoint(
            weights,
            base=job.base.spec.id,
            identifier=arguments.add,
            label=label,
            catalogue=arguments.catalogue,
        )
        print("\n".join(added.lines()))
    changed = changed_names(job.base.state, state)
    print(
        f"{len(changed)} of {len(state)} tensors moved: {', '.join(changed[:8])}{' ...' * (len(changed) > 8)}"
    )
    for split, models in card["metrics"].items():
        for model, found in models.items():
            print(f"{split} {model}: mIoU {found['mIoU']:.3f}, damageIoU {found['damageIoU']:.3f}")
    print(f"written to {out}")


def test_figures(job: Job, state: dict[str, Any]) -> dict[str, Any]:
    """Figures of base and fine-tuned on the test split, which nothing was chosen by; empty without one."""
    samples = job.data.splits["test"]
    if not samples:
        return {}
    device = next(job.base.network.model.parameters()).device
    fresh = load_base(build_catalogue(), job.base.spec.id, device)
    found = {}
    for model, weights in (("base", job.base.state), ("finetuned", state)):
        load_strict(fresh.network.model, weights)
        matrix = count_confusions(
            fresh.encoder(), samples, job.labels, fresh.spec.settings, job.settings.templates
        )
        found[model] = figures(matrix)
    return found


def _refuse_leaks(splits: dict[str, list[FacadeSample]]) -> None:
    """Tiles of one photograph may not stand on both sides: validation would see what was trained on."""
    trained = {sample.group for sample in splits["train"]}
    for split in ("val", "test"):
        shared = sorted(trained & {sample.group for sample in splits[split]})
        if shared:
            raise FineTuneError(
                f"pictures of {len(shared)} photographs stand in train and in {split} (first: {shared[0]}). "
                "Split by photograph."
            )


def _fingerprint(
    base: Base, data: FacadeData, labels: TaxonomyPrompts, settings: FineTuneSettings, processes: int
) -> str:
    facts = [base.part.sha256, data.digest, labels.prompts.texts, labels.indices]
    words = json.dumps([*facts, settings.to_mapping(), processes])
    return hashlib.sha256(words.encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
