"""The command line of explanations, on the bundled model at a small size."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import evaluation.explain
from attribution import load_attribution
from evaluation.commands import UsageError
from evaluation.explain import main, read_steps
from pipelines import PipelineRegistry, build_registry
from tiny_vlm.facades import draw_facade

PROMPTS = "wall; window = window, окно; sky"


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explained") / "facade.png"
    Image.fromarray(draw_facade(5, 96, 128).image).save(path)
    return path


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundled checkpoints at a working size that takes no time."""

    def build() -> PipelineRegistry:
        registry = build_registry(device="cpu")
        settings = {"short_side": 64, "crop": 64, "stride": 32, "k": 12}
        registry.catalogue = {
            name: dataclasses.replace(spec, settings=spec.settings.replace(**settings))
            for name, spec in registry.catalogue.items()
        }
        return registry

    monkeypatch.setattr(evaluation.explain, "build_registry", build)


def ask(picture: Path, out: Path, *options: str) -> int:
    return main([str(picture), "--prompts", PROMPTS, "--class", "window", "--out", str(out), *options])


def test_pictures_report_and_raw_values_are_written(picture: Path, tmp_path: Path, capsys):
    assert ask(picture, tmp_path, "--steps", "4,8,16,32", "--npz", "--no-trust") == 0
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    with Image.open(tmp_path / "heat.png") as heat, Image.open(tmp_path / "overlay.png") as drawn:
        assert (heat.mode, heat.size) == ("L", (128, 96))
        assert drawn.size == (128, 96)
        gray = np.asarray(heat)
    raw = load_attribution(tmp_path / "raw.npz").heatmap
    low, high = report["scale"]
    np.testing.assert_array_equal(gray, np.rint(np.clip((raw - low) / (high - low), 0, 1) * 255))
    assert "faithfulness" not in report
    assert report["explained"]["class"] == "window"
    assert "integrated_gradients of window" in capsys.readouterr().out


def test_two_checkpoints_share_one_scale(picture: Path, tmp_path: Path):
    options = ("--kind", "influence", "--x", "60", "--y", "40", "--against", "tiny-stock", "--no-trust")
    assert ask(picture, tmp_path, *options) == 0
    reports = [
        json.loads((tmp_path / name / "report.json").read_text(encoding="utf-8"))
        for name in ("tiny-finetuned", "tiny-stock")
    ]
    assert reports[0]["scale"] == reports[1]["scale"]
    assert reports[1]["checkpoint"]["id"] == "tiny-stock"
    assert reports[0]["explained"]["where"] == "pixel"


def test_a_mask_says_whether_the_map_points_at_the_class(picture: Path, tmp_path: Path):
    options = ("--kind", "grad_cam", "--no-trust", "--npz")
    assert ask(picture, tmp_path, *options) == 0
    heat = load_attribution(tmp_path / "raw.npz").heatmap
    for hot, expected in ((heat >= np.median(heat), (True, 1.0)), (heat < np.median(heat), (False, 0.0))):
        mask = np.where(hot, 1, 2).astype(np.uint8)  # class 1 of the prompts is the window
        Image.fromarray(mask).save(tmp_path / "mask.png")
        assert ask(picture, tmp_path, *options, "--ground-truth", str(tmp_path / "mask.png")) == 0
        found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["ground_truth"]
        assert (found["pointing_game"], found["iou"]) == expected
        assert found["pixels"] == hot.sum()


def test_a_mask_of_another_picture_is_refused(picture: Path, tmp_path: Path, capsys):
    Image.fromarray(np.zeros((5, 9), np.uint8)).save(tmp_path / "mask.png")
    for mask, words in ((tmp_path / "mask.png", "9 x 5 pixels, the picture 128 x 96"), (picture, "mode RGB")):
        assert ask(picture, tmp_path, "--ground-truth", str(mask)) == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--class", "door"), "no class 'door'"),
        (("--x", "500", "--y", "0"), "x from 0 to 127"),
        (("--kind", "influence", "--method", "maskclip"), "Choose the method lposs"),
        (("--steps", "many"), "whole numbers"),
        (("--smooth", "0"), "at least 1 copy"),
        (("--checkpoint", "nothing"), "tiny-finetuned"),
    ],
)
def test_bad_input_is_a_sentence_and_status_2(picture: Path, tmp_path: Path, capsys, options, words):
    assert ask(picture, tmp_path, *options) == 2
    assert words in capsys.readouterr().err


def test_a_missing_picture_is_named(tmp_path: Path, capsys):
    assert ask(tmp_path / "absent.png", tmp_path) == 2
    assert "absent.png" in capsys.readouterr().err


def test_steps_are_numbers():
    assert read_steps("16,32") == (16, 32)
    with pytest.raises(UsageError):
        read_steps("16;32")
