import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lposs_core import ClassScores, label_map, probabilities, scores


def result(classes: int, *, background: bool = False, method: scores.Method = "lposs") -> ClassScores:
    maps = torch.randn(classes, 19, 31)
    return ClassScores(maps, torch.randn(19, 31) if background else None, 20.0, {}, method)


def plain(answer: ClassScores, height: int, width: int) -> torch.Tensor:
    return F.interpolate(answer.stacked()[None], (height, width), mode="bilinear", align_corners=False)[0]


@pytest.mark.parametrize(("height", "width"), [(19, 31), (190, 310), (57, 40), (7, 90), (1, 1), (100, 9)])
@pytest.mark.parametrize("values", [1, 700, 1 << 19])
def test_strips_equal_the_whole_picture(
    height: int, width: int, values: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scores, "_STRIP_VALUES", values)
    answer = result(5)
    strips = [strip for _, strip in scores._strips(answer.stacked(), height, width)]
    whole = plain(answer, height, width)
    torch.testing.assert_close(torch.cat(strips, dim=1), whole, rtol=0, atol=2e-5)
    best = whole.topk(2, dim=0).values
    clear = (best[0] - best[1] > 1e-4).numpy()
    labels = label_map(answer, height, width)
    assert labels.shape == (height, width)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels[clear], whole.argmax(0).numpy()[clear])


def test_the_background_wins_where_its_score_is_largest():
    answer = result(3, background=True)
    expected = answer.stacked().argmax(0).numpy()
    expected[expected == 3] = 255
    np.testing.assert_array_equal(label_map(answer, 19, 31), expected)


def test_a_tie_goes_to_the_class_that_was_named_first():
    maps = torch.zeros(3, 4, 4)
    assert label_map(ClassScores(maps, torch.zeros(4, 4), 1.0, {}), 8, 8).max() == 0


@pytest.mark.parametrize("background", [False, True])
def test_the_threshold_is_a_probability(background: bool):
    answer = result(4, background=background)
    chances = probabilities(answer)
    winner = chances.argmax(0)
    nobody = (chances.amax(0) < 0.9) | (winner == 4)
    expected = winner.masked_fill(nobody, 255).numpy()
    np.testing.assert_array_equal(label_map(answer, 19, 31, threshold=0.9), expected)
    assert 0 < nobody.float().mean() < 1


def test_probabilities_undo_the_gain_of_propagation():
    answer = result(3, background=True)
    chances = probabilities(answer)
    torch.testing.assert_close(chances, (100 * answer.stacked() / 20).softmax(0))
    torch.testing.assert_close(chances.sum(0), torch.ones(19, 31))


def test_maskclip_scores_are_probabilities_already():
    answer = result(3, background=True, method="maskclip")
    assert torch.equal(probabilities(answer), answer.stacked())


def test_a_single_class_fills_the_picture():
    assert label_map(result(1), 40, 60).max() == 0


def test_sizes_and_thresholds_out_of_range_are_named():
    with pytest.raises(ValueError, match="0 x 5"):
        label_map(result(2), 0, 5)
    with pytest.raises(ValueError, match=r"threshold must lie in \[0, 1\], got 1.5"):
        label_map(result(2), 5, 5, threshold=1.5)
    with pytest.raises(ValueError, match="1 to 255 classes, got 256"):
        label_map(result(256), 5, 5)
