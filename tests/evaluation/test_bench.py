from __future__ import annotations

import time

import numpy as np
import torch

from evaluation.bench import Comparison, Cost, compare_scores, compare_vectors, measure, render_table


def test_the_ratio_is_of_cpu_seconds() -> None:
    line = Comparison("edit", Cost(cpu=6.0, wall=3.0), Cost(cpu=0.5, wall=0.25), target=10)
    assert line.ratio == 12
    assert "| edit | 6 | 0.5 | 0.25 | 12.0 | 10 |" in render_table([line])


def test_a_line_without_a_published_side_has_no_ratio() -> None:
    line = Comparison("ours alone", None, Cost(1.0, 1.0))
    assert line.ratio is None
    assert "| ours alone |  | 1 | 1 |  |  |" in render_table([line])


def test_costs_add_up() -> None:
    assert Cost(1, 2) + Cost(3, 4).times(2) == Cost(7, 10)


def test_sleep_costs_time_but_no_cpu() -> None:
    value, cost = measure(lambda: time.sleep(0.2) or "done")
    assert value == "done"
    assert cost.wall >= 0.2
    assert cost.cpu < 0.1


def test_one_flipped_label_in_a_hundred_is_a_disagreement() -> None:
    reference = np.tile([1.0, 0.0], (100, 1))
    ours = reference.copy()
    ours[0] = [0.0, 1.0]
    assert compare_scores(reference + 1e-7, reference)[1]
    words, agrees = compare_scores(ours, reference)
    assert not agrees
    assert "labels differ on 1.0000%" in words


def test_vectors_agree_by_their_worst_cosine() -> None:
    reference = torch.eye(3)
    ours = reference.clone()
    ours[2] = torch.tensor([0.0, 0.6, 0.8])
    words, agrees = compare_vectors(ours, reference, 0.9)
    assert not agrees
    assert words == "cosine at least 0.800000"
    assert compare_vectors(ours, reference, 0.8 - 1e-6)[1]


def test_an_action_is_repeated_as_often_as_asked() -> None:
    calls: list[int] = []
    measure(lambda: calls.append(1), repeats=3)
    assert len(calls) == 3
