"""``python -m tiny_vlm.train``: make the bundled weights from nothing.

    python -m tiny_vlm.train                                          # drawn scenes alone
    python -m tiny_vlm.train --photos spb_facades --photos bern_facades --minutes 40
    python -m tiny_vlm.train --part clip-finetuned --photos spb_facades

Parts: ``clip-stock`` (base classes), ``clip-finetuned`` (continues stock on damage), ``patches``,
``words-stock`` and ``words-finetuned`` (teach the text towers of both the words of dictionaries), and the
matching model of PnP-OVSS on the image tower of each dual encoder, ``itm-stock``, ``itm-finetuned``. Only the
`train` split of photographs is read. Interrupted trainings continue where they were last saved (``--runs``).
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import torch

from tiny_vlm.bpe import learn_merges, write_merges
from tiny_vlm.configs import (
    MERGES,
    WEIGHTS_DIR,
    build_dual_encoder,
    build_itm,
    itm_tokenizer,
    tokenizer,
    vocabulary_size,
)
from tiny_vlm.data import Source, draw_scenes, photo_source, scene_source, training_names
from tiny_vlm.itm import copy_image_tower, write_vocabulary
from tiny_vlm.itm_task import MatchingTask
from tiny_vlm.itm_views import encode_views, watching_views
from tiny_vlm.loop import Budget, export_weights, load_weights, train
from tiny_vlm.spaces import all_spaces
from tiny_vlm.tasks import (
    CROP_SIZES,
    DualEncoderTask,
    PatchEncoderTask,
    Task,
    TrainingData,
    plain_attention,
)
from tiny_vlm.vocabulary import training_corpus
from tiny_vlm.words import WordTask
from tiny_vlm.words_bank import collect_patches
from tiny_vlm.words_lexicon import read_lexicon
from tiny_vlm.words_start import begin_with

PARTS = (
    "clip-stock",
    "words-stock",
    "clip-finetuned",
    "words-finetuned",
    "patches",
    "itm-stock",
    "itm-finetuned",
)
FILES = {
    "clip-stock": "tiny_clip_stock.safetensors",
    "words-stock": "tiny_clip_stock.safetensors",
    "clip-finetuned": "tiny_clip_finetuned.safetensors",
    "words-finetuned": "tiny_clip_finetuned.safetensors",
    "patches": "tiny_patches.safetensors",
    "itm-stock": "tiny_itm_stock.safetensors",
    "itm-finetuned": "tiny_itm_finetuned.safetensors",
}
LEARNING_RATES = {
    "clip-stock": 1.2e-3,
    "words-stock": 1.5e-3,
    "clip-finetuned": 5e-4,
    "words-finetuned": 1.5e-3,
    "patches": 1.2e-3,
    "itm-stock": 1e-3,
    "itm-finetuned": 5e-4,
}
RARITY = {
    "clip-stock": (0.55, 20.0),
    "words-stock": (0.35, 8.0),
    "clip-finetuned": (0.4, 10.0),
    "words-finetuned": (0.35, 8.0),
    "patches": (0.35, 8.0),
    "itm-stock": (0.35, 8.0),
    "itm-finetuned": (0.35, 8.0),
}
DAMAGE = {"clip-finetuned": 3.0, "words-finetuned": 4.0}  # without it the damage of few pixels is lost
STEPS = {
    "clip-stock": 2800,
    "words-stock": 1500,
    "clip-finetuned": 2000,
    "words-finetuned": 1500,
    "patches": 3600,
    "itm-stock": 2000,
    "itm-finetuned": 1000,
}
_log = logging.getLogger("tiny_vlm.train")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    try:
        for part in PARTS if options.part == "all" else (options.part,):
            _train_part(part, options)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tiny_vlm.train", description="Train the bundled model.")
    parser.add_argument("--part", choices=("all", *PARTS), default="all")
    parser.add_argument(
        "--photos", type=Path, action="append", default=[], help="folder with images/, masks/, splits.csv"
    )
    parser.add_argument("--scenes", type=int, default=600, help="number of drawn scenes (default 600)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, help=f"steps of each part (default {STEPS})")
    length.add_argument("--minutes", type=float, help="train each part for this long instead")
    parser.add_argument("--batch", type=int, default=24, help="crops a step (default 24)")
    parser.add_argument(
        "--crops", type=int, nargs="+", default=CROP_SIZES, help=f"sides in pixels (default {CROP_SIZES})"
    )
    parser.add_argument("--views", type=int, default=1600, help="of the matching model (default 1600)")
    parser.add_argument(
        "--dictionaries", type=Path, default=Path("/usr/share"), help="folder with wordnet/ and dictd/"
    )
    parser.add_argument(
        "--sheets", type=int, default=120, help="batches whose patches words are held against"
    )
    parser.add_argument("--start", type=Path, help="weights to begin with instead of random ones")
    parser.add_argument(
        "--keep-words", action="store_true", help="dual encoders: train the image tower against fixed texts"
    )
    parser.add_argument("--rate", type=float, help=f"peak of the learning rate (default {LEARNING_RATES})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="states and drawn scenes (default runs/)"
    )
    parser.add_argument(
        "--output", type=Path, default=WEIGHTS_DIR, help="where weights go (default assets/weights/)"
    )
    return parser


def _train_part(part: str, options: argparse.Namespace) -> None:
    device = torch.device(options.device)
    torch.manual_seed(options.seed)
    data = _read_data(part, options)
    task = _build_task(part, data, options, device)
    _log.info("%s: %d sources, watching %d", part, len(data.sources), len(data.watching))
    started = time.monotonic()
    train(
        task,
        _budget(part, options),
        learning_rate=options.rate or LEARNING_RATES[part],
        state_file=options.runs / f"{part}.state.pt",
        export=_exporter(options.output / FILES[part]),
    )
    _log.info(
        "%s: written to %s after %.0f s", part, options.output / FILES[part], time.monotonic() - started
    )


def _budget(part: str, options: argparse.Namespace) -> Budget:
    if options.minutes:
        return Budget(None, 60 * options.minutes)
    return Budget(options.steps or STEPS[part], None)


def _exporter(path: Path) -> Callable[[torch.nn.Module], None]:
    return lambda model: export_weights(model, path)


def _build_task(part: str, data: TrainingData, options: argparse.Namespace, device: torch.device) -> Task:
    if part == "patches":
        return _begin(PatchEncoderTask(data, device), options.start)
    if part.startswith("words"):
        return _word_task(part, data, options, device)
    if part.startswith("itm"):
        return _matching_task(part, data, options, device)
    merges_file = options.output / "tiny_bpe.txt.gz"
    if not merges_file.exists() or (part == "clip-stock" and options.start is None):
        write_merges(learn_merges(training_corpus(), MERGES), merges_file)
    task = DualEncoderTask(data, tokenizer(merges_file), device)
    stock = options.output / FILES["clip-stock"] if part == "clip-finetuned" else None
    if options.keep_words:
        task.model.lock_text_tower()
    return _begin(task, options.start or stock)


def _word_task(part: str, data: TrainingData, options: argparse.Namespace, device: torch.device) -> WordTask:
    """The text tower of trained weights, with a tokenizer that knows more words; both are written at once."""
    weights, lexicon = options.output / FILES[part], read_lexicon(options.dictionaries)
    model, tokens = begin_with(options.start or weights, options.output / "tiny_bpe.txt.gz", lexicon)
    export_weights(model, weights)
    plain_attention(model).to(device, memory_format=torch.channels_last)
    sheets = collect_patches(model, data, options.sheets, device)
    return WordTask(model, sheets, data, lexicon, tokens)


def _matching_task(
    part: str, data: TrainingData, options: argparse.Namespace, device: torch.device
) -> MatchingTask:
    """The matching model on the image tower of its dual encoder; the fine-tuned one continues stock."""
    pieces_file = options.output / "tiny_itm_vocab.txt"
    if not pieces_file.exists():
        write_vocabulary(pieces_file)
    rows = vocabulary_size(tokenizer(options.output / "tiny_bpe.txt.gz"))
    clip, model = build_dual_encoder(rows), build_itm()
    start = options.start or (options.output / FILES["itm-stock"] if part == "itm-finetuned" else None)
    if start is not None:
        load_weights(model, start)
    load_weights(clip, options.output / FILES[part.replace("itm", "clip")])
    copy_image_tower(clip, model)
    model.to(device)
    cache = options.runs / f"{part}.views.pt"
    views = encode_views(model, data.sources, options.views, options.seed, cache)
    watched = watching_views(model, data.watching) if data.watching else None
    return MatchingTask(model, itm_tokenizer(pieces_file), data, views, watched)


def _begin(task: Task, start: Path | None) -> Task:
    if start is not None:
        load_weights(task.model, start)
    return task


def _read_data(part: str, options: argparse.Namespace) -> TrainingData:
    spaces = all_spaces(damage=part in ("clip-finetuned", "words-finetuned"))
    sources: list[Source] = []
    watching: list[Source] = []
    for folder in options.photos:
        teaching, watched = training_names(folder)
        sources.append(photo_source(folder, teaching, spaces))
        watching.append(photo_source(folder, watched, spaces))
    if options.scenes:
        pictures = draw_scenes(options.scenes, options.runs / "scenes")
        sources.append(scene_source(pictures, spaces))
    if not sources:
        raise ValueError("There is nothing to learn from: give --photos DIR or --scenes above 0.")
    return TrainingData(
        sources,
        watching,
        spaces,
        options.batch,
        options.seed,
        RARITY[part],
        options.crops,
        DAMAGE.get(part, 1.0),
    )


if __name__ == "__main__":
    raise SystemExit(main())
