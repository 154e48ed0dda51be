"""Checkpoints to compare, by catalogue id or by file, and how they segment a facade."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from lposs_core import LPOSSConfig, file_sha256
from pipelines import (
    NO_CLASS,
    CheckpointError,
    CheckpointSpec,
    InferenceRequest,
    Method,
    PipelineRegistry,
    PipelineUnavailable,
    PromptSet,
    infer,
)
from pipelines.catalogue import Catalogue, find_checkpoint, read_settings

from .config import FacadeConfig
from .dataset import Mask, Picture

WEIGHTS: Final = ".safetensors"
OTHER_WEIGHTS: Final = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".npz")
BACKGROUND: Final = 0


def find_model(catalogue: Catalogue, given: str, base: str) -> CheckpointSpec:
    """The checkpoint that a command line names.

    Args:
        catalogue: rows by id.
        given: id of a row, or a safetensors file with the weights of a dual encoder. It takes the place of
            that of its base: the row its metadata name under ``base``, otherwise ``base``.
        base: id of a row.

    Raises:
        UnknownChoice: no such id.
        PipelineUnavailable: no such file.
        CheckpointError: the file is of a format that can run code when it is opened, or is damaged.
    """
    file = Path(given)
    if given in catalogue or file.suffix.lower() not in (WEIGHTS, *OTHER_WEIGHTS):
        return find_checkpoint(catalogue, given)
    if file.suffix.lower() != WEIGHTS:
        problem = "such files can run code when they are opened; save the weights as safetensors"
        raise CheckpointError.of("mismatch", checkpoint=base, file=file.name, problem=problem)
    if not file.is_file():
        raise PipelineUnavailable.of("file", checkpoint=file.stem, file=file.name)
    spec = find_checkpoint(catalogue, _read_base(file) or base)
    part = dataclasses.replace(spec.parts["clip"], file=file, sha256=file_sha256(file))
    label = {language: f"{words} ({file.name})" for language, words in spec.label.items()}
    parts = {**spec.parts, "clip": part}
    return dataclasses.replace(spec, id=str(file), label=label, kind="finetuned", base=spec.id, parts=parts)


def _read_base(file: Path) -> str | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as content:
            return (content.metadata() or {}).get("base")
    except (SafetensorError, OSError) as error:
        problem = str(error).rstrip(".")
        raise CheckpointError.of("mismatch", checkpoint=file.stem, file=file.name, problem=problem) from error


@dataclass(frozen=True, slots=True)
class Segmenter:
    """Segments facades into the classes of a configuration.

    Attributes:
        config: classes, prompts, templates and settings.
        models: what is compared, by name: ``stock``, ``finetuned``.
        registry: gives out the models.
    """

    config: FacadeConfig
    models: Mapping[str, CheckpointSpec]
    registry: PipelineRegistry

    def segment(self, image: Picture, model: str, method: Method) -> Mask:
        """Class index of every pixel, ``(H, W)`` uint8, in the order of the taxonomy.

        PnP-OVSS decides by itself what is background; the other methods search for it by its texts.

        Args:
            image: ``(H, W, 3)`` uint8 RGB.
            model: name of the model.
            method: how.

        Raises:
            PipelineError: the method or the model cannot be used.
        """
        spec = self.models[model]
        searched = self.config.prompts
        if method == "pnp_ovss":
            searched = PromptSet(searched.classes[BACKGROUND + 1 :])
        request = InferenceRequest(
            image,
            searched,
            method=method,
            checkpoint=spec.id,
            settings=self.settings(spec),
            templates=self.config.templates,
        )
        labels = infer(request, self.registry).label_map
        if method != "pnp_ovss":
            return labels
        return np.where(labels == NO_CLASS, BACKGROUND, labels + 1).astype(np.uint8)

    def settings(self, spec: CheckpointSpec) -> LPOSSConfig:
        """Hyper-parameters of a checkpoint with those of the configuration in their place.

        Raises:
            SettingsError: an unknown one, or a value out of range.
        """
        merged = spec.settings.to_mapping() | dict(self.config.settings)
        settings: LPOSSConfig = read_settings(self.config.name, LPOSSConfig, merged)
        return settings
