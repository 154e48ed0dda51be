"""Cut labelled photographs into tiles with a manifest.

    python -m evaluation.tile_facades DATA -o TILES --size 1024 --stride 768

DATA is a data set in one of the two layouts, or a folder with ``images``, ``masks`` and ``manifest.json``.
The splits of a data set become the folders ``TILES/train``, ``TILES/val``, ...: tiles stay in the split of
their photograph.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from evaluation.commands import answer
from evaluation.facades.dataset import SPLITS, DatasetError, FacadeSample, read_sample, read_split
from evaluation.facades.outputs import write_json
from evaluation.facades.tile_root import MANIFEST, class_rows, read_tiles
from evaluation.facades.tiles import Tile, TileOptions, cut_tiles
from pipelines import load_taxonomy


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.tile_facades", description="Cut labelled photographs into tiles."
    )
    add = parser.add_argument
    add("root", type=Path, metavar="DATA", help="a data set, or a folder with a manifest")
    add("-o", "--out", type=Path, required=True, metavar="DIR", help="where tiles go")
    add("--size", type=int, default=1024, metavar="PX", help="side of a tile (1024)")
    add("--stride", type=int, default=768, metavar="PX", help="distance of two tiles (768)")
    add("--min-content", type=float, default=0.0, metavar="PART", help="least part inside the photograph (0)")
    add(
        "--min-coverage", type=float, default=0.0, metavar="PART", help="least part that is no background (0)"
    )
    add("--keep-empty", action="store_true", help="keep tiles that show background only")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0, or 2 with a sentence on stderr."""
    arguments = build_parser().parse_args(argv)
    return answer(lambda: run(arguments), DatasetError)


def run(arguments: argparse.Namespace) -> None:
    """Cut what the options name; bad input is refused."""
    options = TileOptions(
        arguments.size,
        arguments.stride,
        arguments.min_content,
        arguments.min_coverage,
        arguments.keep_empty,
    )
    for folder, samples in find_sources(arguments.root, arguments.out).items():
        count = write_tiles(folder, samples, options)
        print(f"{count} tiles of {len(samples)} pictures written to {folder}")


def find_sources(root: Path, out: Path) -> dict[Path, list[FacadeSample]]:
    """Samples by the folder their tiles go to: one a split, or ``out`` itself."""
    if (root / MANIFEST).is_file():
        return {out: read_tiles(root)}
    present = [split for split in SPLITS if (root / split).is_dir() or (root / "images" / split).is_dir()]
    if not present:
        raise DatasetError(
            f"{root} holds neither a {MANIFEST} nor splits. Name the top folder of a data set."
        )
    return {out / split: read_split(root, split) for split in present}


def write_tiles(folder: Path, samples: Sequence[FacadeSample], options: TileOptions) -> int:
    """Cut all samples and write tiles and manifest; the number of tiles."""
    rows: list[dict[str, Any]] = []
    pixels: Counter[int] = Counter()
    tiles: Counter[int] = Counter()
    for number, sample in enumerate(samples, start=1):
        image, mask = read_sample(sample, large=True)
        for tile in cut_tiles(image, mask, options):
            rows.append(_write(folder, sample, tile))
            values, counts = np.unique(tile.mask, return_counts=True)
            pixels.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
            tiles.update(values.tolist())
        print(f"[{number}/{len(samples)}] {sample.name}", file=sys.stderr)
    if rows:
        write_json(folder / MANIFEST, _manifest(rows, options, pixels, tiles))
    return len(rows)


def _write(folder: Path, sample: FacadeSample, tile: Tile) -> dict[str, Any]:
    name = f"{sample.name}_y{tile.y:05}_x{tile.x:05}.png"
    for kind, pixels in (("images", tile.image), ("masks", tile.mask)):
        path = folder / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return {"file": name, "source": sample.group, "y": tile.y, "x": tile.x}


def _manifest(
    rows: Sequence[Mapping[str, Any]], options: TileOptions, pixels: Counter[int], tiles: Counter[int]
) -> dict[str, Any]:
    stats = {
        item.name: {"pixels": pixels[item.index], "tiles": tiles[item.index]}
        for item in load_taxonomy().classes
    }
    return {
        "classes": class_rows(),
        "keep_empty": options.keep_empty,
        "tile_size": options.size,
        "stride": options.stride,
        "min_content": options.min_content,
        "min_coverage": options.min_coverage,
        "padding": "image 0, mask 255",
        "stats": stats,
        "tiles": rows,
    }


if __name__ == "__main__":
    sys.exit(main())
