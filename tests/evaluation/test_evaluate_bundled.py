from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.evaluate_bundled import (
    DRAWN_SEEDS,
    Agreement,
    ClassTally,
    Line,
    average_wordings,
    damage_score,
    drawn_examples,
    main,
    render_results,
)
from evaluation.facade_rows import (
    COARSE6,
    DAMAGE,
    DRAWN,
    FINE14,
    ROWS,
    SOUND_LABELS,
    UNSEEN6,
    LabelledPhotos,
    select_labels,
)
from pipelines import ScoreMaps
from tiny_vlm.facades import CLASSES

NAMES = {name: index for index, name in enumerate(CLASSES)}


def test_coarse6_merges_walls_ornament_and_damage() -> None:
    mask = np.arange(34, dtype=np.uint8)
    mask[33] = 255
    classes = select_labels(mask, tuple(item.labels for item in COARSE6.classes), NAMES)
    walls = {*range(1, 8), 12, *range(24, 33)}
    expected = [0 if label in walls else 255 for label in range(34)]
    for label, index in ((8, 1), (9, 2), (14, 3), (16, 4), (17, 4), (19, 5)):
        expected[label] = index
    assert classes.tolist() == expected


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.name)
def test_no_label_belongs_to_two_classes_and_no_text_is_asked_twice(row: object) -> None:
    labels = [label for item in row.classes for label in item.labels]  # type: ignore[attr-defined]
    assert len(labels) == len(set(labels))
    for language in ("en", "ru"):
        texts = row.texts(language)  # type: ignore[attr-defined]
        assert len(texts) == len(set(texts))


def test_rows_use_the_labels_of_their_sets(photos: Path) -> None:
    for row in ROWS.values():
        known = NAMES if row.source == "drawn" else LabelledPhotos(photos / row.source).names()
        assert {label for item in row.classes for label in item.labels} <= known.keys()
    assert LabelledPhotos(photos / "spb_facades").names() == NAMES | {"ignore": 255}
    assert tuple(label for item in DRAWN.classes for label in item.labels) == CLASSES


def test_a_label_that_the_set_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="no label 'chimney'; it has sky"):
        select_labels(np.zeros((2, 2), np.uint8), (("chimney",),), NAMES)


def test_damage_is_asked_beside_the_parts_and_scored_against_sound_wall() -> None:
    assert DAMAGE.texts("en")[:14] == FINE14.texts("en")
    assert DAMAGE.texts("ru")[14:] == ("трещина", "скол", "отслоение краски", "потёки воды", "ржавчина")
    assert "graffiti" not in SOUND_LABELS


def test_val_photographs_are_those_of_the_split(photos: Path) -> None:
    spb = LabelledPhotos(photos / "spb_facades")
    files = spb.files("val")
    assert len(files) == 42
    assert not {file.name for file in files} & {file.name for file in spb.files("train")}
    with Image.open(files[0]) as picture:
        assert spb.mask(files[0]).shape == picture.size[::-1]


def test_figures_of_wordings_are_averaged_under_the_names_of_the_row() -> None:
    line = Line(UNSEEN6, "ru", "tiny-stock", "lposs")
    measured = {
        one: {item.en: float(number) for item in one.row.classes} | {"mIoU": 0.1 * number}
        for number, one in enumerate(line.asked())
    }
    figures = average_wordings([line], measured)[line]
    assert figures["mIoU"] == pytest.approx(0.45)  # mean of 0.0 to 0.9
    assert {item.en: figures[item.en] for item in COARSE6.classes} == dict.fromkeys(COARSE6.texts("en"), 4.5)


def test_a_row_without_wordings_is_asked_as_it_is() -> None:
    line = Line(COARSE6, "en", "tiny-stock", "lposs")
    assert line.asked() == (line,)
    assert average_wordings([line], {line: {"mIoU": 0.5}}) == {line: {"mIoU": 0.5}}


def test_damage_score_is_the_softmax_share_of_the_last_classes() -> None:
    draw = np.random.default_rng(0)
    scores = draw.normal(0, 0.1, (5, 4, 6)).astype(np.float16)
    maps = ScoreMaps(scores, None, (4, 6), 100.0)
    weights = np.exp(100 * (scores.astype(float) - scores.astype(float).max(0)))
    expected = weights[-2:].sum(0) / weights.sum(0)
    np.testing.assert_allclose(damage_score(maps, 2, (4, 6)), expected, atol=2e-3)


def test_damage_score_of_probabilities_is_their_sum() -> None:
    planes = np.array([[[0.5]], [[0.25]], [[0.25]]], dtype=np.float16)
    score = damage_score(ScoreMaps(planes, None, (3, 2), 0.0), 1, (3, 2))
    np.testing.assert_array_equal(score, np.full((3, 2), 0.25))


def test_agreement_is_the_share_of_equal_pixels() -> None:
    agreement = Agreement()
    agreement.update(np.array([[0, 1]], np.uint8), np.array([[0, 2]], np.uint8))
    agreement.update(np.array([[3, 3]], np.uint8), np.array([[3, 3]], np.uint8))
    assert (agreement.equal, agreement.pixels) == (3, 4)


def test_the_page_of_results_has_a_line_a_figure() -> None:
    lines = {language: Line(COARSE6, language, "tiny-stock", "lposs") for language in ("en", "ru")}
    tally = ClassTally(COARSE6, NAMES)
    figures = {lines["en"]: tally.figures() | {"mIoU": 0.5}, lines["ru"]: tally.figures() | {"mIoU": 0.25}}
    figures[lines["ru"]]["as in English"] = 0.75
    text = render_results(figures, "command")
    assert "| coarse6 | tiny-stock | lposs | mIoU | 0.500 | 0.250 |" in text
    assert "| coarse6 | tiny-stock | lposs | as in English |  | 0.750 |" in text
    assert "| wall |  |  |" in text  # nothing was counted: no figure, rather than 0
    assert all(math.isnan(value) for key, value in tally.figures().items() if key != "mIoU")


def test_drawn_scenes_come_from_seeds_far_from_training() -> None:
    example = next(drawn_examples(1))
    assert example.name == f"drawn {DRAWN_SEEDS[0]}"
    assert example.image.shape == (*example.mask.shape, 3)
    assert DRAWN_SEEDS[0] > 10**8


def test_the_command_measures_and_prints(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--photos", str(photos), "--rows", "coarse6", "--methods", "maskclip", "--limit", "1"]
    assert main([*options, "--checkpoints", "tiny-finetuned", "--sheets", str(tmp_path)]) == 0
    assert sorted(sheet.name for sheet in tmp_path.iterdir()) == [
        "coarse6_tiny-finetuned_maskclip_en.jpg",
        "coarse6_tiny-finetuned_maskclip_ru.jpg",
    ]
    printed = capsys.readouterr().out
    found = re.search(r"\| coarse6 \| tiny-finetuned \| maskclip \| mIoU \| (\S+) \| (\S+) \|", printed)
    assert found
    assert all(0 <= float(value) <= 1 for value in found.groups())


def test_a_missing_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--photos", str(tmp_path / "nowhere"), "--rows", "coarse6"]) == 2
    assert "nowhere" in capsys.readouterr().err
