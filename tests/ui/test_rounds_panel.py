"""The panel of PnP-OVSS' rounds, in a real browser on the bundled model."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from pipelines import InferenceRequest, infer, parse_prompts
from pnp_ovss import PnPOVSSConfig
from ui.images import PictureStore
from ui.rounds_handlers import RoundsHandlers, chosen_settings, method_choices, rounds_value
from ui.rounds_panel import LABELS
from ui.text import PAGE

ROUNDS = "#rounds .rounds"


@pytest.fixture
def shown(visit):
    """A page on which PnP-OVSS has segmented the first picture, few rounds and no CRF for speed."""

    def start(**options):
        visitor = visit(**options)
        page = visitor.page
        page.locator("#prompts textarea").fill("wall; window; sky")
        page.locator("#method label", has_text="PnP-OVSS").click()
        page.wait_for_selector(f"{ROUNDS}[data-state=ready]", timeout=60_000)
        visitor.settle()
        return visitor

    return start


def captions(page) -> list[str]:
    return page.locator(f"{ROUNDS} figcaption strong").all_inner_texts()


@pytest.mark.ui
def test_every_round_has_its_map_and_the_controls_act(shown, registry):
    visitor = shown()
    page = visitor.page
    assert captions(page) == ["Round 1", "Round 2", "Round 3", "Round 4", "Added up"]
    assert page.locator("#settings-panel").count() == 0 or not page.locator("#settings-panel").is_visible()
    assert page.locator(f"{ROUNDS} [role=radio]").all_inner_texts() == ["wall", "window", "sky"]
    facts = page.locator(f"{ROUNDS} figure").nth(2).inner_text()
    own = registry.catalogue["tiny-finetuned"].pnp_settings
    assert f"{2 * own.drop_count} of {(own.image_side // 16) ** 2} patches taken out" in facts
    revision = int(page.locator(ROUNDS).get_attribute("data-rev"))
    page.locator(f"{ROUNDS} [role=radio]", has_text="sky").click()
    assert int(page.locator(ROUNDS).get_attribute("data-rev")) > revision
    before = visitor.revision
    number = page.locator("#pnp-rounds input[type=number]")
    number.fill("2")
    number.press("Enter")
    visitor.wait_for_result_after(before)
    page.wait_for_function(f"() => document.querySelectorAll('{ROUNDS} figure').length === 3")
    assert page.locator(f"{ROUNDS} [role=radio][aria-checked=true]").inner_text() == "sky"


@pytest.mark.ui
def test_the_panel_speaks_russian_and_fits_a_phone(shown):
    visitor = shown(query="?lang=ru", viewport={"width": 390, "height": 844})
    page = visitor.page
    assert captions(page)[0] == "Раунд 1"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.ui
def test_other_methods_keep_their_own_settings(shown):
    page = (visitor := shown()).page
    before = visitor.revision
    page.locator("#method label", has_text="LPOSS").first.click()
    visitor.wait_for_result_after(before)
    page.wait_for_selector("#settings-panel", state="visible")
    assert not page.locator("#rounds-panel").is_visible()


@pytest.fixture(scope="module")
def answer(registry, drawings):
    picture = PictureStore().open(sorted(drawings.iterdir())[0])
    settings = registry.catalogue["tiny-finetuned"].pnp_settings.replace(rounds=2, postprocess="none")
    request = InferenceRequest(
        picture.pixels, parse_prompts("wall; window"), method="pnp_ovss", pnp=settings, max_side=200
    )
    return picture, infer(request, registry)


def test_the_browser_gets_every_map_as_bytes(answer):
    picture, result = answer
    value = rounds_value(picture, result)
    grid = value["grid"]
    maps = np.frombuffer(base64.b64decode(value["maps"]), np.uint8).reshape(3, 2, grid, grid)
    peaks = result.rounds.maps.max((0, 2, 3))[:, None, None]
    expected = np.divide(result.rounds.maps, peaks, out=np.zeros_like(result.rounds.maps), where=peaks > 0)
    assert maps[:2] == pytest.approx(255 * expected, abs=0.51)
    assert maps[2].max() == 255
    dropped = np.frombuffer(base64.b64decode(value["dropped"]), np.uint8).reshape(2, grid, grid)
    assert np.array_equal(dropped.astype(bool), result.rounds.dropped)
    assert len(value["match"]) == 2


def test_other_methods_have_no_rounds_to_show(answer, registry):
    picture, _ = answer
    request = InferenceRequest(picture.pixels, parse_prompts("wall; window"), method="maskclip", max_side=100)
    assert rounds_value(picture, infer(request, registry)) is None


def test_a_checkpoint_offers_the_methods_of_its_row(registry):
    names = [name for _, name in method_choices(registry.catalogue["tiny-stock"])]
    assert names == ["maskclip", "lposs", "lposs_plus", "pnp_ovss"]
    others = [spec for spec in registry.catalogue.values() if "pnp_ovss" not in spec.methods]
    for spec in others:
        update = RoundsHandlers(registry).offer_methods(spec.id, "pnp_ovss")
        assert update["value"] == "lposs"
        assert "pnp_ovss" not in [name for _, name in update["choices"]]


def test_what_the_panel_shows_becomes_settings():
    own = PnPOVSSConfig(layer=1, head=0)
    assert chosen_settings(own, 3.0, 0.2, "blur") == own.replace(rounds=3, threshold=0.2, postprocess="blur")
    with pytest.raises(ValueError, match="rounds must lie between"):
        chosen_settings(own, 0, 0.2, "blur")


def test_every_word_of_the_panel_exists():
    assert {key for places in LABELS.values() for key in places.values()} <= set(PAGE)
