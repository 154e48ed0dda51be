"""Settings of PnP-OVSS with the values of the published code."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self, get_args

DropRule = Literal["top_k", "halve"]
Background = Literal["auto", "always", "never"]
Postprocess = Literal["none", "blur", "crf", "blur+crf"]
JoinWords = Literal["keep", "spaces", "spaces and hyphens"]
DataType = Literal["voc", "psc", "ade20k", "coco_object", "coco_stuff"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "drop_rule": get_args(DropRule),
    "background": get_args(Background),
    "postprocess": get_args(Postprocess),
    "join_words": get_args(JoinWords),
}
_RANGES: dict[str, tuple[float, float]] = {  # both ends are allowed
    "image_side": (16, 1024),
    "layer": (0, 255),
    "head": (0, 255),
    "rounds": (1, 64),
    "drop_count": (1, 4096),
    "threshold": (0.0, 1.0),
    "blur_sigma": (0.0, 1.0),
    "crf_iterations": (1, 100),
    "crf_gaussian_sxy": (0.1, 1000.0),
    "crf_gaussian_compat": (0.0, 1000.0),
    "crf_bilateral_sxy": (0.1, 1000.0),
    "crf_bilateral_srgb": (0.1, 255.0),
    "crf_bilateral_compat": (0.0, 1000.0),
    "crf_seconds": (0.1, 3600.0),
    "long_side": (16, 16384),
}
_PUBLISHED: dict[str, dict[str, Any]] = {  # by data set; the rest is common to all
    "voc": {"background": "always"},
    "psc": {},
    "ade20k": {"normalise": False, "join_words": "spaces"},
    "coco_object": {"background": "always", "rescale": True, "join_words": "spaces and hyphens"},
    "coco_stuff": {"rescale": True, "join_words": "spaces and hyphens"},
}


@dataclass(frozen=True, slots=True)
class PnPOVSSConfig:
    """What one run of PnP-OVSS depends on.

    The defaults are the published numbers with the published code's mistakes mended; :meth:`published` keeps
    the mistakes.

    Raises:
        TypeError: a number is given as something else (a truth value, text), or a switch is no truth value.
        ValueError: a number is out of its range, or a choice is unknown.
    """

    image_side: int = 336  # pixels; the picture is squeezed to a square of this side
    layer: int = 7  # cross-attention layer of the text encoder, from 0 (the paper's "block 8")
    head: int = 9  # attention head that is kept, from 0
    rounds: int = 4  # Salience DropOut: forward passes
    drop_rule: DropRule = "top_k"  # "halve": half of what remains each round, as the paper's text says
    drop_count: int = 10  # patches dropped after each round by "top_k"
    threshold: float = 0.15  # of a class map scaled to [0, 1]; what lies below becomes 0
    background: Background = "auto"  # "auto": a background channel for fewer than three classes
    postprocess: Postprocess = "blur+crf"
    blur_sigma: float = 0.05  # share of the picture's longer side
    crf_iterations: int = 10
    crf_gaussian_sxy: float = 3.0  # pixels
    crf_gaussian_compat: float = 7.0
    crf_bilateral_sxy: float = 50.0  # pixels
    crf_bilateral_srgb: float = 5.0  # steps of 255
    crf_bilateral_compat: float = 10.0
    crf_seconds: float = 60.0  # time limit of the dense CRF
    long_side: int = 512  # pixels; larger pictures are post-processed at this size
    normalise: bool = True  # False: pixels in [0, 1] and bilinear resize, as published for ade20k
    rescale: bool = False  # scale each class to [0, 1] after the resize (two or more classes)
    join_words: JoinWords = "keep"  # what is taken out of class names, so that each is one word
    quirks: bool = False  # the published code's mistakes, see docs/pnp_ovss.md

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            _check_number(name, getattr(self, name), low, high, whole=isinstance(_DEFAULTS[name], int))
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}")
        for name in ("normalise", "rescale", "quirks"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be true or false, got {getattr(self, name)!r}")

    @classmethod
    def published(cls, data_type: DataType = "voc", postprocess: Postprocess = "blur+crf") -> Self:
        """Settings that reproduce the published code on one of its data sets, mistakes included.

        Args:
            data_type: ``voc``, ``psc`` (Pascal Context), ``ade20k``, ``coco_object`` or ``coco_stuff``.
            postprocess: what follows the threshold.

        Raises:
            ValueError: the data set or the post-processing is unknown.
        """
        if data_type not in _PUBLISHED:
            raise ValueError(f"data_type must be one of {', '.join(_PUBLISHED)}, got {data_type!r}")
        return cls(postprocess=postprocess, quirks=True, long_side=16384, **_PUBLISHED[data_type])

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> Self:
        """Build a configuration from a preset file's mapping.

        Args:
            settings: values by field name; fields left out keep their published value.

        Raises:
            ValueError: a key is no setting of this method; the nearest one is named.
        """
        for key in settings:
            _check_known(key)
        return cls(**settings)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some settings changed.

        Args:
            **changes: new values by field name.

        Raises:
            ValueError: a name is unknown or a value out of its range.
        """
        for name in changes:
            _check_known(name)
        return replace(self, **changes)

    def to_mapping(self) -> dict[str, Any]:
        """Return all settings by name, ready for JSON or YAML."""
        return asdict(self)


def _check_known(key: object) -> None:
    if key not in _DEFAULTS:
        near = difflib.get_close_matches(str(key), _DEFAULTS, n=1, cutoff=0.5)
        advice = f"Did you mean {near[0]!r}?" if near else f"Settings are {', '.join(_DEFAULTS)}."
        raise ValueError(f"PnP-OVSS has no setting {key!r}. {advice}")


def _check_number(name: str, value: object, low: float, high: float, *, whole: bool) -> None:
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise TypeError(f"{name} must be {'a whole' if whole else 'a'} number, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must lie between {low} and {high}, got {value!r}")


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(PnPOVSSConfig)}
