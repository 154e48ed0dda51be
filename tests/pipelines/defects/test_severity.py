"""The rule table, row by row, and what a broken file is told."""

from pathlib import Path

import numpy as np
import pytest

from pipelines import PipelineError, load_taxonomy
from pipelines.defects import Component, Extent, Scale, load_rules
from pipelines.defects.severity import RULES_FILE

SCALE = Scale(((0, 0), (1000, 0)), 10.0)  # 1 cm a pixel


def area(pixels):
    mask = np.zeros((1000, 10), bool)
    mask.flat[:pixels] = True
    return Component(0, (0, 0, 10, 1000), mask, (5.0, 5.0))


@pytest.mark.parametrize(
    ("name", "pixels", "extent", "scale", "level"),
    [
        ("CRACK", 9, Extent(9, 0.09), SCALE, "minor"),  # 0.9 mm
        ("CRACK", 9, Extent(9, 0.1), SCALE, "moderate"),  # 1 mm
        ("CRACK", 9, Extent(9, 0.5), SCALE, "major"),  # 5 mm
        ("CRACK", 9, Extent(99, 1), None, "minor"),  # 99 of 1000 px
        ("CRACK", 9, Extent(100, 1), None, "moderate"),
        ("CRACK", 9, Extent(300, 1), None, "major"),
        ("SPALLING", 999, None, SCALE, "minor"),  # 0.0999 m2
        ("SPALLING", 1000, None, SCALE, "moderate"),
        ("SPALLING", 10000, None, SCALE, "major"),
        ("SPALLING", 3999, None, None, "minor"),  # 0.4 % of 1000 x 1000 from 4000 on
        ("SPALLING", 4000, None, None, "moderate"),
        ("WATER_STAIN", 4999, None, SCALE, "minor"),
        ("WATER_STAIN", 5000, None, SCALE, "moderate"),
        ("MISSING_ELEMENT", 200, None, SCALE, "moderate"),
        ("MISSING_ELEMENT", 2500, None, SCALE, "major"),
        ("CORROSION", 5000, None, SCALE, "major"),
        ("ivy", 2500, None, SCALE, "moderate"),  # unknown to the taxonomy: the row "other"
    ],
)
def test_levels_begin_where_the_table_says(name, pixels, extent, scale, level):
    rules = load_rules()
    kind = rules.kind(name, name)
    assert rules.rate(kind, area(pixels), extent, (1000, 1000), scale).name == level


def test_every_damage_class_has_a_row_in_both_languages():
    rules, taxonomy = load_rules(), load_taxonomy()
    assert set(rules.rows) == {taxonomy.classes[index].name for index in taxonomy.damage_plus}
    for row in (*rules.rows.values(), rules.other):
        for phrase in (row.kind.cause, row.kind.measures):
            assert phrase.en
            assert phrase.ru
            assert phrase.en != phrase.ru


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("quantity: width_mm", "quantity: weight", "weight"),
        ("moderate: 1.0, major: 5.0}\n    without", "moderate: 9.0, major: 5.0}\n    without", "rising"),
        ("  SPALLING:", "  NONSENSE:", "NONSENSE"),
        ("levels:", "level:", "levels"),
        ("    thin: true", "    thick: true", "thick"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(tmp_path: Path, old: str, new: str, words: str):
    text = RULES_FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "rules.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PipelineError, match=words):
        load_rules(path)
