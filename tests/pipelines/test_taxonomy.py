import re

import pytest
import yaml

from pipelines import SettingsError, UnknownChoice, load_taxonomy
from pipelines.taxonomy import LANGUAGES, TAXONOMY_FILE

PUBLISHED = {  # specs of the facade-damage sets: index -> name, colour
    0: ("background", "#000000"),
    1: ("CRACK", "#e53935"),
    2: ("SPALLING", "#1e88e5"),
    3: ("DELAMINATION", "#43a047"),
    4: ("MISSING_ELEMENT", "#fb8c00"),
    5: ("WATER_STAIN", "#8e24aa"),
    6: ("EFFLORESCENCE", "#fdd835"),
    7: ("CORROSION", "#00acc1"),
    8: ("ORNAMENT_INTACT", "#9e9e9e"),
    9: ("REPAIRS", "#4e9e9e"),
    10: ("TEXT_OR_IMAGES", "#8e7e47"),
    11: ("ADVERTISEMENTS", "#d81b60"),
}


def test_indices_names_and_colours_are_the_published_ones():
    found = {item.index: (item.name, item.colour) for item in load_taxonomy().classes}
    assert found == PUBLISHED
    assert load_taxonomy().ignore_index == 255


def test_damage_sets_and_groups():
    taxonomy = load_taxonomy()
    assert set(taxonomy.damage) == {1, 2, 3, 4, 6, 7}
    assert set(taxonomy.damage_plus) == {1, 2, 3, 4, 5, 6, 7}
    assert taxonomy.groups["STRUCTURAL_DAMAGE"] == (1, 2, 3, 4)
    assert taxonomy.groups["SURFACE_STAIN"] == (5, 6, 7)
    assert taxonomy.groups["HUMAN_ACTIVITY"] == (9, 10, 11)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CRACK", "CRACK"),
        ("alligator crack", "CRACK"),
        ("Peeling_Plaster", "DELAMINATION"),
        ("broken piece", "MISSING_ELEMENT"),
        ("wetspot", "WATER_STAIN"),
        ("saltpeter", "EFFLORESCENCE"),
        ("Graffiti", "TEXT_OR_IMAGES"),
        ("rust", "CORROSION"),
        ("BACKGROUND", "background"),
        ("missing-element", "MISSING_ELEMENT"),
    ],
)
def test_names_and_aliases_are_found_in_any_spelling(name, meant):
    assert load_taxonomy().find(name).name == meant


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(UnknownChoice, match=r"no facade class 'moss'.*CRACK") as caught:
        load_taxonomy().find("moss")
    assert "Класса" in caught.value.text("ru")


def test_every_class_has_words_in_every_language():
    for item in load_taxonomy().classes:
        assert set(item.title) == set(item.terms) == set(LANGUAGES)
        assert all(item.terms.values())
        assert re.search("[а-я]", item.meaning["ru"])
        assert item.meaning["en"].endswith(".")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda content: content.update(classes=content["classes"][1:]), "indices 0, 1, 2"),
        (lambda content: content.update(damage=[1, 99]), "'damage' must be a list of indices from 0 to 11"),
        (lambda content: content["aliases"].update({"Moss": "CRACK"}), "alias 'Moss'"),
        (lambda content: content["classes"][3].pop("colour"), "the key 'colour' is missing"),
        (lambda content: content.update(palette=1), "there is no key 'palette'"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path, change, sentence):
    content = yaml.safe_load(TAXONOMY_FILE.read_text(encoding="utf-8"))
    change(content)
    path = tmp_path / "taxonomy.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(SettingsError, match=sentence):
        load_taxonomy(path)
