"""Turn painted annotations (COCO as Label Studio exports it) into mask PNGs of the facade taxonomy.

    python -m evaluation.convert_brush_coco result.json --images photos -o DATA
    python -m evaluation.convert_brush_coco result.json --images photos -o DATA --auto-split train=0.8 val=0.2

Without ``--auto-split`` OUT holds ``images``, ``masks`` and ``manifest.json``, which the other facade tools
read as ``--tiles-train`` or ``--tiles-val``; with it, OUT is a data set in layout A.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from evaluation.commands import answer
from evaluation.facades.annotations import AnnotatedImage, CocoFile, paint_mask
from evaluation.facades.dataset import SPLITS, DatasetError, FacadeSample, Mask, source_of
from evaluation.facades.outputs import write_json
from evaluation.facades.photographs import read_photograph
from evaluation.facades.sources import parse_aliases
from evaluation.facades.splits import split_by_source
from evaluation.facades.tile_root import MANIFEST, class_rows
from pipelines import load_taxonomy, overlay

OVERLAY_OPACITY = 0.45


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.convert_brush_coco",
        description="Turn painted annotations into mask PNGs of the facade taxonomy.",
    )
    add = parser.add_argument
    add("coco", type=Path, metavar="FILE", help="COCO annotations: polygons or run lengths")
    add("--images", type=Path, required=True, metavar="DIR", help="the pictures that were annotated")
    add("-o", "--out", type=Path, required=True, metavar="DIR", help="where the data set goes")
    add("--class-aliases", default="", metavar="NAME=CLASS,...", help="or a YAML or JSON file")
    add(
        "--auto-split", nargs="+", default=[], metavar="SPLIT=PART", help="such as train=0.8 val=0.1 test=0.1"
    )
    add("--seed", type=int, default=42, help="of the split (42)")
    add("--overlays", action="store_true", help="also write the masks over the pictures, for a look")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0, or 2 with a sentence on stderr."""
    arguments = build_parser().parse_args(argv)
    return answer(lambda: run(arguments), DatasetError)


def run(arguments: argparse.Namespace) -> None:
    """Convert the file; nothing is written when a picture or the file itself is wrong."""
    images = list(
        CocoFile.load(arguments.coco).images(arguments.images, parse_aliases(arguments.class_aliases))
    )
    _refuse_doubles(images)
    side = deal_out(images, parse_shares(arguments.auto_split), arguments.seed)
    pixels: Counter[int] = Counter()
    for number, image in enumerate(images, start=1):
        mask = paint_mask(image)
        write_pair(arguments.out, side[image.file], image, mask, overlays=arguments.overlays)
        pixels.update(
            {
                int(value): int(count)
                for value, count in zip(*np.unique(mask, return_counts=True), strict=True)
            }
        )
        print(f"[{number}/{len(images)}] {image.file.name}", file=sys.stderr)
    if not arguments.auto_split:
        write_json(arguments.out / MANIFEST, manifest(images))
    names = load_taxonomy().names
    print(", ".join(f"{names[index]} {count}" for index, count in sorted(pixels.items())) + " pixels")
    print(f"{len(images)} masks written to {arguments.out}")


def parse_shares(words: Sequence[str]) -> dict[str, float]:
    """``train=0.8 val=0.2`` as numbers by split.

    Raises:
        DatasetError: a word is no ``SPLIT=PART`` of a known split.
    """
    shares = {}
    for word in words:
        split, equals, part = word.partition("=")
        try:
            shares[split] = float(part)
        except ValueError:
            equals = ""
        if not equals or split not in SPLITS:
            raise DatasetError(f"{word!r} is no split. Write some of {', '.join(SPLITS)} as train=0.8.")
    return shares


def deal_out(images: Sequence[AnnotatedImage], shares: Mapping[str, float], seed: int) -> dict[Path, str]:
    """Split by picture; tiles of one photograph stay together. Empty names without shares."""
    if not shares:
        return {image.file: "" for image in images}
    samples = [
        FacadeSample(str(image.file), image.file, image.file, source_of(image.file.stem)) for image in images
    ]
    dealt = split_by_source(samples, shares, seed)
    return {sample.image: split for split, members in dealt.items() for sample in members}


def write_pair(out: Path, split: str, image: AnnotatedImage, mask: Mask, *, overlays: bool) -> None:
    """Copy a picture and write its mask beside it; and the two together where asked for."""
    folders = {kind: out / kind / split for kind in ("images", "masks", *(["overlays"] if overlays else []))}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(image.file, folders["images"] / image.file.name)
    Image.fromarray(mask).save(folders["masks"] / f"{image.file.stem}.png")
    if overlays:
        visible = np.where(mask == 0, 255, mask).astype(np.uint8)
        colours = [item.colour for item in load_taxonomy().classes]
        painted = overlay(read_photograph(image.file), visible, colours, OVERLAY_OPACITY)
        Image.fromarray(painted).save(folders["overlays"] / f"{image.file.stem}.jpg", quality=88)


def manifest(images: Sequence[AnnotatedImage]) -> dict[str, Any]:
    """What the other tools read: classes, and the photograph of each picture."""
    rows = [{"file": image.file.name, "source": source_of(image.file.stem)} for image in images]
    return {"classes": class_rows(), "keep_empty": True, "tiles": rows}


def _refuse_doubles(images: Sequence[AnnotatedImage]) -> None:
    for stem, count in Counter(image.file.stem for image in images).items():
        if count > 1:
            raise DatasetError(f"{count} pictures are named {stem} and would get one mask. Rename them.")


if __name__ == "__main__":
    sys.exit(main())
