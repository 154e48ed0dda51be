"""From a result to the rows of a defect sheet."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import UnknownChoice
from ..prompts import shown
from ..taxonomy import load_taxonomy
from ..types import ClassResult, InferenceResult
from .components import crop, find_components
from .damage import damage_classes, damage_map, match_class
from .measure import measure_extent, zone
from .severity import load_rules
from .types import Component, Defect, DefectOptions, DefectSheet


def find_defects(result: InferenceResult, options: DefectOptions | None = None) -> DefectSheet:
    """List the damaged areas of a picture.

    Args:
        result: of :func:`pipelines.infer`; its scores are read, not its label map.
        options: what counts as damage, and from which probability and size on.

    Raises:
        UnknownChoice: no class counts as damage, or one that does not exist should.
    """
    options = options or DefectOptions()
    damaged = _damage(result.classes, options.damage)
    labels, chance = damage_map(result.scores, [item.index for item in damaged], options.threshold)
    found = find_components(labels, [item.index for item in damaged])
    least = max(1, round(options.least_share * labels.size))
    large = sorted((each for each in found if each.area >= least), key=lambda each: -each.area)
    listed = large[: options.most]
    names = {item.index: item for item in damaged}
    rows = list(_describe(listed, names, chance, options, result.image_size))
    rows.sort(key=lambda row: (-row.severity.rank, -row.component.area, row.component.box))
    return DefectSheet(
        defects=tuple(dataclasses.replace(row, number=number) for number, row in enumerate(rows, start=1)),
        image_size=result.image_size,
        damage=tuple(item.name for item in damaged),
        threshold=options.threshold,
        least_area=least,
        left_out=len(found) - len(listed),
        scale=options.scale,
        method=result.method,
        checkpoint=result.checkpoint,
    )


def _damage(classes: Sequence[ClassResult], wanted: tuple[str, ...] | None) -> list[ClassResult]:
    names = [item.name for item in classes]
    chosen = damage_classes(classes) if wanted is None else wanted
    for name in chosen:
        if name not in names:
            raise UnknownChoice.of("damage.unknown", seen=shown(name), known=", ".join(names))
    if not chosen:
        raise UnknownChoice.of("damage", known=", ".join(names))
    return [item for item in classes if item.name in chosen]


def _describe(
    components: Sequence[Component],
    names: dict[int, ClassResult],
    chance: NDArray[np.float32],
    options: DefectOptions,
    image_size: tuple[int, int],
) -> Iterator[Defect]:
    rules = load_rules()
    for component in components:
        item = names[component.label]
        wish = options.kinds.get(component.key)
        kind = rules.kind(_kind_name(item) if wish is None else load_taxonomy().find(wish).name, item.name)
        extent = measure_extent(component.mask) if kind.thin else None
        severity = rules.rate(kind, component, extent, image_size, options.scale)
        score = float(crop(chance, component.box)[component.mask].mean())
        place = zone(component.centroid, image_size)
        yield Defect(0, component, item.name, kind, severity, score, place, extent, wish is not None)


def _kind_name(item: ClassResult) -> str:
    matched = match_class(item)
    return "" if matched is None else matched.name
