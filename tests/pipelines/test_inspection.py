"""What a result says about one pixel, against the score maps it comes from."""

import dataclasses

import numpy as np
import pytest

from lposs_core import LPOSS, label_map, probabilities, template_set
from lposs_core.scores import ClassScores
from pipelines import UnknownChoice, infer, inspect_pixel

PIXELS = ((0, 0), (131, 89), (66, 44), (20, 71))


@pytest.mark.parametrize("method", ["maskclip", "lposs", "lposs_plus"])
def test_the_winner_at_a_pixel_is_that_of_the_label_map(registry, request_for, method):
    result = infer(request_for(method=method), registry)
    for x, y in PIXELS:
        found = inspect_pixel(result, x, y)
        assert found.label == result.label_map[y, x]
        scores = [item.score for item in found.classes]
        assert scores[found.label] == pytest.approx(max(scores), abs=1e-3)
        assert all(0 <= item.probability <= 1 for item in found.classes)


@pytest.mark.parametrize("method", ["maskclip", "lposs"])
def test_a_text_scores_what_it_scores_as_a_class_of_its_own(registry, request_for, small, picture, method):
    request = request_for("wall; window = window, окно, glass; sky", method=method)
    result = infer(request, registry)
    texts = [text for group in request.prompts.texts for text in group]
    with registry.lease("first") as models:
        segmenter = LPOSS(models.clip, models.patches, small, templates=template_set("simple"))
        alone = segmenter.segment(picture, [[text] for text in texts], method=method)
    expected = {text: _pixel(alone, index, picture.shape, 66, 44) for index, text in enumerate(texts)}
    found = inspect_pixel(result, 66, 44)
    for item in found.classes:
        for each in item.texts:
            assert each.score == pytest.approx(expected[each.text], abs=2e-3)
        assert item.score == pytest.approx(max(each.score for each in item.texts), abs=2e-3)


def test_probabilities_are_those_of_the_library(registry, request_for, small, picture):
    result = infer(request_for(), registry)
    with registry.lease("first") as models:
        segmenter = LPOSS(models.clip, models.patches, small, templates=template_set("simple"))
        scores = segmenter.segment(picture, result_texts(result))
    middle = dataclasses.replace(scores, scores=probabilities(scores))
    for x, y in PIXELS:
        found = [item.probability for item in inspect_pixel(result, x, y).classes]
        assert sum(found) == pytest.approx(1, abs=1e-5)
        assert np.argmax(found) == label_map(middle, *picture.shape[:2])[y, x]


@pytest.mark.parametrize(("x", "y"), [(-1, 0), (0, -1), (132, 0), (0, 90), (10**9, 5)])
def test_a_pixel_outside_is_refused_with_the_limits(registry, request_for, x, y):
    result = infer(request_for(), registry)
    with pytest.raises(
        UnknownChoice, match=f"x = {x}, y = {y} .* 132 x 90 .* 0 to 131 .* 0 to 89"
    ) as refused:
        inspect_pixel(result, x, y)
    assert "Точка" in refused.value.text("ru")


def test_the_label_of_a_smaller_map_is_read_at_its_own_scale(registry, request_for):
    result = infer(request_for(max_side=33), registry)
    found = inspect_pixel(result, 131, 89)
    assert result.size != result.image_size
    assert found.label == result.label_map[-1, -1]


def test_the_report_is_plain_json_values(registry, request_for):
    report = inspect_pixel(infer(request_for("wall; window = window, окно"), registry), 3, 4).report()
    assert (report["x"], report["y"], report["size"]) == (3, 4, [90, 132])
    window = report["classes"][1]
    assert [each["text"] for each in window["prompts"]] == ["window", "окно"]
    assert {type(each["score"]) for each in window["prompts"]} == {float}


def result_texts(result):
    return [item.prompts for item in result.classes]


def _pixel(scores: ClassScores, index: int, shape, x: int, y: int) -> float:
    """Value of one plane at a pixel of the picture, by hand: bilinear with half-pixel centres."""
    plane = (scores.scores[index] / scores.gain).numpy()
    rows, columns = plane.shape
    v = min(max((y + 0.5) * rows / shape[0] - 0.5, 0), rows - 1)
    u = min(max((x + 0.5) * columns / shape[1] - 0.5, 0), columns - 1)
    top, left = int(v), int(u)
    below, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
    upper = plane[top, left] * (1 - (u - left)) + plane[top, right] * (u - left)
    lower = plane[below, left] * (1 - (u - left)) + plane[below, right] * (u - left)
    return float(upper * (1 - (v - top)) + lower * (v - top))
