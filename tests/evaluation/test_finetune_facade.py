"""The command line end to end: drawn facades in the true layout, the bundled stock model, a head and LoRA."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from evaluation.facades import read_sample, read_split
from evaluation.finetune_facade import main
from evaluation.finetuning.deltas import changed_names
from evaluation.finetuning.prompts import taxonomy_prompts
from evaluation.metrics import ConfusionMatrix
from lposs_core import file_sha256, load_safetensors
from pipelines import (
    InferenceRequest,
    PipelineRegistry,
    find_prompt_set,
    infer,
    load_catalogue,
    parse_prompts,
    read_image,
)
from tiny_vlm.facade_set import write_facade_set

TRAINING = [
    "--tune", "head", "lora", "--lora-blocks", "-1", "--steps", "100", "--batch", "6", "--crop", "112",
    "--validate-every", "50", "--learning-rate", "5e-3", "--templates", "plain",
]  # fmt: skip
CLAIMED = {
    "visual.head.proj.weight",
    *(f"visual.trunk.blocks.5.{name}.weight" for name in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")),
}


@pytest.fixture(scope="module")
def facades(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("facades")
    counts = {"train": 16, "val": 3, "test": 4}
    write_facade_set(root, counts, seed=1, size=(224, 288), least_damage=0.04)
    return root


@pytest.fixture(scope="module")
def tuned(facades: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a fine-tuned checkpoint that a local catalogue offers as ``mine``."""
    out = tmp_path_factory.mktemp("tuned")
    places = ["--dataset-root", str(facades), "--output-dir", str(out)]
    local = ["--add", "mine", "--catalogue", str(out / "local.yaml")]
    assert main([*places, *local, *TRAINING]) == 0
    return out


@pytest.fixture(scope="module")
def card(tuned: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tuned / "card.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def registry(tuned: Path) -> PipelineRegistry:
    """What the page holds on a machine with this local catalogue."""
    return PipelineRegistry({**load_catalogue(), **load_catalogue(tuned / "local.yaml")}, torch.device("cpu"))


def test_the_finetuned_checkpoint_beats_stock_on_pictures_it_never_saw(card: dict[str, Any]) -> None:
    val, test = card["metrics"]["val"], card["metrics"]["test"]
    assert val["finetuned"]["mIoU"] > val["base"]["mIoU"]
    least = {"mIoU": 0.02, "macroF1": 0.02, "damageIoU": 0.05, "damageDetectionRecall": 0.1}
    for figure, margin in least.items():
        assert test["finetuned"][figure] > test["base"][figure] + margin, figure


def test_the_figures_of_the_card_are_those_of_the_served_checkpoint(
    facades: Path, card: dict[str, Any], registry: PipelineRegistry
) -> None:
    labels = taxonomy_prompts()
    for model, identifier in (("base", "tiny-stock"), ("finetuned", "mine")):
        matrix = ConfusionMatrix(12)
        for sample in read_split(facades, "test"):
            image, mask = read_sample(sample)
            request = InferenceRequest(
                image, labels.prompts, method="maskclip", checkpoint=identifier, templates="plain"
            )
            matrix.update(infer(request, registry).label_map, mask)
        assert card["metrics"]["test"][model]["mIoU"] == pytest.approx(matrix.compute()["mIoU"], abs=2e-3)


def test_exactly_the_claimed_parameters_changed_in_the_file(tuned: Path, card: dict[str, Any]) -> None:
    base = load_safetensors(load_catalogue()["tiny-stock"].parts["clip"].file)
    state = load_safetensors(tuned / "checkpoint.safetensors")
    assert set(changed_names(base, state)) == set(card["changed_parameters"]) == CLAIMED
    for name in base.keys() - CLAIMED:
        assert state[name].dtype == base[name].dtype
        assert torch.equal(state[name], base[name])
    assert state.keys() == base.keys()  # no text vector, no trace of LoRA


def test_prompts_act_on_the_finetuned_checkpoint(facades: Path, registry: PipelineRegistry) -> None:
    image = read_image(facades / "images" / "test" / read_split(facades, "test")[0].image.name)
    found = [
        infer(InferenceRequest(image, parse_prompts(text), method="maskclip", checkpoint="mine"), registry)
        for text in ("wall; rust", "wall; rusty metal")
    ]
    assert np.abs(found[0].scores.scores - found[1].scores.scores).max() > 1e-3


def test_the_page_would_offer_it(registry: PipelineRegistry, facades: Path) -> None:
    row = registry.catalogue["mine"]
    assert (row.kind, row.base) == ("finetuned", "tiny-stock")
    image = read_image(facades / "images" / "val" / read_split(facades, "val")[0].image.name)
    prompts = find_prompt_set("facade-damage-en").prompts
    result = infer(InferenceRequest(image, prompts, method="lposs", checkpoint="mine"), registry)
    assert result.label_map.shape == image.shape[:2]


def test_the_card_says_what_it_was_made_of(tuned: Path, card: dict[str, Any]) -> None:
    part = load_catalogue()["tiny-stock"].parts["clip"]
    assert card["base"]["id"] == "tiny-stock"
    assert card["base"]["sha256"] == part.sha256
    assert card["file"]["sha256"] == file_sha256(tuned / "checkpoint.safetensors")
    assert card["data"]["pictures"] == {"train": 16, "val": 3, "test": 4}
    assert card["settings"]["tune"] == ["head", "lora"]
    assert card["best_step"] in (50, 100)
    assert [row["step"] for row in card["history"]] == [0, 50, 100]
    moved = {row["name"] for row in card["layers"] if row["changed"]}
    assert moved == {"visual.head", "visual.trunk.blocks.5"}
    text = (tuned / "model_card.md").read_text(encoding="utf-8")
    for words in (card["data"]["sha256"], part.sha256, "visual.trunk.blocks.5", "seed: 0", "Limits"):
        assert words in text
    assert not (tuned / "training_state.pt").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--dataset-root", "nowhere"], "There is no folder nowhere"),
        (["--base", "huge"], "no checkpoint 'huge'"),
        (["--tune", "blocks", "--blocks", "99"], "has 6 blocks"),
        (["--rank", "0"], "rank must be at least 1"),
        (["--prompts", "wall; spaceship"], "cannot be used for training"),
        (["--prompts", "rust; corrosion"], "two classes"),
        (["--languages", "tlh"], "no terms in 'tlh'"),
        (["--templates", "many"], "template set must be one of"),
    ],
)
def test_bad_input_ends_with_2_and_a_sentence(
    facades: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    places = [] if "--dataset-root" in options else ["--dataset-root", str(facades)]
    assert main([*places, "--output-dir", str(tmp_path), "--crop", "64", "--steps", "1", *options]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert "Traceback" not in printed.err


def test_one_photograph_on_both_sides_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "leak"
    write_facade_set(root, {"train": 1, "val": 1}, seed=2, size=(32, 48))
    for kind in ("images", "masks"):
        for split, ending in (("train", "_y0_x0"), ("val", "_y0_x64")):
            (only,) = (root / kind / split).iterdir()
            only.rename(only.with_name(f"house{ending}.png"))
    assert main(["--dataset-root", str(root), "--output-dir", str(tmp_path / "out")]) == 2
    assert "Split by photograph" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_train_together(tmp_path: Path, repository: Path) -> None:
    root, out = tmp_path / "data", tmp_path / "out"
    write_facade_set(root, {"train": 2, "val": 2}, seed=2, size=(64, 96))
    command = [
        str(Path(sys.executable).with_name("torchrun")), "--nproc-per-node", "2", "--master-port", "29611",
        "-m", "evaluation.finetune_facade", "--dataset-root", str(root), "--output-dir", str(out),
        "--steps", "2", "--batch", "2", "--crop", "64", "--templates", "plain", "--amp", "off",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=repository, capture_output=True, text=True, timeout=280,
        env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("written to") == 1
    found = json.loads((out / "card.json").read_text(encoding="utf-8"))
    assert found["processes"] == 2
    assert found["changed_parameters"] == ["visual.head.proj.weight"]
