"""A catalogue of the bundled architectures with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lposs_core import LPOSSConfig
from pipelines import InferenceRequest, PipelineRegistry, load_catalogue, parse_prompts
from pipelines.loading import build_part
from pipelines.stamp import stamp
from tiny_vlm import configs

SMALL = "{short_side: 64, crop: 64, stride: 32, k: 12}"
ROW = """
  - id: {id}
    label: {{en: Test {id}, ru: Проба {id}}}
    kind: {kind}
    base: random weights
    licence: MIT
    languages: [en, ru]
    methods: [maskclip, lposs, lposs_plus]
    parts:
      clip:
        builder: tiny-dual
        file: {id}.safetensors
        sha256: "{digest}"
      patches:
        builder: tiny-patches
        file: patches.safetensors
        sha256: "{digest}"
    settings: {settings}
"""


def save_weights(model: torch.nn.Module, path: Path) -> None:
    state = {
        key: value.half() if value.is_floating_point() else value for key, value in model.state_dict().items()
    }
    save_file({key: value.contiguous() for key, value in state.items()}, path)


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Catalogue file with the checkpoints ``first`` and ``second``, which share their patch encoder."""
    folder = tmp_path_factory.mktemp("family")
    torch.manual_seed(1)
    save_weights(configs.build_dual_encoder(), folder / "first.safetensors")
    save_weights(configs.build_dual_encoder(), folder / "second.safetensors")
    save_weights(configs.build_patch_encoder(), folder / "patches.safetensors")
    rows = [
        ROW.format(id=name, kind=kind, digest="0" * 64, settings=SMALL)
        for name, kind in (("first", "stock"), ("second", "finetuned"))
    ]
    path = folder / "catalogue.yaml"
    path.write_text("checkpoints:" + "".join(rows), encoding="utf-8")
    stamp(path)
    return path


@pytest.fixture
def registry(family: Path) -> PipelineRegistry:
    """A fresh registry of the random family on the CPU, with an empty cache."""
    return PipelineRegistry(load_catalogue(family), torch.device("cpu"))


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """Smooth colours with some noise, ``(90, 132, 3)`` uint8."""
    draw = np.random.default_rng(3)
    rows, columns = np.mgrid[0:90, 0:132]
    base = np.stack([rows * 2.5, columns * 1.8, 255 - rows - columns], axis=2)
    return (base + draw.normal(0, 12, base.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture
def request_for(picture: np.ndarray):
    """Builder of requests on ``picture``."""

    def build(prompts: str = "wall; window = window, окно; sky", **options) -> InferenceRequest:
        options.setdefault("checkpoint", "first")
        options.setdefault("templates", "simple")
        return InferenceRequest(picture, parse_prompts(prompts), **options)

    return build


@pytest.fixture
def small() -> LPOSSConfig:
    """The settings of the family's rows."""
    return LPOSSConfig(short_side=64, crop=64, stride=32, k=12)


class Counted:
    """A matching_model that counts how often a picture went through its image tower."""

    def __init__(self, inner) -> None:
        self.inner, self.pictures = inner, 0

    def encode(self, pixels):
        self.pictures += 1
        return self.inner.encode(pixels)

    def __getattr__(self, name):
        return getattr(self.inner, name)


@pytest.fixture
def models(family, matching_model, tmp_path):
    """Registry in which ``first`` can run PnP-OVSS, the counted matching_model, and what was loaded."""
    part = '    parts:\n      itm: {builder: test, file: patches.safetensors, sha256: ""}\n'
    settings = (
        "    pnp_settings: {image_side: 64, layer: 1, head: 0, rounds: 2, long_side: 64, postprocess: blur}\n"
    )
    text = family.read_text(encoding="utf-8")
    text = text.replace("    parts:\n", part, 1).replace("    settings:", settings + "    settings:", 1)
    text = text.replace("lposs_plus]", "lposs_plus, pnp_ovss]", 1)
    for file in family.parent.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / family.name).unlink()
    (tmp_path / family.name).write_text(text, encoding="utf-8")
    counted, loaded = Counted(matching_model), []

    def load(spec, part, device, precision):
        loaded.append(part.role)
        return (counted, 1000) if part.role == "itm" else build_part(spec, part, device, precision)

    registry = PipelineRegistry(load_catalogue(tmp_path / family.name), torch.device("cpu"), load=load)
    return registry, counted, loaded
