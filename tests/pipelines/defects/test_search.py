import numpy as np
import pytest

from pipelines import SettingsError, UnknownChoice
from pipelines.defects import DefectOptions, Scale, damage_map, find_defects


def kinds(sheet):
    return {defect.kind.name for defect in sheet.defects}


def test_rows_are_numbered_measured_and_rated(facade):
    sheet = find_defects(facade, DefectOptions(scale=Scale(((10, 10), (10, 60)), 1.0)))  # 2 cm a pixel
    assert [defect.number for defect in sheet.defects] == [1, 2, 3]
    by_kind = {defect.kind.name: defect for defect in sheet.defects}
    crack, stain, rust = (by_kind[name] for name in ("CRACK", "WATER_STAIN", "CORROSION"))
    assert (crack.component.area, stain.component.area, rust.component.area) == (192, 200, 128)
    assert sheet.area_m2(stain) == pytest.approx(200 * 0.02**2)
    assert sheet.length_m(crack) == pytest.approx(64 * 0.02, rel=0.03)
    assert sheet.width_mm(crack) == pytest.approx(3 * 20, rel=0.03)
    assert sheet.length_m(stain) is None
    assert crack.severity.name == "major"  # 60 mm wide, major from 5
    assert stain.severity.name == "minor"  # 0.08 m2, moderate from 0.5
    assert rust.severity.name == "moderate"  # 0.0512 m2, moderate from 0.05
    assert [defect.severity.rank for defect in sheet.defects] == [2, 1, 0], "worst first"
    assert (crack.zone.en, stain.zone.en, rust.zone.en) == ("upper left", "lower right", "middle")
    assert crack.score == pytest.approx(0.9, abs=1e-3)


def test_without_a_scale_nothing_is_in_metres(facade):
    sheet = find_defects(facade)
    assert all(sheet.area_m2(defect) is None for defect in sheet.defects)
    crack = next(defect for defect in sheet.defects if defect.kind.name == "CRACK")
    assert crack.extent is not None
    assert crack.severity.name == "major"  # 64 px of 200, major from 0.3


def test_the_threshold_decides_by_the_sum_of_all_damage(build):
    half = np.full((20, 20), 0.3)
    result = build(crack=half, rust=half * 0.9, wall=1 - 1.9 * half)
    assert len(find_defects(result, DefectOptions(threshold=0.5)).defects) == 1
    assert find_defects(result, DefectOptions(threshold=0.5)).defects[0].kind.name == "CRACK"
    assert find_defects(result, DefectOptions(threshold=0.6)).defects == ()


def test_the_map_agrees_with_the_argmax_where_damage_wins(facade):
    labels, total = damage_map(facade.scores, [0, 1, 2], 0.5)
    assert np.array_equal(labels != 255, facade.scores.scores[3] <= 0.5)
    assert np.allclose(total, facade.scores.scores[:3].astype(np.float32).sum(0))
    assert np.array_equal(labels[labels != 255], facade.label_map[labels != 255])


def test_small_areas_are_counted_and_not_listed(facade):
    sheet = find_defects(facade, DefectOptions(least_share=150 / (120 * 200)))
    assert kinds(sheet) == {"CRACK", "WATER_STAIN"}
    assert (sheet.least_area, sheet.left_out) == (150, 1)
    assert find_defects(facade, DefectOptions(most=1)).left_out == 2


def test_a_visitor_chooses_what_counts_as_damage(facade):
    assert find_defects(facade).damage == ("crack", "подтёк", "rust")
    sheet = find_defects(facade, DefectOptions(damage=("wall",), threshold=0.9))
    assert sheet.damage == ("wall",)
    assert sheet.defects[0].kind.title.en == "wall"
    with pytest.raises(UnknownChoice, match="'roof'"):
        find_defects(facade, DefectOptions(damage=("roof",)))
    with pytest.raises(UnknownChoice, match="counts as damage"):
        find_defects(facade, DefectOptions(damage=()))


def test_a_visitor_corrects_the_kind_of_a_row(facade):
    first = next(each for each in find_defects(facade).defects if each.kind.name == "CORROSION")
    sheet = find_defects(facade, DefectOptions(kinds={first.component.key: "SPALLING"}))
    changed = next(each for each in sheet.defects if each.component.key == first.component.key)
    assert changed.kind.name == "SPALLING"
    assert changed.edited
    assert changed.kind.cause != first.kind.cause
    with pytest.raises(UnknownChoice):
        find_defects(facade, DefectOptions(kinds={first.component.key: "NOTHING"}))


def test_smaller_scores_are_enlarged_to_the_picture(build):
    crack = np.zeros((12, 20))
    crack[2:6, 4:12] = 1
    result = build(crack=crack, wall=1 - crack, image_size=(120, 200))
    sheet = find_defects(result, DefectOptions(threshold=0.5))
    (found,) = sheet.defects
    assert found.component.area == pytest.approx(3200, rel=0.05)
    assert found.component.centroid == pytest.approx((80, 40), abs=1)


@pytest.mark.parametrize(
    ("points", "metres", "words"),
    [
        (((5, 5), (6, 6)), 1.0, "one spot"),
        (((0, 0), (100, 0)), 0.0, "above 0"),
        (((0, 0), (100, 0)), -2.0, "above 0"),
        (((0, 0), (100, 0)), float("nan"), "above 0"),
        (((0, 0), (float("nan"), 0)), 1.0, "one spot"),
        (((0, 0), (100, 0)), 1e9, "at most 1000"),
    ],
)
def test_marks_that_give_no_scale_are_refused(points, metres, words):
    with pytest.raises(SettingsError, match=words) as refused:
        Scale(points, metres)
    assert refused.value.text("ru") != str(refused.value)


@pytest.mark.parametrize("options", [{"threshold": 0.0}, {"threshold": 1.5}, {"least_share": -0.1}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(SettingsError):
        DefectOptions(**options)
