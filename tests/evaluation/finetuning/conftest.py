"""A fine-tuning so small that it takes seconds: pictures of 64 x 96 pixels, one window each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from evaluation.facades import read_split
from evaluation.finetuning import FineTuneSettings
from evaluation.finetuning.base import Base, load_base
from evaluation.finetuning.data import FacadeData
from evaluation.finetuning.loop import Job
from evaluation.finetuning.prompts import match_taxonomy
from lposs_core import LPOSSConfig
from pipelines import load_catalogue, parse_prompts
from tiny_vlm.facade_set import write_facade_set

SMALL = LPOSSConfig(short_side=64, crop=64, stride=64)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> FacadeData:
    """Three pictures to train on, one to validate on."""
    root = tmp_path_factory.mktemp("drawn")
    write_facade_set(root, {"train": 3, "val": 1}, seed=3, size=(64, 96))
    return FacadeData({split: tuple(read_split(root, split)) for split in ("train", "val")} | {"test": ()})


@pytest.fixture
def job_of(drawn: FacadeData, tmp_path: Path) -> Callable[..., Job]:
    """Builder of jobs on the bundled stock checkpoint, or on the base given."""

    def build(name: str = "job", base: Base | None = None, **settings: Any) -> Job:
        (tmp_path / name).mkdir(exist_ok=True)
        if base is None:
            base = load_base(load_catalogue(), "tiny-stock", torch.device("cpu"))
            base = dataclasses.replace(base, spec=dataclasses.replace(base.spec, settings=SMALL))
        labels = match_taxonomy(parse_prompts("background = wall, window; SPALLING = fallen plaster; rust"))
        chosen = {"crop": 64, "short_side": 64, "batch": 2, "steps": 4, "validate_every": 2} | settings
        tuned = FineTuneSettings(templates="plain", **chosen)
        fingerprint = repr(tuned)
        return Job(base, drawn, labels, tuned, tmp_path / name / "state.pt", 0, fingerprint)

    return build
