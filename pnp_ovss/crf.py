"""Dense CRF (Krähenbühl and Koltun) on a stack of class scores, kept apart in a child process."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pnp_ovss.config import PnPOVSSConfig
from pnp_ovss.preprocess import Image, check_image

Stack = NDArray[np.float32]
_WORKER = Path(__file__).with_name("crf_worker.py")
_MOST_VALUES = 400_000_000  # of a stack; more would not fit a server's memory
_DEFAULTS = PnPOVSSConfig()


class DenseCRFError(RuntimeError):
    """The dense CRF gave no answer: not installed, out of time, or its native code failed."""


def dense_crf(
    stack: NDArray[np.floating], image: Image, config: PnPOVSSConfig = _DEFAULTS
) -> NDArray[np.int16]:
    """Label every pixel by a dense CRF.

    Args:
        stack: scores before the softmax, shape ``(C, H, W)``.
        image: RGB, uint8, shape ``(H, W, 3)``.
        config: its ``crf_`` settings.

    Returns:
        Index of the first axis of ``stack``, shape ``(H, W)``.

    Raises:
        ValueError: shapes do not fit each other, or the scores are not finite.
        TypeError: the image is no uint8 array.
        DenseCRFError: it is not installed, took longer than ``crf_seconds`` or failed.
    """
    return np.asarray(crf_probabilities(stack, image, config).argmax(0), np.int16)


def crf_probabilities(stack: NDArray[np.floating], image: Image, config: PnPOVSSConfig = _DEFAULTS) -> Stack:
    """Class probabilities after a dense CRF; arguments and errors as of :func:`dense_crf`.

    The unary term is ``-log(softmax(stack))``, clipped at 1e-5. One channel needs no CRF and is 1 everywhere.

    Args:
        stack: scores before the softmax, shape ``(C, H, W)``.
        image: RGB, uint8, shape ``(H, W, 3)``.
        config: its ``crf_`` settings.

    Returns:
        float32, shape ``(C, H, W)``.
    """
    scores = _checked(stack, image)
    if len(scores) == 1:
        return np.ones_like(scores)
    request = io.BytesIO()
    np.savez(
        request,
        probabilities=_softmax(scores),
        image=np.ascontiguousarray(image),
        options=json.dumps(_options(config)),
    )
    answer = _ask_worker(request.getvalue(), config.crf_seconds)
    return np.asarray(np.load(io.BytesIO(answer), allow_pickle=False), np.float32)


def _checked(stack: NDArray[np.floating], image: Image) -> Stack:
    check_image(image)
    scores = np.asarray(stack, dtype=np.float32)
    if scores.ndim != 3 or scores.shape[0] == 0 or scores.shape[1:] != image.shape[:2]:
        raise ValueError(
            f"stack must have shape (C, H, W) with the image's size {image.shape[:2]}, got {scores.shape}"
        )
    if scores.size > _MOST_VALUES:
        raise ValueError(
            f"the stack has {scores.size:,} values, at most {_MOST_VALUES:,} are taken: shrink it"
        )
    if not np.isfinite(scores).all():
        raise ValueError("the stack has NaN or infinite scores")
    return scores


def _softmax(scores: Stack) -> Stack:
    powers = np.exp(scores - scores.max(0))
    return np.asarray(powers / powers.sum(0), np.float32)


def _options(config: PnPOVSSConfig) -> dict[str, float]:
    names = (
        "gaussian_sxy",
        "gaussian_compat",
        "bilateral_sxy",
        "bilateral_srgb",
        "bilateral_compat",
        "iterations",
    )
    return {name: getattr(config, f"crf_{name}") for name in names}


def _ask_worker(request: bytes, seconds: float) -> bytes:
    if importlib.util.find_spec("pydensecrf") is None:
        raise DenseCRFError("the dense CRF is not installed; run: pip install pydensecrf2==1.1")
    command = [sys.executable, "-I", str(_WORKER)]
    try:
        answer = subprocess.run(command, input=request, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise DenseCRFError(
            f"the dense CRF took longer than {seconds:g} s; lower long_side or raise crf_seconds"
        ) from None
    if answer.returncode != 0:
        last = answer.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise DenseCRFError(f"the dense CRF ended with status {answer.returncode}: {last or 'no message'}")
    return answer.stdout
