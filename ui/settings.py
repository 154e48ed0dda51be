"""The method's hyper-parameters as the page shows them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lposs_core import LPOSSConfig


@dataclass(frozen=True, slots=True)
class Knob:
    """One number of the settings panel.

    Attributes:
        name: key of its words in ``ui.text`` and of its value on the page.
        low: least value of the slider.
        high: greatest value of the slider.
        step: distance between two values of the slider.
    """

    name: str
    low: float
    high: float
    step: float


KNOBS: Final = (
    Knob("short_side", 112, 1024, 16),
    Knob("crop", 64, 512, 16),
    Knob("stride", 32, 512, 16),
    Knob("k", 1, 1000, 1),
    Knob("alpha", 0, 0.99, 0.01),
    Knob("gamma", 0, 30, 0.1),
    Knob("sigma", 5, 1000, 1),
    Knob("tau", 0.001, 0.2, 0.001),
    Knob("r", 3, 31, 2),
)
WHOLE: Final = frozenset({"short_side", "crop", "stride", "k", "r"})
NAMES: Final = (*(knob.name for knob in KNOBS), "solver")


def shown_settings(config: LPOSSConfig) -> dict[str, Any]:
    """The values on the page; sigma, a rate per pixel in the method, is shown as a length in pixels."""
    shown: dict[str, Any] = {name: getattr(config, name) for name in NAMES}
    shown["sigma"] = round(1 / config.sigma, 3) if config.sigma > 0 else KNOBS[6].high
    return shown


def read_settings(shown: Mapping[str, Any], own: LPOSSConfig) -> LPOSSConfig:
    """The configuration that the page's values stand for.

    Args:
        shown: values by the names of :data:`NAMES`.
        own: the checkpoint's configuration; what the page does not show is taken from it.

    Raises:
        ValueError: a value lies outside its range.
        TypeError: a value is missing.
    """
    values = {name: int(shown[name]) if name in WHOLE else shown[name] for name in NAMES}
    unchanged = shown_settings(own)["sigma"] == values["sigma"]
    values["sigma"] = own.sigma if unchanged else 1 / max(float(values["sigma"]), 1e-3)
    values["stride"] = min(values["stride"], values["crop"])
    return own.replace(**values)
