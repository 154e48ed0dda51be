"""The command line end to end: drawn facades in the true layout, both bundled models, three prompt sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

from attribution import Scale, load_attribution
from evaluation.analyse_facade_representations import main
from evaluation.facades import read_sample, read_split
from lposs_core import LPOSS, OpenCLIPEncoder, load_safetensors, template_set
from pipelines import build_registry, load_catalogue, load_taxonomy
from tiny_vlm.facade_set import write_facade_set

CONFIG = """
classes: [background, CRACK, SPALLING, DELAMINATION]
templates: plain
prompts: {background: [wall, window]}
settings: {short_side: 64, crop: 64, stride: 64}
"""
CLASSES = load_taxonomy().names[:4]
MODELS = ("stock", "finetuned")
SETS = ("default", "inline", "russian")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a data set in layout A, a small configuration and a prompt file."""
    root = tmp_path_factory.mktemp("place")
    write_facade_set(root / "data", {"val": 3}, seed=5, size=(64, 96))
    (root / "small.yaml").write_text(CONFIG, encoding="utf-8")
    (root / "russian.yaml").write_text("CRACK: трещина\n", encoding="utf-8")
    return root


def options(place: Path, out: Path, *more: str) -> list[str]:
    config = ["--config-dir", str(place), "--config-name", "small.yaml"]
    return ["--dataset-root", str(place / "data"), "--output-dir", str(out), *config, *more]


@pytest.fixture(scope="module")
def out(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("analysis")
    asked = [
        "--finetuned-checkpoint", "tiny-finetuned", "--indices", "2", "0", "2", "--ig-steps", "2",
        "--focus-classes", "CRACK", "scaling", "--trust-steps", "2",
        "--prompt", "CRACK=hairline crack", "--prompt", "alligator crack=net of cracks",
        "--prompt-set", f"russian={place / 'russian.yaml'}",
    ]  # fmt: skip
    assert main(options(place, folder, *asked)) == 0
    return folder


@pytest.fixture(scope="module")
def summary(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "analysis_summary.json").read_text(encoding="utf-8"))
    return found


def picture(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.array(image)


def test_sets_samples_and_models_stand_where_they_were_published(summary: dict[str, Any]) -> None:
    assert tuple(summary) == (*SETS, "about")
    for name in SETS:
        assert tuple(summary[name]) == ("0", "2")  # sorted, each once
        for index, row in summary[name].items():
            assert tuple(row) == ("metadata", *MODELS)
            assert row["metadata"]["dataset_index"] == int(index)
            assert row["metadata"]["filename"].endswith(".png")


def test_every_published_key_is_there(summary: dict[str, Any]) -> None:
    published = {f"pixels_{name}" for name in CLASSES}
    published |= {f"prob_{name}_{kind}" for name in ("CRACK", "SPALLING") for kind in ("mean", "max")}
    published |= {f"gradcam_{name}_mean" for name in (*CLASSES, "damage", "damagePlus")}
    published |= {f"ig_{name}_mean" for name in ("CRACK", "SPALLING")}
    for name in SETS:
        for model in MODELS:
            assert set(summary[name]["2"][model]) == published | {"explanations"}


def test_pixels_are_those_of_the_picture_of_the_prediction(out: Path, summary: dict[str, Any]) -> None:
    for model in MODELS:
        painted = picture(out / "default" / "sample_00000" / f"{model}_segmentation_prediction.png")
        for item in load_taxonomy().classes[:4]:
            colour = [int(item.colour[place : place + 2], 16) for place in (1, 3, 5)]
            found = summary["default"]["0"][model][f"pixels_{item.name}"]
            assert found == int((painted == colour).all(-1).sum())


def test_probabilities_equal_a_plain_computation(place: Path, summary: dict[str, Any]) -> None:
    image, _ = read_sample(read_split(place / "data", "val")[0])
    terms = {item.name: list(item.terms["en"]) for item in load_taxonomy().classes[:4]}
    texts = list((terms | {"background": ["wall", "window"], "CRACK": ["трещина"]}).values())
    with build_registry().lease("tiny-stock") as models:
        settings = models.spec.settings.replace(short_side=64, crop=64, stride=64)
        segmenter = LPOSS(models.clip, models.patches, settings, templates=template_set("plain"))
        crack = segmenter.segment(image, texts, method="maskclip").scores[1]
    found = summary["russian"]["0"]["stock"]
    assert found["prob_CRACK_mean"] == pytest.approx(float(crack.mean()), rel=2e-3, abs=1e-6)
    assert found["prob_CRACK_max"] == pytest.approx(float(crack.max()), rel=2e-3, abs=1e-6)


def test_pictures_are_aligned_with_the_input(out: Path, place: Path) -> None:
    image, mask = read_sample(read_split(place / "data", "val")[2])
    folder = out / "inline" / "sample_00002"
    np.testing.assert_array_equal(picture(folder / "input.png"), image)
    for file in folder.glob("*.png"):
        if file.stem != "sheet":
            assert picture(file).shape == image.shape, file.name
    truth = picture(folder / "ground_truth.png")
    assert (truth[mask == 0] == 0).all()
    assert (truth[mask == 255] == 255).all()


def test_maps_of_one_class_share_one_scale(out: Path, summary: dict[str, Any]) -> None:
    """Colours follow from raw values and one scale for both models and all prompt sets."""
    for key in ("gradcam_CRACK", "ig_SPALLING", "gradcam_damage"):
        scale = Scale(*summary["about"]["scales"]["0"][key])
        assert scale.low == -scale.high < 0
        for name in SETS:
            for model in MODELS:
                file = out / name / "sample_00000" / f"{model}_{key}.png"
                raw = load_attribution(file.with_suffix(".npz")).heatmap
                expected = matplotlib.colormaps["RdBu_r"](scale.unit(raw), bytes=True)[..., :3]
                np.testing.assert_array_equal(picture(file), expected)
                mean = float(np.clip(raw / scale.high, 0, 1).mean())
                assert summary[name]["0"][model][f"{key}_mean"] == pytest.approx(mean, rel=1e-5, abs=1e-9)


def test_prompts_act_on_both_models(out: Path, summary: dict[str, Any]) -> None:
    for name in ("inline", "russian"):
        effects = summary["about"]["prompt_sets"][name]["effect"]
        assert all(effects[model] > 1e-4 for model in MODELS)
        for model in MODELS:
            maps = [
                load_attribution(out / each / "sample_00002" / f"{model}_gradcam_CRACK.npz").heatmap
                for each in ("default", name)
            ]
            assert not np.array_equal(*maps)


def test_maps_are_held_against_the_ground_truth(place: Path, summary: dict[str, Any]) -> None:
    _, mask = read_sample(read_split(place / "data", "val")[0])
    for index, name in enumerate(CLASSES):
        located = summary["default"]["0"]["stock"]["explanations"][f"gradcam_{name}"]["ground_truth"]
        pixels = int((mask == index).sum())
        assert (located is None) == (pixels == 0)
        if located is not None:
            assert located["pixels"] == pixels
            assert 0 <= located["iou"] <= 1


def test_the_summary_says_what_it_was_made_with(summary: dict[str, Any]) -> None:
    about = summary["about"]
    sets = about["prompt_sets"]
    assert sets["inline"]["classes"]["CRACK"] == ["hairline crack", "net of cracks"]
    assert sets["russian"]["classes"]["CRACK"] == ["трещина"]
    assert sets["russian"]["classes"]["background"] == ["wall", "window"]
    assert all(found["templates"] == "plain" for found in sets.values())
    for name, identifier in zip(MODELS, ("tiny-stock", "tiny-finetuned"), strict=True):
        assert about["models"][name]["sha256"] == load_catalogue()[identifier].sha256
    trust = summary["default"]["2"]["stock"]["explanations"]["ig_CRACK"]
    assert trust["completeness"]["steps"] == 2
    assert set(trust["faithfulness"]) == {"deletion", "insertion", "random_deletion", "random_insertion"}
    assert "--focus-classes CRACK scaling" in about["command"]


def test_weight_changes_are_those_of_the_files(out: Path, summary: dict[str, Any]) -> None:
    before, after = (
        load_safetensors(load_catalogue()[name].parts["clip"].file)
        for name in ("tiny-stock", "tiny-finetuned")
    )
    found = json.loads((out / "weight_changes.json").read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in found["parameters"]}
    assert rows.keys() == before.keys()
    key = "visual.head.proj.weight"
    change = after[key].double() - before[key].double()
    assert rows[key]["norm"] == pytest.approx(float(torch.linalg.vector_norm(change)))
    assert summary["about"]["weight_changes"]["changed"] == sum(row["changed"] for row in found["layers"])
    assert picture(out / "weight_changes.png").size > 0


def test_only_the_pictures_asked_for_are_decoded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    write_facade_set(tmp_path / "data", {"val": 2}, seed=6, size=(64, 96))
    (tmp_path / "small.yaml").write_text(CONFIG, encoding="utf-8")
    broken = read_split(tmp_path / "data", "val")[0].image
    broken.write_bytes(broken.read_bytes()[:200])
    quick = ["--methods", "ig", "--ig-steps", "1", "--focus-classes", "CRACK", "--trust-steps", "0"]
    assert main(options(tmp_path, tmp_path / "out", *quick, "--indices", "1", "--randomise")) == 0
    found = json.loads((tmp_path / "out" / "analysis_summary.json").read_text(encoding="utf-8"))
    stages = found["default"]["1"]["stock"]["explanations"]["ig_CRACK"]["randomised"]
    assert stages
    assert all(-1 <= stage["similarity"] <= 1 for stage in stages)
    assert main(options(tmp_path, tmp_path / "out", *quick)) == 2
    assert broken.name in capsys.readouterr().err


def test_a_model_that_ignores_prompts_is_found_out(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the published tool's fine-tuned model did: its text vectors came with the checkpoint."""
    stored = torch.nn.functional.normalize(torch.ones(1, 192), dim=1)
    monkeypatch.setattr(OpenCLIPEncoder, "encode_texts", lambda self, texts: stored.expand(len(texts), -1))
    quick = ["--methods", "ig", "--ig-steps", "1", "--focus-classes", "CRACK", "--trust-steps", "0"]
    asked = [*quick, "--num-samples", "1", "--prompt", "CRACK=rust"]
    assert main(options(place, tmp_path, *asked)) == 2
    assert "gives the same text vectors" in capsys.readouterr().err
    assert not (tmp_path / "analysis_summary.json").exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--methods", "gradcam", "lime"], "no method 'lime'"),
        (["--focus-classes", "SPACESHIP"], "no facade class 'SPACESHIP'"),
        (["--focus-classes", "REPAIRS"], "no facade class 'REPAIRS'"),  # not in this configuration
        (["--prompt", "CRACK"], "--prompt must be CLASS=TEXT, got 'CRACK'"),
        (["--prompt", "SPACESHIP=x"], "no facade class 'SPACESHIP'"),
        (["--prompt-set", "mine"], "--prompt-set must be NAME=PATH"),
        (["--prompt-set", "default=x.yaml"], "cannot be called 'default'"),
        (["--prompt-set", "../up=x.yaml"], "cannot be called '../up'"),
        (["--prompt-set", "mine=LIST"], "must map class names to texts"),
        (["--prompt-set", "mine=STRANGE"], "no facade class 'SPACESHIP'"),
        (["--prompt-set", "mine=gone.yaml"], "gone.yaml cannot be opened"),
        (["--indices", "3"], "--indices must lie in 0 to 2"),
        (["--indices", "-1"], "--indices must lie in 0 to 2"),
        (["--num-samples", "0"], "--num-samples must be at least 1"),
        (["--ig-steps", "0"], "--ig-steps must be at least 1"),
        (["--skip-stock"], "no model to look at"),
        (["--finetuned-checkpoint", "huge"], "no checkpoint 'huge'"),
        (["--config-name", "gone.yaml"], "gone.yaml cannot be opened"),
    ],
)
def test_bad_input_ends_with_2_and_a_sentence(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], words: str
) -> None:
    files = {"LIST": "- CRACK\n", "STRANGE": "SPACESHIP: x\n"}
    for name, content in files.items():
        (tmp_path / f"{name}.yaml").write_text(content, encoding="utf-8")
        asked = [word.replace(name, str(tmp_path / f"{name}.yaml")) for word in asked]
    assert main(options(place, tmp_path / "out", *asked)) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert "Traceback" not in printed.err
