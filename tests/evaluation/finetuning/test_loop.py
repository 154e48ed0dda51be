from __future__ import annotations

import math
from collections.abc import Callable

import open_clip
import pytest
import torch
from open_clip.model import CLIP

from evaluation.distributed import Rank
from evaluation.finetuning import FineTuneError
from evaluation.finetuning.base import Base, Network
from evaluation.finetuning.deltas import changed_names
from evaluation.finetuning.export import merged_state
from evaluation.finetuning.loop import Job, Progress, fine_tune, schedule
from lposs_core.maskclip import OPENAI_MEAN, OPENAI_STD

Jobs = Callable[..., Job]


def test_resumed_training_equals_uninterrupted_training(job_of: Jobs) -> None:
    torch.set_num_threads(1)
    whole = fine_tune(job_of("whole"), Rank())
    stopped = fine_tune(job_of("parts"), Rank(), stop_after=3)
    assert stopped.step == 3
    resumed = fine_tune(job_of("parts"), Rank(), resume=True)
    assert (resumed.step, [row["step"] for row in resumed.history]) == (4, [0, 2, 4])
    assert [row["val"] for row in resumed.history] == [row["val"] for row in whole.history]
    assert whole.best.keys() == resumed.best.keys() != set()
    assert all(torch.equal(whole.best[name], resumed.best[name]) for name in whole.best)


def test_a_state_of_other_settings_is_not_resumed(job_of: Jobs) -> None:
    fine_tune(job_of(), Rank(), stop_after=1)
    with pytest.raises(FineTuneError, match="another base, data, prompts or settings"):
        fine_tune(job_of(learning_rate=0.5), Rank(), resume=True)


def test_a_seed_gives_the_same_weights_again(job_of: Jobs) -> None:
    torch.set_num_threads(1)
    first, again, other = (
        fine_tune(job_of(f"seed {number}", steps=2, seed=seed), Rank())
        for number, seed in enumerate((5, 5, 6))
    )
    key = "visual.head.proj.weight"
    assert torch.equal(first.best[key], again.best[key])
    assert not torch.equal(first.best[key], other.best[key])


def test_training_lowers_the_loss(job_of: Jobs) -> None:
    progress = fine_tune(job_of(steps=30, validate_every=10, learning_rate=3e-3), Rank())
    losses = [row["loss"] for row in progress.history[1:]]
    assert losses[-1] < 0.8 * losses[0]


def test_the_best_validation_is_kept_and_the_first_of_equal_ones() -> None:
    rows = [{"step": step, "val": {"mIoU": value}} for step, value in enumerate((0.9, 0.2, 0.4, 0.4, None))]
    assert Progress(history=rows).best_row["step"] == 2  # the start does not count


def test_a_loss_that_is_no_number_ends_the_training(job_of: Jobs) -> None:
    job = job_of()
    with torch.no_grad():
        job.base.network.model.visual.trunk.norm.weight.fill_(math.nan)
    with pytest.raises(FineTuneError, match="no longer a number"):
        fine_tune(job, Rank())


def test_bfloat16_products_train_as_well(job_of: Jobs) -> None:
    progress = fine_tune(job_of(steps=2, amp=True, tune=("head", "lora")), Rank())
    assert all(value.dtype == torch.float32 for value in progress.best.values())
    assert all(bool(torch.isfinite(value).all()) for value in progress.best.values())


def test_learning_rate_rises_then_falls() -> None:
    rates = [schedule(step / 200) for step in range(201)]
    peak = rates.index(max(rates))
    assert 5 <= peak <= 15
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0.01)


@pytest.mark.slow
def test_an_architecture_of_real_size_trains_as_it_says(job_of: Jobs) -> None:
    """ViT-B/16 of open_clip, 150 million numbers, random weights: LoRA on blocks 10 and 11 and the head."""
    config = open_clip.get_model_config("ViT-B-16")
    assert config is not None
    model = CLIP(**config).eval().requires_grad_(False)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    tiny = job_of()
    network = Network(model, open_clip.SimpleTokenizer(), OPENAI_MEAN, OPENAI_STD)
    base = Base(tiny.base.spec, network, state)
    settings = {"tune": ("head", "lora"), "lora_blocks": (10, 11), "steps": 3, "crop": 112}
    progress = fine_tune(job_of("real", base=base, **settings), Rank())
    layers = ("attn.in_proj_weight", "attn.out_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
    blocks = [f"visual.transformer.resblocks.{index}.{layer}" for index in (10, 11) for layer in layers]
    moved = changed_names(state, merged_state(state, progress.best))
    assert sorted(moved) == sorted(["visual.proj", *blocks])
    assert len(moved) < len(state) / 20
