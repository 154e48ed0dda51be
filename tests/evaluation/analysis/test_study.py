from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from attribution import Attribution, Scale
from evaluation.analysis.study import mean_heat, probability_figures
from pipelines import ClassResult, ScoreMaps


def found(scores: list[Any], scale: float) -> Any:
    """The part of a result that probabilities are read from: two classes on two working pixels."""
    classes = tuple(ClassResult(index, name, (name,), "#000000", 0.5) for index, name in enumerate("ab"))
    maps = ScoreMaps(np.array(scores, dtype=np.float16), None, (1, 2), scale)
    return SimpleNamespace(classes=classes, scores=maps)


def test_probabilities_are_those_worked_out_by_hand() -> None:
    # Logits of class a against b: 0 and log 3 (within float16): probabilities 1/2 and 3/4.
    figures = probability_figures(found([[[0.0, np.log(3.0)]], [[0.0, 0.0]]], scale=1.0), ("a",))
    assert figures == {
        "prob_a_mean": pytest.approx(0.625, abs=1e-3),
        "prob_a_max": pytest.approx(0.75, abs=1e-3),
    }


def test_scores_that_are_probabilities_already_are_not_softened_again() -> None:
    figures = probability_figures(found([[[0.25, 0.5]], [[0.75, 0.5]]], scale=0.0), ("a", "b"))
    assert figures == {"prob_a_mean": 0.375, "prob_a_max": 0.5, "prob_b_mean": 0.625, "prob_b_max": 0.75}


def test_mean_heat_is_what_speaks_for_the_class_in_parts_of_the_scale() -> None:
    attribution = Attribution(np.array([[-4.0, 1.0], [2.0, 8.0]]), "grad_cam", 0.0)
    result: Any = SimpleNamespace(heatmap=attribution.heatmap, scale=Scale(-4.0, 4.0))
    assert mean_heat(result) == pytest.approx((0 + 0.25 + 0.5 + 1) / 4)
    flat: Any = SimpleNamespace(heatmap=attribution.heatmap, scale=Scale(0.0, 0.0))
    assert mean_heat(flat) == 0
