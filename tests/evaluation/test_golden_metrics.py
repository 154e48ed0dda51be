"""The published code's own areas and means (golden file m01)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.boundary import BoundaryIoU, boundary, boundary_width
from evaluation.metrics import ConfusionMatrix

CASES = range(5)
ROWS = ("intersection", "union", "prediction", "truth")


@pytest.fixture(scope="module")
def golden(golden_lposs: Path) -> Any:
    return np.load(golden_lposs / "m01_metrics.npz")


@pytest.fixture(scope="module")
def meta(golden: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(str(golden["meta"]))
    return content


def _truth(golden: Any, meta: dict[str, Any], case: int) -> np.ndarray:
    gt: np.ndarray = golden[f"gt{case}"]
    if not meta["cases"][case]["reduce_zero_label"]:
        return gt
    return np.where((gt == 0) | (gt == 255), 255, gt - 1)


@pytest.mark.parametrize("case", CASES)
def test_areas_are_those_of_the_published_code(golden: Any, meta: dict[str, Any], case: int) -> None:
    matrix = ConfusionMatrix(meta["num_classes"], meta["ignore_index"])
    matrix.update(golden[f"pred{case}"], _truth(golden, meta, case))
    inter, truth = np.diagonal(matrix.counts), matrix.counts.sum(1)
    predicted = matrix.counts[:, :-1].sum(0)
    areas = np.stack([inter, truth + predicted - inter, predicted, truth])
    np.testing.assert_array_equal(areas, golden[f"area{case}"])


@pytest.mark.parametrize("case", CASES)
def test_boundary_areas_are_those_of_the_published_code(golden: Any, meta: dict[str, Any], case: int) -> None:
    counts = BoundaryIoU(meta["num_classes"])
    counts.update(golden[f"pred{case}"], _truth(golden, meta, case))
    np.testing.assert_array_equal(counts.intersection, golden[f"boundary{case}"][ROWS.index("intersection")])
    np.testing.assert_array_equal(counts.union, golden[f"boundary{case}"][ROWS.index("union")])


def test_totals_are_those_of_the_published_code(golden: Any, meta: dict[str, Any]) -> None:
    matrix, outlines = ConfusionMatrix(meta["num_classes"]), BoundaryIoU(meta["num_classes"])
    for case in (case for case in CASES if not meta["cases"][case]["reduce_zero_label"]):
        matrix.update(golden[f"pred{case}"], golden[f"gt{case}"])
        outlines.update(golden[f"pred{case}"], golden[f"gt{case}"])
    figures = matrix.compute() | outlines.compute()
    np.testing.assert_allclose(figures["iou"], golden["iou_per_class"], rtol=1e-6)
    np.testing.assert_allclose(figures["boundary_iou"], golden["boundary_iou_per_class"], rtol=1e-12)
    assert figures["mIoU"] == pytest.approx(meta["miou"], rel=1e-6)
    assert figures["boundary_mIoU"] == pytest.approx(meta["boundary_miou"], rel=1e-12)


@pytest.mark.parametrize(("name", "share"), [("one_mask_boundary", 0.02), ("one_mask_boundary_r10", 0.10)])
def test_outline_of_one_mask(golden: Any, name: str, share: float) -> None:
    mask = golden["one_mask"].astype(bool)
    outline = boundary(mask, boundary_width(*mask.shape, share))
    np.testing.assert_array_equal(outline, golden[name].astype(bool))


@pytest.mark.parametrize("case", CASES)
def test_outline_width_follows_the_diagonal(meta: dict[str, Any], case: int) -> None:
    size = meta["cases"][case]
    assert boundary_width(size["h"], size["w"]) == size["dilation"]
