"""Segment a picture, or every picture of a folder, without a browser.

    python -m evaluation.segment facade.jpg --prompts "wall; window = window, окно; crack" --out out/facade

Each picture gets a folder with ``label_map.png`` (8-bit, pixel = class index in prompt order, 255 = none),
``overlay.png`` and ``report.json``. A folder of pictures gets one such folder a picture and ``summary.csv``;
``torchrun --nproc-per-node 2 -m evaluation.segment FOLDER ...`` divides it among processes.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evaluation.commands import UsageError, answer
from evaluation.distributed import Rank, device_of, gather, join_ranks, shard, this_rank
from evaluation.pnp_options import (
    OptionError,
    add_pnp_options,
    filter_for,
    read_class_filter,
    read_pnp_options,
    save_maps,
)
from pipelines import (
    DEFAULT_CHECKPOINT,
    DEFAULT_METHOD,
    METHODS,
    ImageError,
    InferenceRequest,
    InferenceResult,
    PipelineRegistry,
    Preset,
    PromptSet,
    build_registry,
    find_prompt_set,
    infer,
    load_preset,
    load_prompt_file,
    overlay,
    parse_prompts,
    prompt_sets,
    read_image,
    write_label_png,
)
from pipelines.catalogue import find_checkpoint
from pipelines.class_filters import Replies
from pipelines.download import fetch_missing
from pipelines.inference import check_method
from pipelines.types import TopClasses

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic")
"""Files of a folder that are tried; what among them cannot be read is reported in the summary."""
PROMPT_FILES = (".json", ".yaml", ".yml", ".txt")
OPACITY = 0.55  # of the overlay's colours
LARGEST = 3  # classes named in a line of progress
DONE = "ok"


Outcome = tuple[NDArray[np.uint8], InferenceResult] | ImageError


@dataclass(frozen=True, slots=True)
class Job:
    """What is the same for every picture of one call."""

    prompts: PromptSet
    preset: Preset
    registry: PipelineRegistry
    class_filter: TopClasses | Replies | None = None
    batch_size: int = 1
    maps: Path | None = None

    def run(self, image: NDArray[np.uint8], picture: Path) -> InferenceResult:
        """Segment one picture, ``(H, W, 3)`` uint8 RGB."""
        preset = self.preset
        request = InferenceRequest(
            image,
            self.prompts,
            method=preset.method,
            checkpoint=preset.checkpoint,
            settings=preset.settings,
            pnp=preset.pnp_settings,
            class_filter=filter_for(self.class_filter, picture, self.prompts),
        )
        return infer(request, self.registry)

    def run_all(self, pictures: Sequence[Path]) -> Iterator[tuple[Path, Outcome]]:
        """Segment pictures, ``batch_size`` at a time, and give them in order."""
        with ThreadPoolExecutor(self.batch_size) as pool:
            for start in range(0, len(pictures), self.batch_size):
                batch = pictures[start : start + self.batch_size]
                yield from zip(batch, pool.map(self._try, batch), strict=True)

    def _try(self, picture: Path) -> Outcome:
        """A picture with its result, or why it cannot be read."""
        try:
            image = read_image(picture)
        except ImageError as error:
            return error
        return image, self.run(image, picture)


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.segment", description="Segment a picture, or every picture of a folder."
    )
    add = parser.add_argument
    add("image", type=Path, metavar="IMAGE", help="a PNG, JPEG, WebP or GIF, or a folder of such")
    add(
        "--prompts",
        metavar="FILE or TEXT",
        help='"wall; window = window, окно", a .yaml, .json, .txt file, or a built-in set: facade-damage-en',
    )
    add("--method", choices=METHODS, help=f"default: the preset's, or {DEFAULT_METHOD}")
    add("--checkpoint", metavar="ID", help=f"default: the preset's, or {DEFAULT_CHECKPOINT}")
    add("--config", type=Path, metavar="FILE", help="a preset such as configs/lposs_plus.yaml")
    add("--out", type=Path, metavar="DIR", help="where results go (out/NAME)")
    add_pnp_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when at least one picture was segmented; 2, with a sentence on stderr, for bad input.
    """
    arguments = build_parser().parse_args(argv)
    return answer(lambda: run(arguments), OptionError)


def run(arguments: argparse.Namespace) -> int:
    """Do what the options ask for; bad input is refused before any model is loaded."""
    source: Path = arguments.image
    job = choose_job(arguments)
    out: Path = arguments.out or Path("out") / source.resolve().stem
    if source.is_dir():
        pictures = list_pictures(source)
        with join_ranks() as rank:
            fetch_model(job, rank)
            return segment_folder(job, pictures, out, rank)
    image = read_image(source)
    fetch_model(job, Rank())
    result = job.run(image, source)
    write_result(out, image, result)
    if job.maps is not None:
        save_maps(job.maps, source.stem, result)
    print(f"{describe(result)}\nwritten to {out}")
    return 0


def choose_job(arguments: argparse.Namespace) -> Job:
    """What the options ask for, for any picture.

    Raises:
        PipelineError: the prompts or the preset cannot be used.
        OptionError: an option cannot.
    """
    preset = choose_preset(arguments)
    prompts = choose_prompts(arguments.prompts, preset)
    registry = build_registry(device=device_of(os.environ.get("DEVICE"), this_rank()))
    preset = dataclasses.replace(preset, pnp_settings=read_pnp_options(arguments, preset, registry))
    class_filter = read_class_filter(arguments.class_filter)
    return Job(prompts, preset, registry, class_filter, arguments.batch_size, arguments.save_maps)


def fetch_model(job: Job, rank: Rank) -> None:
    """Download what the checkpoint lacks on this machine: the first process does, the others wait for it.

    Raises:
        PipelineError: the checkpoint cannot run the method, or it cannot be had.
    """
    catalogue, preset = job.registry.catalogue, job.preset
    check_method(find_checkpoint(catalogue, preset.checkpoint), preset.method)
    if rank.first:
        fetch_missing(preset.checkpoint, catalogue)
    gather((), rank)


def choose_preset(arguments: argparse.Namespace) -> Preset:
    """The preset with what the options override; without one, the checkpoint's own settings hold."""
    preset = load_preset(arguments.config) if arguments.config else Preset(DEFAULT_METHOD)
    if arguments.method:
        preset = dataclasses.replace(preset, method=arguments.method)
    if arguments.checkpoint:
        preset = dataclasses.replace(preset, checkpoint=arguments.checkpoint)
    return preset


def choose_prompts(given: str | None, preset: Preset) -> PromptSet:
    """Prompts of a built-in set, a file or a text; the preset's when none are given.

    Raises:
        PromptError: they cannot be used.
    """
    if given is None:
        return find_prompt_set(preset.prompt_set).prompts
    if given in {item.id for item in prompt_sets()}:
        return find_prompt_set(given).prompts
    if given.lower().endswith(PROMPT_FILES):
        return load_prompt_file(given)
    return parse_prompts(given)


def list_pictures(folder: Path) -> list[Path]:
    """Picture files of a folder by name, hidden ones left out.

    Raises:
        UsageError: there are none.
    """
    found = sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix.lower() in PICTURES and not path.name.startswith(".")
    )
    if not found:
        raise UsageError(f"{folder} holds no pictures. Name a folder with PNG, JPEG, WebP or GIF files.")
    return found


def segment_folder(job: Job, pictures: Sequence[Path], out: Path, rank: Rank) -> int:
    """Segment this process's part; a picture that cannot be read is reported and the rest goes on."""
    rows = []
    for number, (picture, outcome) in enumerate(job.run_all(shard(pictures, rank))):
        place = f"[{rank.index + number * rank.size + 1}/{len(pictures)}] {picture.name}"
        if isinstance(outcome, ImageError):
            rows.append({"file": picture.name, "outcome": str(outcome)})
            print(f"{place}: {outcome}", file=sys.stderr)
            continue
        image, result = outcome
        write_result(out / picture.name, image, result)
        if job.maps is not None:
            save_maps(job.maps, picture.name, result)
        rows.append(summary_row(picture.name, result))
        print(f"{place}: {describe(result)}", file=sys.stderr)
    rows = gather(rows, rank)
    done = sum(row["outcome"] == DONE for row in rows)
    if rank.first:
        write_summary(out / "summary.csv", rows, job.prompts)
        print(f"{done} of {len(pictures)} pictures segmented; {out / 'summary.csv'}")
    return 0 if done else 2


def write_result(folder: Path, image: NDArray[np.uint8], result: InferenceResult) -> None:
    """Write the label map, the overlay and the report of one picture."""
    folder.mkdir(parents=True, exist_ok=True)
    write_label_png(folder / "label_map.png", result.label_map)
    colours = [item.colour for item in result.classes]
    picture = overlay(image, result.label_map, colours, OPACITY)
    Image.fromarray(picture).save(folder / "overlay.png")
    report = json.dumps(result.report(), ensure_ascii=False, indent=2)
    (folder / "report.json").write_text(report + "\n", encoding="utf-8")


def describe(result: InferenceResult) -> str:
    """The largest classes and the time, in one line."""
    largest = sorted(result.classes, key=lambda item: item.share, reverse=True)[:LARGEST]
    shares = ", ".join(f"{item.name} {item.share:.0%}" for item in largest)
    return f"{shares} ({sum(result.seconds.values()):.1f} s)"


def summary_row(name: str, result: InferenceResult) -> dict[str, Any]:
    """One picture's line of the summary."""
    height, width = result.size
    seconds = round(sum(result.seconds.values()), 3)
    row = {"file": name, "outcome": DONE, "height": height, "width": width, "seconds": seconds}
    return row | {f"share of {item.name}": round(item.share, 6) for item in result.classes}


def write_summary(path: Path, rows: Sequence[Mapping[str, Any]], prompts: PromptSet) -> None:
    """Write one line a picture as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shares = [f"share of {name}" for name in prompts.names]
    columns = ["file", "outcome", "height", "width", "seconds", *shares]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
