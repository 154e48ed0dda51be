"""The defect sheet in a browser: from damage prompts to the downloaded files."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from pipelines import SettingsError
from ui.defects_handlers import DefectForm, write_file
from ui.images import Picture

REVISION = "Number(document.querySelector('#defects [data-part=root]')?.dataset.rev ?? 0)"
PROMPTS = "crack\n<i>ivy</i> = wall, plaster wall\nwindow\nsky"


def form(**values) -> DefectForm:
    empty = dict.fromkeys(("metres", "points", "kinds", "known"))
    defaults = {"method": "maskclip", "damage": [], "threshold": 0.3, "least": 0.02, **empty}
    return DefectForm(**{**defaults, **values})


def test_ticks_of_other_prompts_are_not_looked_at():
    names = ["crack", "wall"]
    assert form(damage=["wall"], known=names).options(names).damage == ("wall",)
    assert form(damage=["wall"], known=["wall", "door"]).options(names).damage is None


def test_a_scale_needs_marks_and_metres():
    points = [[0, 0], [30, 40]]
    assert form(points=points).scale() is None
    assert form(metres=2.0).scale() is None
    assert form(points=points, metres=2.0).options(["crack"]).scale.metres_per_pixel == pytest.approx(0.04)
    with pytest.raises(SettingsError):
        form(points=points, metres=-1.0).options(["crack"])


@pytest.mark.ui
def test_from_prompts_to_files(visit, tmp_path: Path):
    visitor = visit()
    page, before = visitor.page, visitor.revision
    editor = page.locator("#prompts textarea")
    editor.fill("")
    editor.press_sequentially(PROMPTS, delay=3)
    visitor.wait_for_result_after(before)
    page.wait_for_function("document.querySelectorAll('#viewer .legend li[data-name]').length === 4")
    page.locator("#defects-panel button.label-wrap").click()
    page.wait_for_selector("#defects [data-part=root]", state="attached")
    _search(page, lambda: page.locator("#defects-find").click())
    expect(page.locator("#defects-damage input")).to_have_count(4)
    expect(page.locator("#defects-damage input:checked")).to_have_count(1)  # crack alone names damage
    _search(page, lambda: page.locator("#defects-damage label", has_text="ivy").click())
    rows = page.locator("#defects tbody tr").count()
    assert rows >= 1
    assert page.locator("#defects [data-part=area-head]").inner_text() == "Area, px"
    assert page.locator("#defects i i").count() == 0
    assert "<i>ivy</i>" in page.locator("#defects select").first.inner_text()

    drawn = visitor.pixels()
    page.locator("#defects-metres input").fill("3")
    page.locator("#defects-mark").click()
    page.wait_for_selector("#viewer figure[data-measuring=on]")
    page.wait_for_timeout(700)
    box = page.locator("#viewer canvas").bounding_box()
    picked = page.locator("#readout section").is_visible()
    page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.4)
    _search(page, lambda: page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.4))
    assert page.locator("#readout section").is_visible() == picked, "a mark is no pick"
    assert visitor.pixels() != drawn, "the length is drawn"
    assert page.locator("#defects [data-part=area-head]").inner_text() == "Area, m²"
    millimetres = 3000 / (0.3 * 1200)  # the first example has 1200 columns
    assert page.locator("#defects [data-part=scale]").inner_text().startswith(f"1 px = {millimetres:.1f}")

    first = page.locator("#defects tbody tr").first
    number = first.get_attribute("data-number")
    _search(page, lambda: first.locator("select").select_option("SPALLING"))
    titles = page.locator("#defects select").evaluate_all("all => all.map(each => each.value)")
    assert "SPALLING" in titles, f"row {number} was changed"

    files = {kind: _download(page, kind, tmp_path) for kind in ("csv", "coco", "geojson", "html")}
    with files["csv"].open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == rows
    assert any(row["Class"] == "SPALLING" for row in table)
    document = json.loads(files["coco"].read_text(encoding="utf-8"))
    for row, item in zip(table, document["annotations"], strict=True):
        assert float(row["Area, m²"]) == pytest.approx(item["area"] * (millimetres / 1000) ** 2, rel=0.02)
        assert sum(item["segmentation"]["counts"]) == 1200 * 800
    assert len(json.loads(files["geojson"].read_text(encoding="utf-8"))["features"]) == rows
    sheet = files["html"].read_text(encoding="utf-8")
    assert "&lt;i&gt;ivy&lt;/i&gt;" in sheet
    assert "<i>ivy" not in sheet


def _search(page, act) -> None:
    before = page.evaluate(REVISION)
    act()
    page.wait_for_function(f"{REVISION} > {before}", timeout=60_000)


def _download(page, kind: str, folder: Path) -> Path:
    with page.expect_download(timeout=60_000) as download:
        page.locator(f"#defects-{kind}").click()
    path = folder / kind
    download.value.save_as(path)
    return path


@pytest.mark.ui
def test_a_printed_sheet_fits_the_page(chromium, facade_sheet: Path):
    page = chromium.new_page(viewport={"width": 1040, "height": 700})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(facade_sheet.as_uri())
    page.emulate_media(media="print")
    width = page.evaluate("document.documentElement.scrollWidth")
    pdf = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    page.close()
    assert width <= 1040
    assert boxes
    assert {(round(float(wide)), round(float(high))) for wide, high in boxes} == {(842, 595)}, "A4, landscape"
    assert all(url.startswith(("file:", "data:")) for url in asked)


@pytest.fixture
def facade_sheet(tmp_path: Path, registry, drawings: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from pipelines import InferenceRequest, infer, parse_prompts, read_image
    from pipelines.defects import DefectOptions, find_defects

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    image = read_image(drawings / "facade_3.png")
    result = infer(InferenceRequest(image, parse_prompts("wall; window; sky")), registry)
    sheet = find_defects(result, DefectOptions(damage=("wall",)))
    assert sheet.defects
    picture = Picture(np.ascontiguousarray(image), tmp_path / "none.jpg")
    return write_file("html", sheet, picture, "facade_3.png", "ru")
