"""Settings of LPOSS and LPOSS+ with the published values as defaults."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

Solver = Literal["published", "exact"]
Knn = Literal["auto", "torch", "faiss"]

SOLVERS: tuple[Solver, ...] = ("published", "exact")
KNN_BACKENDS: tuple[Knn, ...] = ("auto", "torch", "faiss")


@dataclass(frozen=True, slots=True)
class _Range:
    """Allowed values of one number; ``open_low`` and ``open_high`` leave the bound itself out."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = self.low < value if self.open_low else self.low <= value
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        return f"{'(' if self.open_low else '['}{self.low:g}, {self.high:g}{')' if self.open_high else ']'}"


_REALS = {
    "alpha": _Range(0, 0.9999),  # nearer to 1 the system is singular in float32
    "gamma": _Range(0, 100),
    "sigma": _Range(0, 1000),
    "pix_dist_pow": _Range(0, 10, open_low=True),
    "tau": _Range(0, 1000, open_low=True),
    "cg_tol": _Range(0, 1, open_high=True),
}
_INTEGERS = {
    "k": _Range(1, 1_000_000),
    "r": _Range(1, 31),
    "cg_maxiter": _Range(1, 10_000),
    "short_side": _Range(16, 4096),
    "long_side": _Range(16, 16384),
    "crop": _Range(16, 2048),
    "stride": _Range(8, 2048),
}


@dataclass(frozen=True, slots=True)
class LPOSSConfig:
    """Every number of LPOSS and LPOSS+; the defaults are the published values.

    Attributes:
        alpha: share kept from neighbours, 0 to 0.9999; 0 switches propagation off.
        gamma: exponent of the cosine between two patches, at least 0.
        k: nearest neighbours of a patch, itself included; ``min(k, N)`` is used.
        sigma: decay with the distance of two patches, per pixel; at least 0 (0 ignores distance).
        pix_dist_pow: power of that distance, above 0 (1 = Euclidean, not squared).
        tau: colour distance at which the tie of two pixels falls to 1/e, in scaled Lab units, above 0.
        r: side of the square of neighbours around a pixel, in pixels (13 = radius 6), 1 to 31.
        cg_tol: relative residual at which the published solver stops early, in ``[0, 1)``.
        cg_maxiter: conjugate-gradient steps of the published solver, at least 1.
        solver: ``"published"`` stops after ``cg_maxiter`` steps, ``"exact"`` converges.
        pixel_refine: LPOSS+, a second propagation over pixels.
        short_side: short side of the working image, in pixels.
        long_side: longest side the working image may have, in pixels.
        crop: side of a square window, in pixels.
        stride: step between windows, in pixels; at most ``crop``.
        knn: what searches neighbours; both give the same numbers.

    Raises:
        ValueError: if a value lies outside its range.
        TypeError: if a value is of the wrong kind.
    """

    alpha: float = 0.95
    gamma: float = 3.0
    k: int = 400
    sigma: float = 0.01
    pix_dist_pow: float = 1.0
    tau: float = 0.01
    r: int = 13
    cg_tol: float = 1e-6
    cg_maxiter: int = 10
    solver: Solver = "published"
    pixel_refine: bool = False
    short_side: int = 448
    long_side: int = 2048
    crop: int = 224
    stride: int = 112
    knn: Knn = "auto"

    def __post_init__(self) -> None:
        for name, allowed in _REALS.items():
            _check_number(name, getattr(self, name), allowed, (int, float))
        for name, allowed in _INTEGERS.items():
            _check_number(name, getattr(self, name), allowed, (int,))
        _check_choice("solver", self.solver, SOLVERS)
        _check_choice("knn", self.knn, KNN_BACKENDS)
        if not isinstance(self.pixel_refine, bool):
            raise TypeError(f"pixel_refine must be true or false, got {self.pixel_refine!r}")
        if self.stride > self.crop:
            raise ValueError(
                f"stride must be at most crop = {self.crop}, got {self.stride}: windows would leave gaps"
            )
        if self.long_side < self.short_side:
            raise ValueError(
                f"long_side must be at least short_side = {self.short_side}, got {self.long_side}"
            )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Build a configuration from names and values, as read from a preset.

        Args:
            values: any subset of the settings; the others keep their defaults.

        Returns:
            The validated configuration.

        Raises:
            ValueError: if a name is unknown or a value lies outside its range.
            TypeError: if a value is of the wrong kind.
        """
        _check_names(values)
        return cls(**values)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some settings changed.

        Args:
            **changes: new values by name.

        Raises:
            ValueError: if a name is unknown or a value lies outside its range.
            TypeError: if a value is of the wrong kind.
        """
        _check_names(changes)
        return replace(self, **changes)

    def to_mapping(self) -> dict[str, Any]:
        """Return all settings by name, ready for JSON or YAML."""
        return asdict(self)


def _check_names(values: Mapping[str, Any]) -> None:
    known = [field.name for field in fields(LPOSSConfig)]
    for name in values:
        if name not in known:
            nearest = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(known)}"
            raise ValueError(f"LPOSS has no setting {name!r}; {hint}")


def _check_number(name: str, value: object, allowed: _Range, kinds: tuple[type, ...]) -> None:
    if isinstance(value, bool) or not isinstance(value, kinds):
        noun = "an integer" if kinds == (int,) else "a number"
        raise TypeError(f"{name} must be {noun} in {allowed}, got {value!r}")
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value not in allowed:
        raise ValueError(f"{name} must lie in {allowed}, got {value!r}")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


LPOSS_PLUS = LPOSSConfig(pixel_refine=True)
