"""Search the cross-attention layer, head and threshold of PnP-OVSS without masks, with CLIP as the judge.

    python -m evaluation.search_pnp --images DIR --prompts "wall; window; sky" --out found.yaml

``found.yaml`` can be used as a preset: ``python -m evaluation.segment PICTURE --config found.yaml``. Each
trial is written to ``found.trials.csv`` at once; the same command goes on from there.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray
from torch import Tensor

from lposs_core import template_set
from pipelines import (
    DEFAULT_CHECKPOINT,
    InferenceRequest,
    PipelineRegistry,
    Preset,
    PromptSet,
    build_registry,
    read_image,
)
from pipelines.catalogue import find_checkpoint
from pipelines.class_filters import Replies, kept_classes
from pipelines.english import english_texts
from pipelines.glossary import to_english
from pipelines.registry import LoadedCheckpoint
from pipelines.types import TopClasses
from pnp_ovss import ITMBackbone, PnPOVSS, PnPOVSSConfig

from .clip_reward import class_vectors, picture_reward, picture_side, square_picture
from .commands import UsageError, answer
from .pnp_options import METHOD, OptionError, filter_for, read_class_filter
from .pnp_trials import Trial, append_trial, read_trials
from .segment import choose_prompts, list_pictures

THRESHOLDS: Final = (0.05, 0.15, 0.25, 0.35, 0.45)
TRIALS: Final = 34
OPTIMISERS: Final = {"random": "RandomSearchOptimizer", "annealing": "RandomAnnealingOptimizer"}


@dataclass(slots=True)
class KeptStates:
    """A backbone that encodes each picture once, whatever layer and head are asked for afterwards."""

    backbone: ITMBackbone
    states: dict[str, Any] = field(default_factory=dict)

    def encode(self, pixels: Tensor) -> Any:
        """Image states, of this call or an earlier one with equal pixels."""
        key = hashlib.blake2b(pixels.numpy().tobytes(), digest_size=16).hexdigest()
        if key not in self.states:
            self.states[key] = self.backbone.encode(pixels)
        return self.states[key]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backbone, name)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A picture with the classes that it shows.

    Attributes:
        image: ``(H, W, 3)`` uint8 RGB.
        square: the same for CLIP.
        texts: of its classes, in English.
        vectors: of its classes in CLIP's space.
    """

    image: NDArray[np.uint8]
    square: Tensor
    texts: tuple[tuple[str, ...], ...]
    vectors: Tensor


@dataclass(slots=True)
class Search:
    """Trials of one search: each is computed once and written down at once.

    Attributes:
        models: image-text matching and CLIP.
        settings: what is not searched for.
        subjects: pictures.
        file: where trials are kept.
        total: trials that are wanted, for the progress.
        rewards: trials so far.
    """

    models: LoadedCheckpoint
    settings: PnPOVSSConfig
    subjects: Sequence[Subject]
    file: Path
    total: int
    rewards: dict[Trial, int] = field(default_factory=dict)
    calls: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def classes(self) -> int:
        """Classes of all pictures: the largest reward there can be."""
        return sum(len(subject.texts) for subject in self.subjects)

    @property
    def best(self) -> Trial:
        """The trial with the largest reward, the first of equal ones."""
        return max(self.rewards, key=self.rewards.__getitem__)

    def __call__(self, choice: Mapping[str, Any]) -> int:
        """Reward of one place of the search space."""
        trial = int(choice["layer"]), int(choice["head"]), float(choice["threshold"])
        self.calls += 1
        if trial not in self.rewards:
            self.rewards[trial] = self.reward(*trial)
            append_trial(self.file, trial, self.rewards[trial])
        self._report(trial)
        return self.rewards[trial]

    def reward(self, layer: int, head: int, threshold: float) -> int:
        """How many classes of all pictures convince CLIP."""
        settings = self.settings.replace(layer=layer, head=head, rounds=1)
        segmenter = PnPOVSS(self.models.itm, settings)
        return sum(
            picture_reward(
                self.models.clip,
                subject.square,
                segmenter.salience(subject.image, subject.texts).class_maps,
                subject.vectors,
                threshold,
            )
            for subject in self.subjects
        )

    def _report(self, trial: Trial) -> None:
        layer, head, threshold = trial
        left = (time.monotonic() - self.started) / self.calls * (self.total - self.calls)
        print(
            f"[{self.calls}/{self.total}] layer {layer + 1}, head {head}, threshold {threshold:.2f}: "
            f"{self.rewards[trial]} of {self.classes} (best {self.rewards[self.best]}; {left:.0f} s left)",
            file=sys.stderr,
        )


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.search_pnp",
        description="Search layer, head and threshold of PnP-OVSS without masks, with CLIP as the judge.",
    )
    add = parser.add_argument
    add("--images", type=Path, required=True, metavar="DIR", help="folder of pictures")
    add("--prompts", required=True, metavar="FILE or TEXT", help="classes, as in evaluation.segment")
    add(
        "--class-filter",
        default="top:3",
        metavar="FILTER",
        help="what a picture shows: all, top:K, FILE (top:3)",
    )
    add("--checkpoint", default=DEFAULT_CHECKPOINT, metavar="ID", help=f"({DEFAULT_CHECKPOINT})")
    add(
        "--optimiser", choices=tuple(OPTIMISERS), default="random", help="annealing as published, or (random)"
    )
    add("--iterations", type=int, default=TRIALS, metavar="N", help=f"trials ({TRIALS})")
    add("--layers", metavar="A-B", help="layers to try, counted from 1 (all)")
    add("--limit", type=int, metavar="N", help="the first N pictures only")
    add("--seed", type=int, default=0, help="equal seeds give equal searches (0)")
    add(
        "--out", type=Path, default=Path("pnp_found.yaml"), metavar="FILE", help="the preset (pnp_found.yaml)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0; 2, with a sentence on stderr, for bad input.
    """
    arguments = build_parser().parse_args(argv)
    try:
        return answer(lambda: run(arguments, build_registry()), OptionError)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 2


def run(arguments: argparse.Namespace, registry: PipelineRegistry) -> int:
    """Do what the options ask for."""
    if arguments.iterations < 1:
        raise UsageError(f"--iterations must be at least 1, got {arguments.iterations}.")
    optimiser = load_optimiser(arguments.optimiser)
    prompts = choose_prompts(arguments.prompts, Preset(METHOD))
    pictures = list_pictures(arguments.images)[: arguments.limit]
    class_filter = read_class_filter(arguments.class_filter)
    spec = find_checkpoint(registry.catalogue, arguments.checkpoint)
    trials = arguments.out.with_suffix(".trials.csv")
    with registry.lease(spec.id, roles=("itm", "clip")) as models:
        space = search_space(models.itm, arguments.layers)
        subjects = [read_subject(path, prompts, class_filter, models, registry) for path in pictures]
        kept = LoadedCheckpoint(models.info, spec, {**models.parts, "itm": KeptStates(models.itm)})
        search = Search(kept, spec.pnp_settings, subjects, trials, arguments.iterations, read_trials(trials))
        optimiser(space, random_state=arguments.seed).search(
            search, n_iter=arguments.iterations, memory=False, verbosity=False
        )
    write_preset(arguments.out, spec.id, search)
    print(f"{arguments.out.read_text(encoding='utf-8')}written to {arguments.out}")
    return 0


def load_optimiser(name: str) -> Any:
    """A class of Gradient-Free-Optimizers.

    Raises:
        UsageError: the package is not installed.
    """
    try:
        import gradient_free_optimizers
    except ImportError:
        raise UsageError("The search needs a package: pip install gradient-free-optimizers==1.2.4.") from None
    return getattr(gradient_free_optimizers, OPTIMISERS[name])


def search_space(backbone: ITMBackbone, layers: str | None) -> dict[str, NDArray[Any]]:
    """Values to choose from.

    Raises:
        UsageError: the range of layers does not exist in this model.
    """
    first, _, last = (layers or f"1-{backbone.layers}").partition("-")
    last = last or first
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last) <= backbone.layers):
        raise UsageError(f"--layers must be a range within 1-{backbone.layers}, got {layers!r}.")
    return {
        "layer": np.arange(int(first) - 1, int(last)),
        "head": np.arange(backbone.heads),
        "threshold": np.array(THRESHOLDS),
    }


def read_subject(
    path: Path,
    prompts: PromptSet,
    class_filter: TopClasses | Replies | None,
    models: LoadedCheckpoint,
    registry: PipelineRegistry,
) -> Subject:
    """A picture with the classes that the filter keeps.

    Raises:
        ImageError: it cannot be read.
        PromptError: a class has no English text.
    """
    image, templates = read_image(path), template_set("simple")
    request = InferenceRequest(image, prompts, class_filter=filter_for(class_filter, path, prompts))
    kept = kept_classes(request, models.clip, models.spec.settings, tuple(templates), registry.cache)
    texts = english_texts(prompts.classes, (), to_english).classes
    chosen = tuple(texts[index] for index in kept)
    square = square_picture(image, picture_side(models.clip))
    return Subject(image, square, chosen, class_vectors(models.clip, chosen, templates))


def write_preset(file: Path, checkpoint: str, search: Search) -> None:
    """Write the best trial as a preset."""
    layer, head, threshold = search.best
    settings = search.settings.replace(layer=layer, head=head, threshold=threshold)
    preset = {"method": METHOD, "checkpoint": checkpoint, "settings": settings.to_mapping()}
    comment = (
        f"# Best of {len(search.rewards)} trials: CLIP recognises {search.rewards[search.best]} of "
        f"{search.classes} classes on {len(search.subjects)} pictures.\n"
    )
    file.write_text(comment + yaml.safe_dump(preset, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
