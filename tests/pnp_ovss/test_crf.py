from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnp_ovss import DenseCRFError, PnPOVSSConfig, crf, crf_probabilities, dense_crf
from pnp_ovss.crf_worker import marginals

RNG = np.random.default_rng(0)


def picture(height: int, width: int) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_two_flat_halves_are_kept_and_a_stray_pixel_is_not() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, 15:] = 200
    stack = np.zeros((2, 20, 30), np.float32)
    stack[0, :, :15] = stack[1, :, 15:] = 2
    stack[:, 10, 5] = [0, 2]
    labels = dense_crf(stack, image)
    assert (labels[:, :15] == 0).all()
    assert (labels[:, 15:] == 1).all()


def test_the_child_gives_what_the_native_code_gives() -> None:
    stack, image = RNG.random((3, 9, 12)).astype(np.float32), picture(9, 12)
    found = crf_probabilities(stack, image)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    powers = np.exp(stack)
    options = {"gaussian_sxy": 3, "gaussian_compat": 7, "bilateral_sxy": 50, "bilateral_srgb": 5}
    wanted = marginals(
        (powers / powers.sum(0)).astype(np.float32),
        image,
        options | {"bilateral_compat": 10, "iterations": 10},
    )
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 400), (400, 1), (2, 2)])
def test_thin_pictures_get_an_answer(height: int, width: int) -> None:
    stack = RNG.random((3, height, width)).astype(np.float32)
    assert np.isfinite(crf_probabilities(stack, picture(height, width))).all()


def test_a_constant_picture_gets_an_answer() -> None:
    stack = RNG.random((2, 30, 40)).astype(np.float32)
    assert np.isfinite(crf_probabilities(stack, np.full((30, 40, 3), 7, np.uint8))).all()


def test_one_channel_needs_no_crf() -> None:
    assert (crf_probabilities(np.zeros((1, 4, 5)), picture(4, 5)) == 1).all()


def test_the_time_limit_ends_the_child() -> None:
    start = time.monotonic()
    with pytest.raises(DenseCRFError, match=r"took longer than 0.1 s; lower long_side or raise crf_seconds"):
        dense_crf(RNG.random((8, 400, 500)), picture(400, 500), PnPOVSSConfig(crf_seconds=0.1))
    assert time.monotonic() - start < 10


def test_a_child_that_dies_is_an_error_and_no_crash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setattr(crf, "_WORKER", worker)
    with pytest.raises(DenseCRFError, match="ended with status -11: no message"):
        dense_crf(np.zeros((2, 4, 5)), picture(4, 5))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DenseCRFError, match=r"pip install pydensecrf2==1\.1"):
        dense_crf(np.zeros((2, 4, 5)), picture(4, 5))


@pytest.mark.parametrize(
    ("stack", "image", "error", "words"),
    [
        (np.zeros((2, 4, 6)), picture(4, 5), ValueError, r"the image's size \(4, 5\), got \(2, 4, 6\)"),
        (np.zeros((0, 4, 5)), picture(4, 5), ValueError, "stack must have shape"),
        (np.full((2, 4, 5), np.inf), picture(4, 5), ValueError, "NaN or infinite"),
        (np.zeros((2, 4, 5)), picture(4, 5).astype(float), TypeError, "uint8 array, got float64"),
        (np.zeros((2, 4, 5)), picture(4, 5)[..., :2], ValueError, r"shape \(H, W, 3\)"),
    ],
)
def test_native_code_never_sees_what_does_not_fit(
    stack: Any, image: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        dense_crf(stack, image)
