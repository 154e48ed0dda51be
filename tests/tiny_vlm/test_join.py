"""Joining the picture tower of one dual encoder with the text tower of another."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tiny_vlm.configs import build_dual_encoder
from tiny_vlm.join import join_towers, main


@pytest.fixture
def two() -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    return tuple(build_dual_encoder(600).state_dict() for _ in range(2))


def test_each_tower_comes_from_its_own_file(two, tmp_path: Path):
    for state, name in zip(two, ("pictures", "words"), strict=True):
        save_file(state, str(tmp_path / name))
    assert main([str(tmp_path / name) for name in ("pictures", "words", "out")]) == 0
    pictures, words, joined = (load_file(str(tmp_path / name)) for name in ("pictures", "words", "out"))
    build_dual_encoder(600).load_state_dict(joined)
    assert torch.equal(joined["visual.head.proj.weight"], pictures["visual.head.proj.weight"])
    assert torch.equal(joined["text_projection"], words["text_projection"])
    assert torch.equal(joined["token_embedding.weight"], words["token_embedding.weight"])
    assert not torch.equal(pictures["visual.head.proj.weight"], words["visual.head.proj.weight"])


def test_other_networks_are_refused(two, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(ValueError, match="token_embedding"):
        join_towers(two[0], build_dual_encoder(700).state_dict())
    assert main([str(tmp_path / "none"), str(tmp_path / "none"), str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
