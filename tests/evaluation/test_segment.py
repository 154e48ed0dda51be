from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluation.segment import main
from pipelines import (
    InferenceRequest,
    PipelineRegistry,
    build_registry,
    find_prompt_set,
    infer,
    parse_prompts,
    read_image,
)
from tiny_vlm.facades import draw_facade

PROMPTS = "wall = wall, стена; window; sky"
Run = Callable[..., int]


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "facade.png"
    Image.fromarray(draw_facade(3, 120, 160).image).save(path)
    return path


def _labels(folder: Path) -> np.ndarray:
    with Image.open(folder / "label_map.png") as image:
        assert image.mode == "L"
        return np.array(image)


def test_one_picture_gives_label_map_overlay_and_report(picture: Path, tmp_path: Path) -> None:
    assert main([str(picture), "--prompts", PROMPTS, "--out", str(tmp_path)]) == 0
    labels = _labels(tmp_path)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert labels.shape == (120, 160)
    assert report["size"] == [120, 160]
    assert [item["name"] for item in report["classes"]] == ["wall", "window", "sky"]
    assert report["classes"][0]["prompts"] == ["wall", "стена"]
    for item in report["classes"]:
        assert item["share"] == pytest.approx((labels == item["index"]).mean())
    with Image.open(tmp_path / "overlay.png") as overlay:
        assert (overlay.size, overlay.mode) == ((160, 120), "RGB")
        assert np.abs(np.array(overlay).astype(int) - read_image(picture)).mean() > 1


def test_the_answer_is_that_of_the_library(picture: Path, tmp_path: Path) -> None:
    assert main([str(picture), "--prompts", PROMPTS, "--method", "lposs_plus", "--out", str(tmp_path)]) == 0
    request = InferenceRequest(read_image(picture), parse_prompts(PROMPTS), method="lposs_plus")
    np.testing.assert_array_equal(_labels(tmp_path), infer(request, build_registry()).label_map)


def test_a_built_in_set_is_chosen_by_its_id(picture: Path, tmp_path: Path) -> None:
    assert main([str(picture), "--prompts", "facade-damage-ru", "--out", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    expected = find_prompt_set("facade-damage-ru").prompts
    assert [item["name"] for item in report["classes"]] == list(expected.names)
    assert [tuple(item["prompts"]) for item in report["classes"]] == list(expected.texts)


def test_a_bad_file_of_a_folder_is_reported_and_the_rest_goes_on(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    data = picture.read_bytes()
    (folder / "a.png").write_bytes(data[: len(data) // 2])
    (folder / "b.png").write_bytes(data)
    (folder / "notes.md").write_text("no picture", encoding="utf-8")
    assert main([str(folder), "--prompts", PROMPTS, "--method", "maskclip", "--out", str(out)]) == 0
    rows = list(csv.DictReader((out / "summary.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["file"] for row in rows] == ["a.png", "b.png"]
    assert "damaged" in rows[0]["outcome"]
    assert (rows[1]["outcome"], rows[1]["height"], rows[1]["width"]) == ("ok", "120", "160")
    assert sum(float(rows[1][f"share of {name}"]) for name in ("wall", "window", "sky")) == pytest.approx(1)
    assert (out / "b.png" / "label_map.png").exists()
    assert not (out / "a.png").exists()
    assert "[2/2] b.png" in capsys.readouterr().err


def test_a_folder_without_a_good_picture_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    assert main([str(tmp_path), "--out", str(tmp_path / "out")]) == 2


def test_a_preset_brings_method_and_settings(picture: Path, tmp_path: Path, repository: Path) -> None:
    preset = tmp_path / "preset.yaml"
    preset.write_text("method: maskclip\nsettings:\n  short_side: 112\n  crop: 112\n  stride: 56\n")
    assert main([str(picture), "--config", str(preset), "--prompts", PROMPTS, "--out", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["method"] == "maskclip"


def test_prompts_come_from_a_file(picture: Path, tmp_path: Path) -> None:
    file = tmp_path / "prompts.yaml"
    file.write_text("wall: [wall, стена]\nwindow: window\n", encoding="utf-8")
    options = ["--prompts", str(file), "--method", "maskclip", "--out", str(tmp_path)]
    assert main([str(picture), *options]) == 0
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [item["prompts"] for item in report["classes"]] == [["wall", "стена"], ["window"]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["nowhere.png"], "nowhere.png cannot be opened"),
        (["PICTURE", "--prompts", "= crack"], "no class name"),
        (["PICTURE", "--prompts", "gone.yaml"], "gone.yaml cannot be opened"),
        (["PICTURE", "--checkpoint", "huge"], "no checkpoint 'huge'"),
        (["PICTURE", "--prompts", "стена", "--method", "pnp_ovss", "--layer", "9"], "layer"),
        (["PICTURE", "--config", "gone.yaml"], "gone.yaml cannot be opened"),
        (["PICTURE", "--prompts", "wall", "--method", "maskclip", "--out", "/proc/none"], "/proc/none"),
        (["EMPTY"], "holds no pictures"),
    ],
)
def test_bad_input_ends_with_2_and_a_sentence(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    places: dict[str, Any] = {"PICTURE": str(picture), "EMPTY": str(tmp_path)}
    given = [places.get(option, option) for option in options]
    if "--out" not in given:
        given += ["--out", str(tmp_path / "out")]
    assert main(given) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert "Traceback" not in printed.err
    assert not printed.out


@pytest.fixture
def far(hub_registry: PipelineRegistry, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options that ask for a checkpoint which only the stand-in hub has."""
    monkeypatch.setattr("evaluation.segment.build_registry", lambda **_: hub_registry)
    return ["--method", "maskclip", "--checkpoint", "far-tiny", "--prompts", PROMPTS]


def test_a_checkpoint_of_a_hub_is_fetched_with_progress(
    far: list[str], hub: Any, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(picture), *far, "--out", str(tmp_path / "a")]) == 0
    captured = capsys.readouterr()
    size = sum(map(len, hub.files.values())) / 1e6
    assert f"far-tiny: {size:,.1f} of {size:,.1f} MB" in captured.err
    assert "MB" not in captured.out
    assert main([str(picture.parent), *far, "--out", str(tmp_path / "b")]) == 0
    assert "MB" not in capsys.readouterr().err, "what is here is not fetched again"
    assert (_labels(tmp_path / "a") == _labels(tmp_path / "b" / picture.name)).all()
    assert len(hub.requests) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("FACADE_LENS_OFFLINE", "far-tiny is not on this machine (35 MB), and downloads are switched off"),
        ("HF_ENDPOINT", "127.0.0.1:9 cannot be reached"),
    ],
)
def test_a_checkpoint_that_cannot_be_fetched_ends_with_2_and_a_sentence(
    far: list[str],
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    words: str,
) -> None:
    monkeypatch.setenv(name, {"HF_ENDPOINT": "http://127.0.0.1:9"}.get(name, "1"))
    assert main([str(picture), *far, "--out", str(tmp_path / "a")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_nothing_is_fetched_for_a_method_that_the_checkpoint_cannot_run_or_a_bad_picture(
    far: list[str], hub: Any, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(picture), *far, "--method", "pnp_ovss"]) == 2
    assert "method pnp_ovss does not work with the checkpoint far-tiny" in capsys.readouterr().err
    (tmp_path / "no.png").write_bytes(b"no picture")
    assert main([str(tmp_path / "no.png"), *far]) == 2
    assert hub.contacts == 0
