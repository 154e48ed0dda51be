"""Options of PnP-OVSS by their published names, for the commands that segment pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from pipelines import InferenceResult, PipelineRegistry, Preset, PromptSet
from pipelines.catalogue import find_checkpoint
from pipelines.class_filters import Replies, load_replies
from pipelines.types import ClassFilter, KeptClasses, TopClasses
from pnp_ovss import PnPOVSSConfig
from pnp_ovss.config import Postprocess

METHOD: Final = "pnp_ovss"
MAX_BATCH: Final = 64
OPTIONS: Final = (
    "img_size", "layer", "head", "drop_iter", "threshold", "postprocess", "save_maps", "class_filter",
)  # fmt: skip


class OptionError(ValueError):
    """An option cannot be used; the sentence says why."""


def add_pnp_options(parser: argparse.ArgumentParser) -> None:
    """Add the options; those that are not given leave the preset's or the checkpoint's values."""
    group = parser.add_argument_group(
        "PnP-OVSS", f"with --method {METHOD}; what is left out is the checkpoint's"
    )
    add = group.add_argument
    add("--img-size", type=int, metavar="PX", help="the picture is squeezed to a square of this side (336)")
    add("--layer", type=int, metavar="N", help="cross-attention layer, counted from 1 as published (8)")
    add("--head", type=int, metavar="N", help="attention head, counted from 0 as published (9)")
    add("--drop-iter", type=int, metavar="N", help="rounds of Salience DropOut (4)")
    add(
        "--threshold", type=float, metavar="T", help="what of a class map scaled to [0, 1] counts as 0 (0.15)"
    )
    add("--postprocess", choices=get_args(Postprocess), help="after the threshold (blur+crf)")
    add("--batch-size", type=int, default=1, metavar="N", help="pictures of a folder worked on at a time (1)")
    add(
        "--save-maps",
        type=Path,
        metavar="DIR",
        help="GradCAM maps and dropped patches of every round, as NAME.npz",
    )
    add(
        "--class-filter",
        metavar="FILTER",
        help="all, top:K (the K classes CLIP is most certain of), or a reply file of classify_images",
    )


def read_pnp_options(
    arguments: argparse.Namespace, preset: Preset, registry: PipelineRegistry
) -> PnPOVSSConfig | None:
    """The settings that the options ask for; None for another method.

    Raises:
        OptionError: an option of PnP-OVSS with another method, or a value out of its range.
        UnknownChoice: no such checkpoint.
    """
    if not 1 <= arguments.batch_size <= MAX_BATCH:
        raise OptionError(f"--batch-size must lie between 1 and {MAX_BATCH}, got {arguments.batch_size}.")
    given = [name for name in OPTIONS if getattr(arguments, name) is not None]
    if preset.method != METHOD:
        if given:
            raise OptionError(f"{_dashed(given[0])} belongs to PnP-OVSS. Add --method {METHOD}.")
        return None
    own = find_checkpoint(registry.catalogue, preset.checkpoint).pnp_settings
    return _changed(preset.pnp_settings or own, arguments)


def read_class_filter(given: str | None) -> TopClasses | Replies | None:
    """What ``--class-filter`` asks for; None searches for all classes.

    Raises:
        OptionError: K is no number of classes.
        SettingsError: the reply file cannot be used.
    """
    if given in (None, "all"):
        return None
    if not given.startswith("top:"):
        return load_replies(given)
    count = given.removeprefix("top:")
    if not count.isdecimal() or int(count) < 1:
        raise OptionError(f"--class-filter top:K needs a number of classes, at least 1, got {given!r}.")
    return TopClasses(int(count))


def filter_for(chosen: TopClasses | Replies | None, picture: Path, prompts: PromptSet) -> ClassFilter | None:
    """The filter of one picture; replies go by the picture's name without its suffix.

    Raises:
        SettingsError: the file holds no reply for the picture.
    """
    if isinstance(chosen, Replies):
        found: KeptClasses = chosen.filter_for(picture.stem, prompts.names)
        return found
    return chosen


def save_maps(folder: Path, name: str, result: InferenceResult) -> None:
    """Write the rounds of one picture as ``NAME.npz``.

    It holds ``maps`` (R, C, P, P), ``merged`` (C, P, P), ``match`` (R,), ``classes`` (C,), and for round r
    ``dropped_r``: indices of the patches missing in it, row by row of the P x P grid.
    """
    rounds = result.rounds
    if rounds is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {
        "maps": rounds.maps,
        "merged": rounds.merged,
        "match": rounds.match,
        "classes": np.array([item.name for item in result.classes]),
    }
    arrays |= {f"dropped_{turn}": np.flatnonzero(mask) for turn, mask in enumerate(rounds.dropped)}
    np.savez_compressed(folder / f"{name}.npz", **arrays)


def _changed(settings: PnPOVSSConfig, arguments: argparse.Namespace) -> PnPOVSSConfig:
    values = {
        "image_side": arguments.img_size,
        "layer": None if arguments.layer is None else arguments.layer - 1,
        "head": arguments.head,
        "rounds": arguments.drop_iter,
        "threshold": arguments.threshold,
        "postprocess": arguments.postprocess,
    }
    if arguments.layer is not None and arguments.layer < 1:
        raise OptionError(f"--layer counts from 1, got {arguments.layer}.")
    try:
        return settings.replace(**{name: value for name, value in values.items() if value is not None})
    except (TypeError, ValueError) as error:
        raise OptionError(f"{error}.") from error


def _dashed(name: str) -> str:
    return f"--{name.replace('_', '-')}"
