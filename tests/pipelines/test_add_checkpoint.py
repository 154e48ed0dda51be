"""Fine-tuned checkpoints through the command line: every hostile file, every published layout."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lposs_core.checkpoint import CheckpointFileError, CheckpointMismatch, load_safetensors
from lposs_core.checkpoint_layout import LayoutError
from lposs_core.tower import Block
from pipelines import InferenceRequest, PipelineRegistry, infer, load_catalogue, parse_prompts
from pipelines.add_checkpoint import add_checkpoint, main
from pipelines.catalogue import ASSETS, CATALOGUE_FILE, with_branches
from pipelines.hub_catalogue import LOCAL_NAME, build_catalogue

BASE = "tiny-stock"


@pytest.fixture(scope="module")
def stock() -> dict[str, torch.Tensor]:
    return load_safetensors(load_catalogue()[BASE].parts["clip"].file)


@pytest.fixture
def local(tmp_path: Path) -> Path:
    return tmp_path / "rows" / LOCAL_NAME


def tuned(stock: dict[str, torch.Tensor], blocks: int) -> dict[str, torch.Tensor]:
    """The stock weights with another perceptron in every block from ``blocks`` on."""
    names = [key for key in stock if ".blocks." in key and key.endswith("mlp.fc1.weight")]
    changed = [key for key in names if int(key.split(".blocks.")[1].split(".")[0]) >= blocks]
    return stock | {key: stock[key] + 0.02 for key in changed}


def reasons(path: Path, local: Path) -> set[str]:
    """Why a file is refused; a misfit may have both kinds."""
    try:
        add_checkpoint(path, identifier="hostile", catalogue=local)
    except CheckpointFileError as error:
        return {error.reason}
    except CheckpointMismatch as error:
        keys = error.report.missing or error.report.unexpected
        return {"shape"} if not keys else {"keys", "shape"} if error.report.mismatched else {"keys"}
    return {"added"}


def test_every_row_of_the_manifest_has_its_outcome(manifest, badinputs, local, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a payload would leave its marker
    rows = [row for row in manifest["cases"] if row["kind"] == "checkpoint"]
    assert len(rows) >= 30
    for row in rows:
        before, started = peak_mib(), time.perf_counter()
        assert row["reason"] in reasons(badinputs / row["file"], local), row["id"]
        assert time.perf_counter() - started < row.get("max_seconds", 30) + 10, row["id"]
        if row["id"] != rows[0]["id"]:  # the first also loads the libraries
            assert peak_mib() - before < row.get("max_extra_rss_mb", 400), row["id"]
    assert list(tmp_path.iterdir()) == []


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_a_fine_tuned_file_becomes_a_row_that_segments(stock, local, tmp_path):
    save_file(tuned(stock, 4), tmp_path / "Our Facades.safetensors")
    added = add_checkpoint(tmp_path / "Our Facades.safetensors", base=BASE, label="Ours", catalogue=local)
    assert added.shared == 4
    row = load_catalogue(local)["our-facades"]
    assert (row.label["ru"], row.base, row.kind) == ("Ours", BASE, "finetuned")
    assert row.parts["clip"].shares == (BASE, 4)
    assert row.parts["patches"].sha256 == load_catalogue()[BASE].parts["patches"].sha256
    registry = PipelineRegistry(load_catalogue(local), torch.device("cpu"))
    picture = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    request = InferenceRequest(
        picture, parse_prompts("wall; window"), "maskclip", "our-facades", templates="simple"
    )
    assert infer(request, registry).checkpoint.id == "our-facades"


def test_the_row_stands_in_the_catalogue_and_its_blocks_are_marked(stock, local, tmp_path):
    save_file(tuned(stock, 3), tmp_path / "mine.safetensors")
    add_checkpoint(tmp_path / "mine.safetensors", base=BASE, catalogue=local)
    built_in = CATALOGUE_FILE.read_text(encoding="utf-8").replace(
        "file: weights/", f"file: {ASSETS}/weights/"
    )
    (local.parent / "catalogue.yaml").write_text(built_in, encoding="utf-8")
    rows = build_catalogue(local.parent / "catalogue.yaml")
    assert rows["mine"].source == "local"
    assert rows["mine"].refusal() is None
    assert rows["mine"].parts["clip"].branches == rows[BASE].parts["clip"].branches == (3,)
    assert rows["tiny-finetuned"].parts["clip"].branches == ()
    (local.parent / LOCAL_NAME).write_text("checkpoints: [{id: broken}]", encoding="utf-8")
    assert "mine" not in build_catalogue(local.parent / "catalogue.yaml")


def test_flipping_to_the_new_row_runs_only_the_blocks_that_differ(stock, local, tmp_path, monkeypatch):
    save_file(tuned(stock, 4), tmp_path / "mine.safetensors")
    add_checkpoint(tmp_path / "mine.safetensors", base=BASE, catalogue=local)
    rows = with_branches(load_catalogue() | load_catalogue(local))
    registry = PipelineRegistry(rows, torch.device("cpu"))
    picture = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    ran: list[str] = []
    for name in ("__call__", "value_path"):
        real = getattr(Block, name)
        monkeypatch.setattr(Block, name, lambda *a, real=real, **k: (ran.append("block"), real(*a, **k))[1])

    def run(checkpoint: str):
        request = InferenceRequest(picture, parse_prompts("wall; window"), "maskclip", checkpoint)
        ran.clear()
        return infer(request, registry)

    run(BASE)
    depth = len({key.split(".blocks.")[1].split(".")[0] for key in stock if "visual.trunk.blocks." in key})
    assert len(ran) >= depth
    flipped = run("mine")
    assert len(ran) == depth - 4, "one batch of windows, and text vectors that both share"
    alone = PipelineRegistry(load_catalogue(local), torch.device("cpu"))
    registry = alone
    assert (run("mine").scores.scores == flipped.scores.scores).all()


def test_the_layout_of_a_facade_fork_is_understood(stock, local, tmp_path):
    """``model_state`` behind a wrapper, with DINO, text vectors, an optimiser, and LoRA on one layer."""
    spec = load_catalogue()[BASE]
    layer = next(key for key in stock if key.endswith("blocks.5.mlp.fc1.weight")).removesuffix(".weight")
    a, b = torch.randn(4, stock[f"{layer}.weight"].shape[1]), torch.randn(len(stock[f"{layer}.weight"]), 4)
    clip = {key.replace(layer, f"{layer}.base_layer"): value for key, value in stock.items()}
    clip |= {f"{layer}.lora_A.default.weight": a / 50, f"{layer}.lora_B.default.weight": b / 50}
    family = {f"clip_backbone.{key}": value for key, value in clip.items()}
    family |= {f"vit.{key}": value for key, value in load_safetensors(spec.parts["patches"].file).items()}
    family |= {"class_embeddings": torch.ones(5, 4)}
    state = {f"base_model.{key}": value for key, value in family.items()}
    torch.save({"epoch": 3, "model_state": state, "optimizer_state": {}}, tmp_path / "epoch_003.pth")
    added = add_checkpoint(tmp_path / "epoch_003.pth", base=BASE, lora_alpha=8, catalogue=local)
    assert added.layout.dropped == ("class_embeddings",)
    assert added.layout.merged == (f"clip_backbone.{layer}",)
    assert set(added.reports) == {"clip", "patches"}
    assert set(added.files) == {"clip"}, "the patch encoder equals the base's"
    written = load_file(added.files["clip"])[f"{layer}.weight"].float()
    torch.testing.assert_close(
        written, stock[f"{layer}.weight"].float() + 2 * (b @ a) / 2500, atol=2e-3, rtol=0
    )


def test_a_file_of_image_weights_is_filled_from_its_base(stock, local, tmp_path, capsys):
    image = {key: value for key, value in stock.items() if key.startswith("visual.")}
    save_file(image, tmp_path / "image.safetensors")
    assert main([str(tmp_path / "image.safetensors"), "--base", BASE, "--catalogue", str(local)]) == 2
    assert f"lacks {len(stock) - len(image)} (first:" in capsys.readouterr().err
    assert not local.exists()
    arguments = [str(tmp_path / "image.safetensors"), "--base", BASE, "--fill", "--catalogue", str(local)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert f"taken from the base: {len(stock) - len(image)} keys" in printed
    assert "first blocks equal to the base's" in printed


def test_a_mixer_and_a_taken_id_are_refused(stock, local, tmp_path, capsys):
    save_file(stock | {"mixers.0.fc.weight": torch.ones(2)}, tmp_path / "mixed.safetensors")
    with pytest.raises(LayoutError, match="embedding mixer"):
        add_checkpoint(tmp_path / "mixed.safetensors", base=BASE, catalogue=local)
    save_file(stock, tmp_path / "tiny-stock.safetensors")
    assert main([str(tmp_path / "tiny-stock.safetensors"), "--base", BASE, "--catalogue", str(local)]) == 2
    assert "a built-in checkpoint has this id" in capsys.readouterr().err
    assert main([str(tmp_path / "gone.safetensors"), "--base", BASE]) == 2
    assert "There is no checkpoint at" in capsys.readouterr().err
