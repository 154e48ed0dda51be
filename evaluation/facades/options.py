"""Options that the facade tools share, by their published names and defaults, and what they mean."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from evaluation.commands import UsageError
from evaluation.distributed import Rank, device_of
from pipelines import PipelineRegistry, choose_device
from pipelines.hub_catalogue import build_catalogue

from .config import BASELINE, CONFIG_FOLDER, FacadeConfig
from .dataset import FacadeSample
from .models import Segmenter, find_model
from .sources import TileSources, find_samples, parse_aliases


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add what is compared, where, and where results go."""
    add = parser.add_argument_group("models").add_argument
    add("--config-name", default=BASELINE, metavar="FILE", help=f"classes, prompts, settings ({BASELINE})")
    add("--config-dir", type=Path, default=CONFIG_FOLDER, metavar="DIR", help="where it lies (configs)")
    add("--finetuned-checkpoint", metavar="ID or FILE", help="catalogue id or .safetensors file")
    add("--stock-checkpoint", metavar="ID or FILE", help="likewise (the configuration's stock)")
    add("--skip-stock", action="store_true", help="leave the stock checkpoint out")
    add("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    add("--output-dir", type=Path, required=True, metavar="DIR", help="where results go")


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add where labelled pictures lie."""
    add = parser.add_argument_group("data").add_argument
    root = "a data set in layout A or B (FACADE_DATA_ROOT, data/facade_damage)"
    add("--dataset-root", type=Path, metavar="DIR", help=root)
    add("--tiles-train", nargs="*", type=Path, default=[], metavar="DIR", help="tiles to train on, instead")
    add("--tiles-val", nargs="*", type=Path, default=[], metavar="DIR", help="tiles to validate on, instead")
    add("--tiles-val-ratio", type=float, default=0.1, metavar="PART", help="set aside without them (0.1)")
    add("--tiles-class-aliases", default="", metavar="NAME=CLASS,...", help="or a YAML or JSON file")
    add("--tiles-seed", type=int, default=42, metavar="N", help="of the photographs set aside (42)")


def read_samples(arguments: argparse.Namespace, splits: Sequence[str]) -> dict[str, list[FacadeSample]]:
    """The samples that the data options mean, by split.

    Raises:
        DatasetError: a split or a file is missing or malformed.
    """
    tiles = TileSources(
        tuple(arguments.tiles_train),
        tuple(arguments.tiles_val),
        arguments.tiles_val_ratio,
        parse_aliases(arguments.tiles_class_aliases),
        arguments.tiles_seed,
    )
    return find_samples(arguments.dataset_root, tiles, splits)


def build_segmenter(arguments: argparse.Namespace, config: FacadeConfig, rank: Rank) -> Segmenter:
    """The checkpoints that the model options mean, on this process's device; none is loaded yet.

    Raises:
        UsageError: no model is left.
        PipelineError: a checkpoint is missing.
    """
    named = {} if arguments.skip_stock else {"stock": arguments.stock_checkpoint or config.stock}
    if arguments.finetuned_checkpoint:
        named["finetuned"] = arguments.finetuned_checkpoint
    if not named:
        raise UsageError("There is no model to look at: name a --finetuned-checkpoint or drop --skip-stock.")
    catalogue = build_catalogue()
    models = {name: find_model(catalogue, given, config.stock) for name, given in named.items()}
    rows = {**catalogue, **{spec.id: spec for spec in models.values()}}
    return Segmenter(config, models, PipelineRegistry(rows, choose_device(device_of(arguments.device, rank))))
