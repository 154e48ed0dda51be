from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from pnp_ovss import BlipBackbone, LavisMismatch, convert_lavis_state, load_lavis_state, read_lavis_file


@pytest.fixture(scope="module")
def state(golden_weights: dict[str, Any]) -> dict[str, torch.Tensor]:
    return {key: torch.from_numpy(value).float() for key, value in golden_weights.items() if key != "meta"}


def test_every_weight_of_the_model_is_found(blip: BlipBackbone, state: dict[str, torch.Tensor]) -> None:
    converted, report = convert_lavis_state(state)
    assert report.complete
    assert set(converted) == set(blip.model.state_dict())
    assert len(report.renamed) == len(state) == 352


def test_training_leftovers_are_dropped_and_named(state: dict[str, torch.Tensor]) -> None:
    extra = ["temp", "image_queue", "text_queue", "idx_queue", "ptr_queue", "visual_encoder_m.cls_token"]
    extra += ["text_proj_m.weight", "text_encoder_m.embeddings.word_embeddings.weight"]
    extra += ["text_encoder.embeddings.position_ids"]
    checkpoint = {"model": state | {key: torch.zeros(1) for key in extra}, "epoch": 3}
    converted, report = convert_lavis_state(checkpoint)
    assert sorted(report.dropped) == sorted(extra)
    assert set(converted) == set(convert_lavis_state(state)[0])


def test_an_unknown_key_is_named(state: dict[str, torch.Tensor]) -> None:
    with pytest.raises(LavisMismatch, match=r"1 keys are unknown \(first: mixer.weight\)") as caught:
        convert_lavis_state(state | {"mixer.weight": torch.zeros(1)})
    assert caught.value.report.unknown == ("mixer.weight",)


def test_a_model_of_another_size_is_left_as_it_is(blip: BlipBackbone, state: dict[str, torch.Tensor]) -> None:
    before = {key: value.clone() for key, value in blip.model.state_dict().items()}
    broken = dict(state)
    broken["itm_head.weight"] = torch.zeros(2, 50)
    del broken["itm_head.bias"]
    with pytest.raises(LavisMismatch, match=r"1 keys are missing .*; 1 keys are of another shape") as caught:
        load_lavis_state(blip.model, broken)
    assert caught.value.report.mismatched == ("itm_head.weight",)
    assert all(torch.equal(value, before[key]) for key, value in blip.model.state_dict().items())


def test_an_empty_state_is_refused() -> None:
    with pytest.raises(LavisMismatch, match="it holds no weights; 0 fit"):
        convert_lavis_state({})


def test_a_file_is_read_without_executing_it(tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    torch.save({"model": {"itm_head.bias": torch.ones(2)}}, file)
    assert read_lavis_file(file)["model"]["itm_head.bias"].tolist() == [1, 1]
    torch.save({"model": Path("x")}, file)
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        read_lavis_file(file)
