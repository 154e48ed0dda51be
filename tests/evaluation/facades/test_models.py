import shutil
from pathlib import Path

import numpy as np
import pytest

from evaluation.facades.config import load_config
from evaluation.facades.models import Segmenter, find_model
from lposs_core import file_sha256
from pipelines import (
    CheckpointError,
    PipelineUnavailable,
    SettingsError,
    UnknownChoice,
    build_registry,
    load_catalogue,
)
from pipelines.catalogue import ASSETS


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue()


def test_an_id_names_its_row_and_a_file_stands_in_for_the_dual_encoder(catalogue, tmp_path: Path) -> None:
    assert find_model(catalogue, "tiny-finetuned", "tiny-stock") is catalogue["tiny-finetuned"]
    file = tmp_path / "mine.safetensors"
    shutil.copyfile(ASSETS / "weights/tiny_clip_finetuned.safetensors", file)
    spec = find_model(catalogue, str(file), "tiny-stock")
    assert spec.parts["clip"].file == file
    assert spec.parts["clip"].sha256 == file_sha256(file)
    assert spec.parts["patches"] == catalogue["tiny-stock"].parts["patches"]
    assert (spec.kind, spec.base) == ("finetuned", "tiny-stock")


def test_a_file_that_names_its_base_is_built_like_it(catalogue, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    file = tmp_path / "mine.safetensors"
    save_file({"weight": np.zeros(1, np.float32)}, str(file), metadata={"base": "tiny-finetuned"})
    assert find_model(catalogue, str(file), "tiny-stock").base == "tiny-finetuned"


def test_what_cannot_be_loaded_is_refused_before_anything_runs(catalogue, tmp_path: Path) -> None:
    with pytest.raises(UnknownChoice, match="no checkpoint 'tiny'"):
        find_model(catalogue, "tiny", "tiny-stock")
    with pytest.raises(PipelineUnavailable, match=r"none\.safetensors"):
        find_model(catalogue, str(tmp_path / "none.safetensors"), "tiny-stock")
    with pytest.raises(CheckpointError, match="can run code"):
        find_model(catalogue, "epoch_0257.pth", "tiny-stock")
    (tmp_path / "cut.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(CheckpointError, match=r"cut\.safetensors"):
        find_model(catalogue, str(tmp_path / "cut.safetensors"), "tiny-stock")


def test_settings_of_the_configuration_go_over_those_of_the_checkpoint(catalogue, tmp_path: Path) -> None:
    stock = catalogue["tiny-stock"]
    (tmp_path / "own.yaml").write_text("classes: [background]\nsettings: {alpha: 0.5}")
    (tmp_path / "bad.yaml").write_text("classes: [background]\nsettings: {alhpa: 0.5}")
    registry = build_registry(device="cpu")
    settings = Segmenter(load_config(tmp_path, "own.yaml"), {"stock": stock}, registry).settings(stock)
    assert (settings.alpha, settings.k) == (0.5, stock.settings.k)
    with pytest.raises(SettingsError, match="did you mean 'alpha'"):
        Segmenter(load_config(tmp_path, "bad.yaml"), {"stock": stock}, registry).settings(stock)
