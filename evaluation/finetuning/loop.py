"""The training loop: schedule, validation, the best values, saving and resuming."""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from evaluation.distributed import Rank, add_counts, shard
from lposs_core import text_prototypes
from lposs_core.templates import template_set

from .base import Base
from .data import Crops, FacadeData, class_table, class_weights, count_pixels
from .network import DenseClassifier, in_step, segmentation_loss
from .prompts import TaxonomyPrompts
from .settings import FineTuneError, FineTuneSettings
from .trainable import open_for_training, plain_values, trained_parameters
from .validation import count_confusions, figures, main_figure

WARM_UP: Final = 0.05  # part of the updates in which the learning rate rises
LARGEST_GRADIENT: Final = 1.0  # Euclidean length
REPORTS: Final = 20  # lines of progress of a whole training

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One fine-tuning.

    Attributes:
        base: where it starts; its network is changed.
        data: ``train`` and ``val`` are needed.
        labels: texts of the classes.
        settings: everything else that decides the result.
        state_file: where the state of an interrupted training is kept.
        workers: processes that draw crops; 0 draws them in this one.
        fingerprint: name of base, data, texts and settings; only a state with the same is resumed.
        processes: how many train together.
    """

    base: Base
    data: FacadeData
    labels: TaxonomyPrompts
    settings: FineTuneSettings
    state_file: Path
    workers: int
    fingerprint: str
    processes: int = 1


@dataclass(slots=True, eq=False)
class Progress:
    """How far a training is.

    Attributes:
        step: updates done.
        seconds: spent on them.
        history: validations so far: ``step``, ``loss`` (mean since the last one) and ``val``.
        best: values of the trained parameters at the best validation, under their names in the base.
    """

    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    @property
    def best_row(self) -> dict[str, Any]:
        """The best validation after the start; of equal ones the first."""
        return max(self.history[1:], key=lambda row: main_figure(row["val"]))


def fine_tune(job: Job, rank: Rank, *, resume: bool = False, stop_after: int | None = None) -> Progress:
    """Train what the settings name and keep what validated best.

    Args:
        job: what to do; ``job.base.network`` holds the last values afterwards.
        rank: this process among those that train together.
        resume: continue from ``job.state_file`` where it exists.
        stop_after: leave after this many updates in this call, state saved, as an interruption would.

    Returns:
        History and best values.

    Raises:
        FineTuneError: the state is of another training, or the loss is no number.
    """
    trainer = _Trainer(job, rank)
    progress = trainer.restore() if resume else Progress()
    if not progress.history:
        progress.history.append({"step": 0, "loss": None, "val": trainer.validate()})
    trainer.run(progress, stop_after)
    return progress


def schedule(progress: float) -> float:
    """Learning rate relative to its peak at ``progress`` in ``[0, 1]``: linear rise, cosine to 1 %."""
    if progress < WARM_UP:
        return (progress + 1e-3) / (WARM_UP + 1e-3)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


def has_bfloat16(device: torch.device) -> bool:
    """Say whether bfloat16 products pay on this device."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())


class _Trainer:
    def __init__(self, job: Job, rank: Rank) -> None:
        self.job = job
        self.rank = rank
        network, settings = job.base.network, job.settings
        self.device = next(network.model.parameters()).device
        self.prototypes = self._encode_prompts()
        classifier = DenseClassifier(
            network.model, self.prototypes, network.mean, network.std, temperature=settings.temperature
        )
        self.names = open_for_training(network.model, settings)
        self.parameters = trained_parameters(network.model)
        self.classifier: nn.Module = in_step(classifier, rank, self.device)
        # No weight decay: it would pull at rows that no gradient reaches, the last block's queries and keys.
        self.optimiser = torch.optim.AdamW(
            self.parameters.values(), lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=0.0
        )
        self.table = class_table(job.labels.indices)
        pixels = count_pixels(job.data.splits["train"], self.table, len(job.labels.indices))
        self.weights = class_weights(pixels, settings.weight_power, settings.weight_cap).to(self.device)

    def run(self, progress: Progress, stop_after: int | None) -> None:
        """Do the updates that are left."""
        settings = self.job.settings
        first, losses = progress.step, []
        started = time.monotonic() - progress.seconds
        for crops, masks in self._batches(first):
            if stop_after is not None and progress.step - first >= stop_after:
                self.save(progress)
                return
            losses.append(self._update(crops, masks, schedule(progress.step / settings.steps)))
            progress.step += 1
            progress.seconds = time.monotonic() - started
            self._report(progress, losses)
            if progress.step % settings.validate_every == 0 or progress.step == settings.steps:
                self._validate(progress, sum(losses) / len(losses))
                losses = []
                self.save(progress)

    def validate(self) -> dict[str, Any]:
        """Score the validation pictures with the weights as they are now; processes share the work."""
        job = self.job
        samples = shard(job.data.splits["val"], self.rank)
        matrix = count_confusions(
            job.base.encoder(), samples, job.labels, job.base.spec.settings, job.settings.templates
        )
        matrix.counts = add_counts([matrix.counts], self.rank)[0]
        return figures(matrix)

    def save(self, progress: Progress) -> None:
        """Write the state of the training; a reader never meets half a file."""
        if not self.rank.first:
            return
        state = {
            "fingerprint": self.job.fingerprint,
            "parameters": {name: value.detach() for name, value in self.parameters.items()},
            "optimiser": self.optimiser.state_dict(),
            "step": progress.step,
            "seconds": progress.seconds,
            "history": json.dumps(progress.history),
            "best": progress.best,
        }
        unfinished = self.job.state_file.with_suffix(".tmp")
        torch.save(state, unfinished)
        os.replace(unfinished, self.job.state_file)

    def restore(self) -> Progress:
        """Take up a saved state; without one, begin.

        Raises:
            FineTuneError: it is of another training.
        """
        file = self.job.state_file
        if not file.is_file():
            return Progress()
        state: dict[str, Any] = torch.load(file, map_location=self.device, weights_only=True)
        if state["fingerprint"] != self.job.fingerprint:
            raise FineTuneError(
                f"{file} is of a training with another base, data, prompts or settings. Give the same "
                "options as then, or leave --resume out to start anew."
            )
        with torch.no_grad():
            for name, value in state["parameters"].items():
                self.parameters[name].copy_(value)
        self.optimiser.load_state_dict(state["optimiser"])
        log.info("continuing at update %d from %s", state["step"], file)
        return Progress(state["step"], state["seconds"], json.loads(state["history"]), state["best"])

    def _encode_prompts(self) -> list[Tensor]:
        """Prototypes of each class, frozen: ``(texts, d)`` a class."""
        encoder, templates = self.job.base.encoder(), template_set(self.job.settings.templates)
        return [text_prototypes(encoder, group, templates) for group in self.job.labels.prompts.texts]

    def _batches(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Crops of the updates from ``step`` on; which ones depends on seed, update and process alone."""
        settings = self.job.settings
        together = settings.batch * self.rank.size
        crops = Crops(self.job.data.splits["train"], self.table, settings, length=settings.steps * together)
        numbers = [
            update * together + self.rank.index * settings.batch + place
            for update in range(step, settings.steps)
            for place in range(settings.batch)
        ]
        yield from DataLoader(
            crops, settings.batch, sampler=numbers, num_workers=self.job.workers, worker_init_fn=_one_thread
        )

    def _update(self, crops: Tensor, masks: Tensor, rate: float) -> float:
        """One update; gives the loss before it."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.job.settings.learning_rate * rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.job.settings.amp):
            logits = self.classifier(crops.to(self.device))
        loss = segmentation_loss(logits.float(), masks.to(self.device), self.weights)
        if not bool(torch.isfinite(loss)):
            raise FineTuneError("the loss is no longer a number. Lower --learning-rate or switch --amp off.")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), LARGEST_GRADIENT)
        self.optimiser.step()
        return float(loss.detach())

    def _report(self, progress: Progress, losses: list[float]) -> None:
        steps = self.job.settings.steps
        if self.rank.first and progress.step % max(1, steps // REPORTS) == 0:
            left = progress.seconds * (steps - progress.step) / progress.step
            log.info("update %d of %d: loss %.3f, %.0f s left", progress.step, steps, losses[-1], left)

    def _validate(self, progress: Progress, loss: float) -> None:
        row: dict[str, Any] = {"step": progress.step, "loss": loss, "val": self.validate()}
        progress.history.append(row)
        if progress.best_row is row:
            progress.best = plain_values(self.job.base.network.model, self.names)
        if self.rank.first:
            stock = main_figure(progress.history[0]["val"])
            log.info("update %d: mIoU %.3f (base %.3f)", progress.step, main_figure(row["val"]), stock)


def _one_thread(worker: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
