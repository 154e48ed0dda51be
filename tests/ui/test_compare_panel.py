"""Two checkpoints side by side in a browser."""

from __future__ import annotations

import pytest

from pipelines import InferenceRequest, compare, find_prompt_set, parse_prompts, read_image
from ui.handlers import DISPLAYED_SIDE

pytestmark = pytest.mark.ui
REVISION = "Number(document.querySelector('#compare [data-part=root]')?.dataset.rev ?? 0)"
PANES = """() => [...document.querySelectorAll('#compare canvas')].map((canvas) => {
  const bytes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let sum = 2166136261;
  for (let i = 0; i < bytes.length; i += 97) sum = Math.imul(sum ^ bytes[i], 16777619);
  return sum >>> 0;
})"""


@pytest.fixture
def compared(visit):
    visitor = visit()
    page = visitor.page
    page.locator("#compare-panel button.label-wrap").click()
    page.wait_for_selector("#compare [data-part=root]", state="attached")
    page.locator("#compare-run").click()
    page.wait_for_function(f"{REVISION} > 0", timeout=60_000)
    page.wait_for_timeout(300)
    return visitor


def test_figures_and_pictures_are_those_of_two_results(compared, registry, repository):
    page = compared.page
    first = InferenceRequest(
        read_image(sorted((repository / "assets" / "examples").iterdir())[0]),
        parse_prompts(page.locator("#prompts textarea").input_value()),
        checkpoint="tiny-stock",
        max_side=DISPLAYED_SIDE,
    )
    assert first.prompts == find_prompt_set("facade-parts-en").prompts
    found = compare(first, InferenceRequest(first.image, first.prompts, max_side=DISPLAYED_SIDE), registry)
    assert (
        f"{found.changed:.1%}".replace(".0%", "%")
        in page.locator("#compare [data-part=changed]").inner_text()
    )
    for item in found.classes:
        cells = page.locator(f"#compare tr[data-name='{item.name}'] td").all_inner_texts()
        assert cells[0] == item.name
        assert float(cells[3].rstrip("%")) == pytest.approx(100 * item.changed, abs=0.06)
    a, b = page.evaluate(PANES)
    assert a != b


def test_both_panes_move_together_and_modes_switch(compared):
    page = compared.page
    asked, before = len(compared.requests), page.evaluate(PANES)
    page.locator("#compare canvas").nth(1).dblclick(position={"x": 60, "y": 50})
    page.wait_for_timeout(200)
    after = page.evaluate(PANES)
    assert all(old != new for old, new in zip(before, after, strict=True)), "one view for both"
    page.locator("#compare canvas").first.press("ArrowLeft")
    page.wait_for_timeout(200)
    assert all(old != new for old, new in zip(after, page.evaluate(PANES), strict=True))
    seen = [page.evaluate(PANES)[0]]
    for mode in ("swipe", "difference"):
        page.locator(f"#compare [data-mode={mode}]").click()
        page.wait_for_timeout(200)
        seen.append(page.evaluate(PANES)[0])
    assert len(set(seen)) == 3
    assert len(compared.requests) == asked, "nothing is asked of the server"


def test_an_edit_marks_the_comparison_as_stale(compared):
    page, before = compared.page, compared.revision
    assert page.locator("#compare [data-part=stale]").is_hidden()
    page.locator("#method").get_by_text("MaskCLIP").click()
    compared.wait_for_result_after(before)
    assert page.locator("#compare [data-part=stale]").is_visible()
