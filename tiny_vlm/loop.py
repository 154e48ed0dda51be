"""The training loop: optimiser, schedule, running average of weights, saving and resuming."""

import copy
import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from tiny_vlm.tasks import Task

WARM_UP = 0.04  # part of the training in which the learning rate rises
AVERAGE = 0.998  # how much of the running average of weights stays in each step
WEIGHT_DECAY = 0.05
REPORT_EVERY, SAVE_EVERY, SCORE_EVERY = 25, 100, 200  # steps
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train: exactly one of ``steps`` and ``seconds`` is given."""

    steps: int | None
    seconds: float | None

    def progress(self, step: int, elapsed: float) -> float:
        """Part of the training that is done, 0 to 1, after ``step`` steps and ``elapsed`` seconds."""
        if self.steps is not None:
            return min(1.0, step / self.steps)
        return min(1.0, elapsed / (self.seconds or 1.0))


def train(
    task: Task,
    budget: Budget,
    *,
    learning_rate: float,
    state_file: Path,
    export: Callable[[nn.Module], None],
    stop_after: int | None = None,
) -> nn.Module:
    """Train ``task``, from ``state_file`` if it exists.

    Args:
        task: model, loss and score.
        budget: length of the training.
        learning_rate: peak of the schedule (linear rise, then cosine to 1 % of the peak).
        state_file: written now and then; removed at the end.
        export: called with the averaged model whenever the state is saved, and at the end.
        stop_after: leave after this many steps in this call, state saved, as an interruption would.

    Returns:
        The averaged model.
    """
    optimiser = _build_optimiser(task.model, learning_rate)
    average = copy.deepcopy(task.model).eval().requires_grad_(False)
    step, elapsed = _restore(state_file, task.model, average, optimiser)
    first, losses, started = step, 0.0, time.monotonic() - elapsed
    task.model.train()
    while (progress := budget.progress(step, elapsed)) < 1:
        if stop_after is not None and step - first >= stop_after:
            _save(state_file, task.model, average, optimiser, step, elapsed)
            return average
        _set_learning_rate(optimiser, learning_rate * schedule(progress))
        losses += _one_step(task, optimiser, step)
        step, elapsed = step + 1, time.monotonic() - started
        _update_average(average, task.model, min(AVERAGE, (1 + step) / (10 + step)))
        if step % REPORT_EVERY == 0:
            left = elapsed * (1 - progress) / max(progress, 1e-6)
            _log.info("step %d loss %.3f, %.0f s left", step, losses / REPORT_EVERY, left)
            losses = 0.0
        if step % SAVE_EVERY == 0:
            _save(state_file, task.model, average, optimiser, step, elapsed)
            export(average)
        if step % SCORE_EVERY == 0:
            _log.info("step %d %s", step, task.score(average))
    export(average)
    _log.info("end: step %d %s", step, task.score(average))
    state_file.unlink(missing_ok=True)
    return average


def schedule(progress: float) -> float:
    """Learning rate relative to its peak at ``progress`` in [0, 1]."""
    if progress < WARM_UP:
        return (progress + 1e-3) / (WARM_UP + 1e-3)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


def export_weights(model: nn.Module, path: Path) -> None:
    """Write the weights of ``model`` as float16 safetensors; readers never see half a file."""
    state = {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.tmp")
    save_file(state, str(unfinished), metadata={"format": "pt"})
    unfinished.chmod(0o644)
    os.replace(unfinished, path)


def load_weights(model: nn.Module, path: Path) -> None:
    """Load exported weights into ``model``, every key of both sides matched.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There are no weights at {path}. Train that part first.")
    model.load_state_dict(load_file(str(path)), strict=True)


def _build_optimiser(model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), foreach=True)


def _set_learning_rate(optimiser: torch.optim.Optimizer, value: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = value


def _one_step(task: Task, optimiser: torch.optim.Optimizer, step: int) -> float:
    device = next(task.model.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=_has_bfloat16(device)):
        loss = task.loss(step)
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(task.model.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())


def _update_average(average: nn.Module, model: nn.Module, keep: float) -> None:
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - keep)
        for kept, seen in zip(average.buffers(), model.buffers(), strict=True):
            kept.copy_(seen)


def _save(
    file: Path,
    model: nn.Module,
    average: nn.Module,
    optimiser: torch.optim.Optimizer,
    step: int,
    elapsed: float,
) -> None:
    state = {
        "model": model.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
        "elapsed": elapsed,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".tmp")
    torch.save(state, unfinished)
    os.replace(unfinished, file)


def _restore(
    file: Path, model: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, float]:
    if not file.exists():
        return 0, 0.0
    state: dict[str, Any] = torch.load(file, weights_only=True)
    model.load_state_dict(state["model"])
    average.load_state_dict(state["average"])
    optimiser.load_state_dict(state["optimiser"])
    _log.info("continuing at step %d from %s", state["step"], file)
    return int(state["step"]), float(state["elapsed"])
