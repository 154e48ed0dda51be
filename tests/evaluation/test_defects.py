"""The command line that writes a defect sheet."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.commands import UsageError
from evaluation.defects import BROWSERS, find_browser, main, print_pdf, read_scale
from pipelines.images import read_image
from tiny_vlm.facades import draw_facade


@pytest.fixture(scope="module")
def facade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image

    path = tmp_path_factory.mktemp("facade") / "дом.png"
    Image.fromarray(draw_facade(5, 240, 320).image).save(path)
    return path


def test_all_files_are_written_and_agree(facade: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    options = [
        "--prompts",
        "crack = wall, crack; window; sky",
        "--scale",
        "10,10,110,10,2",
        "--language",
        "ru",
    ]
    assert main([str(facade), *options, "--out", str(tmp_path)]) == 0
    assert "crack" in capsys.readouterr().out
    with (tmp_path / "defects.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    document = json.loads((tmp_path / "defects.coco.json").read_text(encoding="utf-8"))
    assert document["images"][0]["file_name"] == "дом.png"
    assert len(rows) == len(document["annotations"]) >= 1
    for row, item in zip(rows, document["annotations"], strict=True):
        assert int(row["Площадь, пкс"]) == item["area"]
        assert float(row["Площадь, м²"].replace(",", ".")) == pytest.approx(item["area"] * 0.02**2, abs=1e-4)
        counts = item["segmentation"]["counts"]
        assert sum(counts) == read_image(facade).shape[0] * read_image(facade).shape[1]
        assert int(np.sum(counts[1::2])) == item["area"]
    assert len(json.loads((tmp_path / "defects.geojson").read_text(encoding="utf-8"))["features"]) == len(
        rows
    )
    assert "Ведомость дефектов" in (tmp_path / "sheet.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--scale", "1,2,3"], "five numbers"),
        (["--scale", "5,5,5,5,1"], "one spot"),
        (["--threshold", "0"], "above 0"),
        (["--prompts", "wall; sky"], "counts as damage"),
        (["--prompts", "wall; sky", "--damage", "roof"], "'roof'"),
        (["--checkpoint", "nothing"], "nothing"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(facade: Path, tmp_path: Path, options, words, capsys):
    assert main([str(facade), *options, "--out", str(tmp_path / "out")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_scale_is_read_from_five_numbers():
    scale = read_scale("0,0,300,400,2.5")
    assert scale.metres_per_pixel == 0.005


def test_without_a_browser_pdf_is_refused(facade: Path, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([str(facade), "--pdf", "--out", str(tmp_path / "out")]) == 2
    assert BROWSERS[0] in capsys.readouterr().err


@pytest.mark.ui
def test_a_page_is_printed_and_a_browser_that_fails_is_named(tmp_path: Path):
    page = tmp_path / "лист 1.html"
    page.write_text("<style>@page { size: A4 landscape }</style><p>ведомость", encoding="utf-8")
    print_pdf(find_browser(), page, tmp_path / "sheet.pdf")
    printed = (tmp_path / "sheet.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert printed.count(b"/MediaBox") == 1
    with pytest.raises(UsageError, match=r"false could not print лист 1.html \(exit code 1\)"):
        print_pdf("false", page, tmp_path / "none.pdf")
