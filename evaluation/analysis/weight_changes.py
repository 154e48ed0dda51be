"""What fine-tuning changed: how far each layer of the fine-tuned checkpoint is from the stock one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from evaluation.facades.outputs import write_json
from evaluation.finetuning.deltas import Delta, layer_deltas, parameter_deltas, rows
from lposs_core import load_safetensors
from pipelines import CheckpointSpec
from pipelines.loading import verify_file

ROW_INCHES: Final = 0.24
DPI: Final = 120


def write_weight_changes(folder: Path, models: Mapping[str, CheckpointSpec]) -> dict[str, Any] | None:
    """Write ``weight_changes.json`` and ``weight_changes.png`` for stock and fine-tuned dual encoders.

    Args:
        folder: where to.
        models: rows by name.

    Returns:
        Numbers for the summary; None where there is one model only, or they are of two architectures.

    Raises:
        PipelineError: a file is missing or not that of its row.
    """
    if not {"stock", "finetuned"} <= models.keys():
        return None
    before, after = (
        load_safetensors(verify_file(models[name], models[name].parts["clip"]))
        for name in ("stock", "finetuned")
    )
    try:
        layers, parameters = layer_deltas(before, after), parameter_deltas(before, after)
    except ValueError:  # two architectures
        return None
    write_json(folder / "weight_changes.json", {"layers": rows(layers), "parameters": rows(parameters)})
    draw_changes(folder / "weight_changes.png", layers)
    return {
        "values": sum(delta.values for delta in layers),
        "changed": sum(delta.changed for delta in layers),
        "layers_changed": [delta.name for delta in layers if delta.changed],
    }


def draw_changes(path: Path, layers: Sequence[Delta]) -> None:
    """Draw one bar a layer: the length of its change as a part of the length of its weights."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.2 + ROW_INCHES * len(layers)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    lengths = [100 * (delta.relative or 0.0) for delta in layers]
    axes.barh(range(len(layers)), lengths, color="#2856c6")
    axes.set_yticks(range(len(layers)), [delta.name for delta in layers], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("length of the change, % of the length of the weights")
    for place, delta in enumerate(layers):
        share = (
            "unchanged" if not delta.changed else f"{delta.changed / delta.values:.0%} of {delta.values:,}"
        )
        axes.text(lengths[place], place, f" {share}", va="center", fontsize=7)
    axes.set_xlim(0, 1.25 * max(*lengths, 1e-9))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=DPI)
