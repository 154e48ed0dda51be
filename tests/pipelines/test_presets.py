import pytest

from lposs_core import LPOSS_PLUS, LPOSSConfig
from pipelines import SettingsError, UnknownChoice, find_prompt_set, load_preset
from pnp_ovss import PnPOVSSConfig


@pytest.mark.parametrize(
    ("name", "method", "settings"),
    [("lposs", "lposs", LPOSSConfig()), ("lposs_plus", "lposs_plus", LPOSS_PLUS)],
)
def test_the_lposs_presets_carry_the_published_values(repository, name, method, settings):
    preset = load_preset(repository / "configs" / f"{name}.yaml")
    assert preset.method == method
    assert preset.settings == settings


def test_the_pnp_preset_carries_the_published_values(repository):
    preset = load_preset(repository / "configs" / "pnp_ovss.yaml")
    assert preset.method == "pnp_ovss"
    assert preset.pnp_settings == PnPOVSSConfig()
    assert preset.settings is None


def test_the_facade_preset_has_large_windows_and_the_damage_prompts(repository):
    preset = load_preset(repository / "configs" / "facade.yaml")
    assert (preset.settings.crop, preset.settings.stride) == (512, 256)
    assert "crack" in find_prompt_set(preset.prompt_set).prompts.names


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("method: lposs\nsetings: {}", "p.yaml: there is no key 'setings'. Did you mean 'settings'?"),
        ("method: lposs\nsettings: {alhpa: 0.9}", "LPOSS has no setting 'alhpa'; did you mean 'alpha'?"),
        ("method: lposs\nsettings: {alpha: 1.5}", "p.yaml: alpha must lie in [0, "),
        ("method: lposs\nsettings: {k: many}", "k must be an integer"),
        ("method: pnp_ovss\nsettings: {layer: 7, heads: 9}", "Did you mean 'head'?"),
        ("settings: {}", "the key 'method' is missing"),
        ("method: lposs\nsettings: [1]", "'settings' must be dict, got [1] (list)"),
        ("- lposs", "the file must be a mapping"),
        ("method: [", "p.yaml: "),
    ],
)
def test_mistakes_in_a_preset_are_named(tmp_path, content, sentence):
    path = tmp_path / "p.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_preset(path)
    assert sentence in str(caught.value)


def test_an_unknown_method_and_a_missing_file_are_refused(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("method: magic", encoding="utf-8")
    with pytest.raises(UnknownChoice, match="no method 'magic'"):
        load_preset(path)
    with pytest.raises(SettingsError, match=r"none\.yaml cannot be opened"):
        load_preset(tmp_path / "none.yaml")


def test_a_preset_without_settings_leaves_them_to_the_checkpoint(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("method: maskclip\ncheckpoint: tiny-stock", encoding="utf-8")
    preset = load_preset(path)
    assert preset.settings is None
    assert preset.checkpoint == "tiny-stock"
