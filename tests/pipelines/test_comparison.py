"""The difference of two results, against counting by hand."""

import dataclasses

import numpy as np
import pytest

from pipelines import compare, infer, parse_prompts


def test_a_result_does_not_differ_from_itself(registry, request_for):
    found = compare(request_for(), request_for(), registry)
    assert found.changed == 0
    assert not found.difference.any()
    assert all(item.changed == item.gained == item.lost == 0 for item in found.classes)


def test_figures_are_counts_over_the_two_label_maps(registry, request_for):
    first = request_for(method="lposs")
    second = dataclasses.replace(first, checkpoint="second")
    found = compare(first, second, registry)
    a, b = infer(first, registry).label_map, infer(second, registry).label_map
    assert found.changed == np.mean(a != b) > 0
    assert np.array_equal(found.difference_map(), np.where(a != b, 255, 0))
    for item in found.classes:
        here, there = set(np.flatnonzero(a == item.index)), set(np.flatnonzero(b == item.index))
        assert item.share_a == len(here) / a.size
        assert item.share_b == len(there) / a.size
        assert item.lost == len(here - there) / a.size
        assert item.gained == len(there - here) / a.size
        assert item.changed == (len(here ^ there) / len(here | there) if here | there else 0)
    assert sum(item.gained for item in found.classes) == pytest.approx(found.changed)


def test_methods_can_be_compared_too(registry, request_for):
    found = compare(request_for(method="maskclip"), request_for(method="lposs"), registry)
    report = found.report()
    assert (report["a"]["method"], report["b"]["method"]) == ("maskclip", "lposs")
    assert report["changed"] == found.changed
    assert [row["name"] for row in report["classes"]] == ["wall", "window", "sky"]


def test_different_pictures_or_prompts_are_no_comparison(registry, request_for):
    first = request_for()
    with pytest.raises(ValueError, match="same picture"):
        compare(first, dataclasses.replace(first, image=255 - first.image), registry)
    with pytest.raises(ValueError, match="same prompts"):
        compare(first, dataclasses.replace(first, prompts=parse_prompts("roof")), registry)
