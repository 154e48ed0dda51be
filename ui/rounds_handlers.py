"""Between the panel of dropout rounds and the pipelines."""

from __future__ import annotations

import base64
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from pipelines import DEFAULT_METHOD, CheckpointSpec, InferenceResult, PipelineRegistry
from pipelines.catalogue import METHOD_ROLES
from pnp_ovss import PnPOVSSConfig

from .files import file_data
from .images import Picture
from .viewer import METHOD_NAMES

METHOD = "pnp_ovss"


class RoundsHandlers:
    """What the choice of method and checkpoint changes on the page.

    Args:
        registry: whose checkpoints are offered.
    """

    def __init__(self, registry: PipelineRegistry) -> None:
        self._registry = registry

    def offer_methods(self, checkpoint: str, method: str) -> Any:
        """Offer the methods that a checkpoint can run; one that it cannot gives way to the default."""
        choices = method_choices(self._registry.catalogue[checkpoint])
        known = [name for _, name in choices]
        return gr.update(choices=choices, value=method if method in known else DEFAULT_METHOD)

    def show_settings(self, method: str) -> tuple[Any, Any]:
        """Show the settings of the chosen method: those of windows and graphs, or the rounds."""
        return gr.update(visible=method != METHOD), gr.update(visible=method == METHOD)


def method_choices(spec: CheckpointSpec) -> list[tuple[str, str]]:
    """(words, method) of what a checkpoint can run with the files that are here."""
    usable = [name for name in spec.methods if not spec.missing_files(METHOD_ROLES[name])]
    return [(METHOD_NAMES[name], name) for name in usable or spec.methods]


def chosen_settings(own: PnPOVSSConfig, rounds: float, threshold: float, postprocess: str) -> PnPOVSSConfig:
    """A checkpoint's settings with what the panel shows.

    Args:
        own: of the checkpoint.
        rounds: of Salience DropOut.
        threshold: of a class map.
        postprocess: what follows it.

    Raises:
        ValueError: a value lies outside its range.
        TypeError: a value is missing.
    """
    return own.replace(rounds=int(rounds), threshold=float(threshold), postprocess=postprocess)


def rounds_value(picture: Picture, result: InferenceResult) -> dict[str, Any] | None:
    """What the browser needs to draw the rounds; None for the other methods.

    Args:
        picture: the photo.
        result: its segmentation.

    Returns:
        ``maps``: R rounds and their sum, C classes, P x P patches, a byte each, a class's peak in the
        rounds (for the sum: of the sum) being 255; ``dropped``: R x P x P bytes, 1 where a patch was missing.
    """
    rounds = result.rounds
    if rounds is None:
        return None
    peaks = rounds.maps.max((0, 2, 3))[:, None, None]
    sums = rounds.merged.max((1, 2))[:, None, None]
    maps = np.concatenate([_bytes(rounds.maps, peaks), _bytes(rounds.merged, sums)[None]])
    return {
        "image": file_data(picture.jpeg),
        "image_size": list(result.image_size),
        "classes": result.report()["classes"],
        "grid": rounds.maps.shape[-1],
        "maps": _text(maps),
        "dropped": _text(rounds.dropped.astype(np.uint8)),
        "match": [round(float(value), 3) for value in rounds.match],
    }


def _bytes(maps: NDArray[np.float32], peaks: NDArray[np.float32]) -> NDArray[np.uint8]:
    shares = np.divide(maps, peaks, out=np.zeros_like(maps), where=peaks > 0)
    return np.asarray(np.round(255 * shares), np.uint8)


def _text(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
