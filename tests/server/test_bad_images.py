"""Every hostile picture through the running page, with the outcome its row of the manifest names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import read_image

CONTROL = "images/ok_ref.png"
MAX_GROWTH = 30.0  # MB that a refused picture may leave behind
MAX_DIFFERENCE = 40.0  # mean of 255 steps, for pictures that are close to another one
REASONS = {
    "corrupt": "damaged|cut short|empty",
    "unsupported": "not a PNG",
    "too_large": "too large",
    "too_small": "too small",
    "aspect": "too narrow",
}
LEAKS = re.compile(r"Traceback|File \"|site-packages|/tmp/|/root|/home|/usr|\.py\b")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a row of the manifest; a single skipped one without it."""
    if "row" not in metafunc.fixturenames:
        return
    path = Path(__file__).resolve().parents[3] / "shared" / "badinputs" / "manifest.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["cases"] if path.exists() else []
    images = [row for row in rows if row["kind"] == "image"]
    metafunc.parametrize("row", images, ids=[row["id"] for row in images])


@pytest.fixture(scope="module")
def answers(site: Any, badinputs: Path) -> Any:
    """Answer to a file under its own name, asked once."""
    kept: dict[str, Any] = {}

    def ask(file: str) -> Any:
        if file not in kept:
            kept[file] = site.segment((badinputs / file).read_bytes(), Path(file).name)
        return kept[file]

    return ask


def test_hostile_picture(site: Any, answers: Any, badinputs: Path, row: dict[str, Any]) -> None:
    alone = answers(CONTROL)
    before = site.memory()
    site.forget_peak()
    name = row.get("upload_as", Path(row["file"]).name)
    answer = site.segment((badinputs / row["file"]).read_bytes(), name)
    peak = site.memory("VmHWM")

    check_outcome(row, answer)
    if answer.accepted:
        check_answer(row, answer, answers, badinputs)
    check_what_is_served(site, row, answer)
    assert answer.seconds <= row.get("max_seconds", 60)
    assert peak - before <= row.get("max_extra_rss_mb", 1000)
    assert not list(site.folder.parent.rglob("PWNED_MARKER"))

    again = site.segment((badinputs / CONTROL).read_bytes(), "control.png")
    assert again.content() == alone.content()
    if not answer.accepted:  # an answer leaves its features in the bounded cache
        assert site.memory() - before <= MAX_GROWTH


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("method", ["maskclip", "lposs_plus"])
def test_every_hostile_picture_with_the_other_methods(
    site: Any, badinputs: Path, manifest: dict[str, Any], method: str
) -> None:
    control = (badinputs / CONTROL).read_bytes()
    alone = site.segment(control, "control.png", method=method)
    for row in manifest["cases"]:
        if row["kind"] == "image":
            name = row.get("upload_as", Path(row["file"]).name)
            check_outcome(row, site.segment((badinputs / row["file"]).read_bytes(), name, method=method))
    assert site.segment(control, "control.png", method=method).content() == alone.content()


def check_outcome(row: dict[str, Any], answer: Any) -> None:
    if row["expect"] != "either":
        assert answer.accepted == (row["expect"] == "accept"), answer.refusal
    if not answer.accepted:
        assert 20 <= len(answer.refusal) <= 300
        assert not LEAKS.search(answer.refusal)
        assert "went wrong" not in answer.refusal
        if "reason" in row:
            assert re.search(REASONS[row["reason"]], answer.refusal), answer.refusal


def check_answer(row: dict[str, Any], answer: Any, answers: Any, badinputs: Path) -> None:
    check = row.get("check", {})
    assert not LEAKS.search(json.dumps(answer.report))
    assert answer.report["size"] == list(answer.label_map.shape)
    shares = [item["share"] for item in answer.report["classes"]]
    assert np.isfinite(shares).all()
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    if "size" in check:
        assert answer.label_map.shape[::-1] == tuple(check["size"])
    if "same_answer_as" in check:
        assert answer.content() == answers(check["same_answer_as"]).content()
    if "close_to" in check:
        pixels, other = read_image(badinputs / row["file"]), read_image(badinputs / check["close_to"])
        assert np.abs(pixels.astype(float) - other).mean() < MAX_DIFFERENCE
    if check.get("not_constant"):
        assert np.ptp(read_image(badinputs / row["file"])) > 50
    if "outputs_must_not_contain" in check:
        assert check["outputs_must_not_contain"].encode() not in answer.received


def check_what_is_served(site: Any, row: dict[str, Any], answer: Any) -> None:
    """Uploads stay in the upload folder and never come back as something a browser would run."""
    if not answer.stored:
        return
    uploads = (site.folder / "uploads").resolve()
    assert Path(answer.stored).resolve().is_relative_to(uploads)
    file = site.http.get("/gradio_api/file=" + answer.stored)
    attached = file.headers.get("content-disposition", "").startswith("attachment")
    kind = file.headers.get("content-type", "")
    assert file.status_code != 200 or attached or kind.startswith("image/")
    assert file.status_code != 200 or attached or "svg" not in kind
    assert file.headers["x-content-type-options"] == "nosniff"
