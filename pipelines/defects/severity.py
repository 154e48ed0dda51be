"""Ratings, causes and measures, from ``assets/defect_rules.yaml``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..catalogue import ASSETS
from ..errors import SettingsError
from ..messages import Phrase
from ..taxonomy import load_taxonomy
from ..yaml_files import check_keys, load_mapping, typed
from .types import Component, Extent, Kind, Scale, Severity

RULES_FILE: Final = ASSETS / "defect_rules.yaml"
QUANTITIES: Final = ("area_m2", "area_share", "width_mm", "length_share")
ROW: Final = ("cause", "measures", "with_scale", "without_scale")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rating: the figures of a quantity from which the higher levels hold.

    Attributes:
        quantity: one of :data:`QUANTITIES`.
        least: least figure of each level above the first, rising.
    """

    quantity: str
    least: tuple[float, ...]

    def rank(self, value: float) -> int:
        """Rank of the highest level whose figure is reached."""
        return sum(value >= figure for figure in self.least)


@dataclass(frozen=True, slots=True)
class Row:
    """What the file says about one kind of defect."""

    kind: Kind
    with_scale: Rule
    without_scale: Rule


@dataclass(frozen=True, slots=True)
class Rules:
    """The whole file.

    Attributes:
        levels: from the least to the worst.
        rows: by class of the taxonomy.
        other: for everything else.
    """

    levels: tuple[Severity, ...]
    rows: Mapping[str, Row]
    other: Row

    def kind(self, name: str, typed_name: str) -> Kind:
        """What a defect is in words.

        Args:
            name: class of the taxonomy, or anything else.
            typed_name: name of the class as the user wrote it, shown where the taxonomy has none.
        """
        if name in self.rows:
            return self.rows[name].kind
        other = self.other.kind
        return Kind(typed_name, Phrase(typed_name, typed_name), other.cause, other.measures)

    def rule(self, kind: Kind, scale: Scale | None) -> Rule:
        """The rating that holds for a kind of defect."""
        row = self.rows.get(kind.name, self.other)
        return row.without_scale if scale is None else row.with_scale

    def rate(
        self,
        kind: Kind,
        component: Component,
        extent: Extent | None,
        image_size: tuple[int, int],
        scale: Scale | None,
    ) -> Severity:
        """The severity of a defect."""
        rule = self.rule(kind, scale)
        return self.levels[rule.rank(_quantity(rule.quantity, component, extent, image_size, scale))]


def _quantity(
    name: str, component: Component, extent: Extent | None, image_size: tuple[int, int], scale: Scale | None
) -> float:
    height, width = image_size
    metres = 0.0 if scale is None else scale.metres_per_pixel
    long, wide = (0.0, 0.0) if extent is None else (extent.length, extent.width)
    return {
        "area_m2": component.area * metres**2,
        "area_share": component.area / (height * width),
        "width_mm": wide * metres * 1000,
        "length_share": long / max(height, width),
    }[name]


@functools.lru_cache(maxsize=4)
def load_rules(path: Path = RULES_FILE) -> Rules:
    """Read the rules.

    Raises:
        SettingsError: a key, level or quantity is unknown or missing, or figures do not rise.
    """
    content = load_mapping(path)
    check_keys(path.name, content, ("levels", "classes", "other"), ())
    levels = tuple(
        _read_level(path.name, rank, row)
        for rank, row in enumerate(typed(path.name, content, "levels", list))
    )
    names = tuple(level.name for level in levels)
    rows = {}
    for name, row in typed(path.name, content, "classes", dict).items():
        found = load_taxonomy().find(name)
        title = Phrase(found.title["en"], found.title["ru"])
        rows[found.name] = _read_row(f"{path.name}, {name}", row, found.name, title, names)
    other = _read_row(f"{path.name}, other", content["other"], "", Phrase("", ""), names)
    return Rules(levels, rows, other)


def _read_level(file: str, rank: int, row: Any) -> Severity:
    where = f"{file}, level {rank}"
    check_keys(where, row, ("name", "colour", "title"), ())
    return Severity(rank, typed(where, row, "name", str), _phrase(where, row, "title"), row["colour"])


def _read_row(where: str, row: Any, name: str, title: Phrase, levels: tuple[str, ...]) -> Row:
    check_keys(where, row, ROW, ("thin",))
    thin = typed(where, row, "thin", bool, False)
    kind = Kind(name, title, _phrase(where, row, "cause"), _phrase(where, row, "measures"), thin)
    return Row(
        kind,
        _read_rule(where, row["with_scale"], levels[1:]),
        _read_rule(where, row["without_scale"], levels[1:]),
    )


def _read_rule(where: str, row: Any, levels: tuple[str, ...]) -> Rule:
    check_keys(where, row, ("quantity", *levels), ())
    if row["quantity"] not in QUANTITIES:
        raise SettingsError.of(
            "schema", name=where, setting="'quantity'", expected=" | ".join(QUANTITIES), found=row["quantity"]
        )
    least = tuple(float(row[level]) for level in levels)
    if list(least) != sorted(least):
        raise SettingsError.of("schema", name=where, setting="levels", expected="rising", found=least)
    return Rule(row["quantity"], least)


def _phrase(where: str, row: Mapping[str, Any], key: str) -> Phrase:
    words = typed(where, row, key, dict)
    check_keys(f"{where}, {key}", words, ("en", "ru"), ())
    return Phrase(words["en"], words["ru"])
