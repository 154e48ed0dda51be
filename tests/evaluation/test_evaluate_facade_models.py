"""The comparison from end to end: drawn facades of the true layout, the bundled model, small windows."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluation.evaluate_facade_models import main
from evaluation.tile_facades import main as tile
from pipelines import load_taxonomy
from tiny_vlm.facade_set import write_facade_set

CONFIG = """
classes: [background, CRACK, SPALLING, DELAMINATION, MISSING_ELEMENT, WATER_STAIN, EFFLORESCENCE, CORROSION,
          ORNAMENT_INTACT, REPAIRS, TEXT_OR_IMAGES]
methods: [maskclip, lposs]
templates: plain
settings: {short_side: 112, crop: 112, stride: 112, k: 20}
"""
PUBLISHED = {
    "boundaryIoU",
    "macroF1",
    "f1",
    "damageIoU",
    "damagePlusIoU",
    "damageMIoU",
    "damagePlusMIoU",
    "damageDetectionRecall",
    "damageDetectionPrecision",
    "damageDetectionF1",
    "damageMislabelRate",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set and a quick configuration."""
    folder = tmp_path_factory.mktemp("comparison")
    write_facade_set(folder / "data", {"val": 3}, seed=0, size=(48, 64))
    (folder / "quick.yaml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def options(folder: Path) -> Callable[..., list[str]]:
    """Options of a quick comparison that writes into the folder of this name."""

    def build(out: str, *more: str) -> list[str]:
        fixed = f"--config-dir {folder} --config-name quick.yaml --device cpu --bootstrap 20"
        return [*fixed.split(), "--output-dir", str(folder / out), *more]

    return build


@pytest.fixture(scope="module")
def results(folder: Path, options: Callable[..., list[str]]) -> Path:
    """Stock and fine-tuned, with two methods."""
    data = ("--dataset-root", str(folder / "data"), "--splits", "val", "val")
    assert main(options("out", *data, "--finetuned-checkpoint", "tiny-finetuned")) == 0
    return folder / "out"


def read_counts(path: Path) -> tuple[list[str], np.ndarray]:
    with path.open(encoding="utf-8") as file:
        head, *lines = csv.reader(file)
    return head[1:], np.array([line[1:] for line in lines], dtype=float)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_files_lie_where_the_published_tool_puts_them(results: Path) -> None:
    for model in ("stock", "finetuned"):
        for place in (results / "val" / model, results / "val" / model / "lposs"):
            assert {path.name for path in place.iterdir() if path.is_file()} == {
                "val_metrics.json",
                "val_per_class_iou.json",
                "val_per_class.csv",
                "val_photographs.csv",
                "val_confusion.csv",
                "val_confusion.png",
                "val_confusion_normalised.csv",
                "val_confusion_normalised.png",
            }
    Image.open(results / "val/stock/val_confusion.png").verify()


def test_the_saved_matrix_gives_every_figure_again(results: Path) -> None:
    metrics = read_json(results / "val/finetuned/val_metrics.json")
    names, matrix = read_counts(results / "val/finetuned/val_confusion.csv")
    assert tuple(names) == load_taxonomy().names[:11]
    hit, truth, predicted = np.diagonal(matrix), matrix.sum(1), matrix.sum(0)
    union = truth + predicted - hit
    iou = hit / np.maximum(union, 1)
    damage = [1, 2, 3, 4, 6, 7]
    any_damage = matrix[np.ix_(damage, damage)].sum()
    expected = {
        "mIoU_absent_zero": iou.mean(),
        "mIoU": iou[union > 0].mean(),
        "macroF1": (2 * hit / np.maximum(truth + predicted, 1)).mean(),
        "damageMIoU": iou[damage].mean(),
        "damageIoU": any_damage / (truth[damage].sum() + predicted[damage].sum() - any_damage),
        "damageDetectionRecall": any_damage / truth[damage].sum(),
    }
    assert {key: metrics[key] for key in expected} == pytest.approx(expected, rel=1e-12)
    assert {"mIoU_absent_zero", *PUBLISHED} <= set(metrics)
    assert metrics["pixels"] == matrix.sum()
    shares = read_counts(results / "val/finetuned/val_confusion_normalised.csv")[1]
    np.testing.assert_allclose(shares.sum(1), truth > 0)


def test_figures_say_what_they_rest_on(results: Path, folder: Path) -> None:
    metrics = read_json(results / "val/stock/val_metrics.json")
    masks = [np.asarray(Image.open(path)) for path in sorted((folder / "data/masks/val").iterdir())]
    index = load_taxonomy().find("ORNAMENT_INTACT").index
    assert (metrics["images"], metrics["photographs"]) == (3, 3)
    assert metrics["support"]["ORNAMENT_INTACT"] == {
        "pixels": sum(int((mask == index).sum()) for mask in masks),
        "images": sum(bool((mask == index).any()) for mask in masks),
    }
    low, high = metrics["intervals"]["mIoU"]
    assert low <= metrics["mIoU"] <= high


def test_every_photograph_has_its_line(results: Path, folder: Path) -> None:
    with (results / "val/stock/val_photographs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["images"] for row in rows] == ["1", "1", "1"]
    for row in rows:
        mask = np.asarray(Image.open(folder / "data/masks/val" / f"{row['photograph']}.png"))
        looked_at = mask != 255
        assert int(row["pixels"]) == looked_at.sum()
        damaged = np.isin(mask, load_taxonomy().damage).sum() / looked_at.sum()
        assert float(row["damageShare"]) == pytest.approx(damaged)
        assert 0 <= float(row["damageSharePredicted"]) <= 1


def test_the_summary_holds_figures_and_conditions(results: Path) -> None:
    summary = read_json(results / "summary.json")
    assert summary["stock"]["val"] == read_json(results / "val/stock/val_metrics.json")
    assert summary["finetuned"]["val"] == read_json(results / "val/finetuned/val_metrics.json")
    assert [(row["split"], row["model"], row["method"]) for row in summary["rows"]] == [
        ("val", model, method) for model in ("stock", "finetuned") for method in ("maskclip", "lposs")
    ]
    about = summary["about"]
    assert about["models"]["finetuned"]["id"] == "tiny-finetuned"
    assert len(about["classes"]) == 11
    assert about["samples"]["val"] == {"images": 3, "photographs": 3}
    assert about["models"]["stock"]["settings"]["short_side"] == 112
    assert {"torch", "python"} <= set(about["versions"])


def test_the_report_is_one_page_without_outside_addresses(results: Path) -> None:
    page = (results / "report.html").read_text(encoding="utf-8")
    assert "val has only 3 photographs" in page
    assert page.count("data:image/jpeg;base64,") == 3 * (2 + 4)
    assert "http://" not in page
    assert "https://" not in page
    assert not re.search(r"\bnan\b", page)


def test_processes_together_count_what_one_counts(results: Path, folder: Path, options) -> None:
    data = ("--dataset-root", str(folder / "data"), "--methods", "maskclip")
    words = options("shared", *data, "--finetuned-checkpoint", "tiny-finetuned")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run(
        [*torchrun, "-m", "evaluation.evaluate_facade_models", *words],
        check=True,
        capture_output=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    for model in ("stock", "finetuned"):
        for name in ("val_metrics.json", "val_confusion.csv", "val_per_class.csv"):
            one, several = (root / "val" / model / name for root in (results, folder / "shared"))
            assert one.read_text() == several.read_text()
    assert read_json(folder / "shared/summary.json")["about"]["processes"] == 2
    assert (folder / "shared/report.html").read_text().count("<figure>") == 3 * 4


def test_prompts_change_the_answer_of_both_models(results: Path, folder: Path, options) -> None:
    swapped = "background = rust; CORROSION = wall, window, door"
    data = ("--dataset-root", str(folder / "data"), "--methods", "maskclip", "--prompts", swapped)
    assert main(options("other", *data, "--finetuned-checkpoint", "tiny-finetuned")) == 0
    for model in ("stock", "finetuned"):
        one, other = (
            read_counts(root / "val" / model / "val_confusion.csv")[1] for root in (results, folder / "other")
        )
        assert (one != other).any()


def test_tiles_are_evaluated_by_photograph(folder: Path, options) -> None:
    assert tile([str(folder / "data"), "-o", str(folder / "tiles"), "--size", "32", "--stride", "32"]) == 0
    tiles = ("--tiles-val", str(folder / "tiles/val"), "--skip-stock", "--methods", "maskclip")
    assert main(options("tiled", *tiles, "--finetuned-checkpoint", "tiny-stock")) == 0
    metrics = read_json(folder / "tiled/val/finetuned/val_metrics.json")
    assert metrics["photographs"] == 3
    assert metrics["images"] > 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--skip-stock",), "There is no model to look at"),
        (("--finetuned-checkpoint", "tiny"), "no checkpoint 'tiny'"),
        (("--config-name", "none.yaml"), "none.yaml cannot be opened"),
        (("--max-samples", "0"), "--max-samples must be at least 1"),
        (("--splits", "test"), "images/test"),
        (("--prompts", "moss"), "no facade class 'moss'"),
        (("--tiles-val", "nowhere"), "not both"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(folder: Path, options, capsys, words, sentence) -> None:
    assert main(options("none", "--dataset-root", str(folder / "data"), *words)) == 2
    assert sentence in capsys.readouterr().err
    assert not (folder / "none").exists()


def test_a_class_that_the_configuration_lacks_is_refused(tmp_path: Path, options, capsys) -> None:
    write_facade_set(tmp_path, {"val": 4}, seed=0, size=(48, 64), advertisements=True)
    assert main(options("none", "--dataset-root", str(tmp_path), "--methods", "maskclip")) == 2
    assert "holds ADVERTISEMENTS" in capsys.readouterr().err
