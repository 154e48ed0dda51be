from __future__ import annotations

import pytest
import torch

from evaluation.finetuning.deltas import changed_names, layer_deltas, layer_of, parameter_deltas, rows

BEFORE = {
    "visual.transformer.resblocks.0.attn.weight": torch.tensor([[3.0, 4.0]]),
    "visual.transformer.resblocks.0.mlp.bias": torch.zeros(2),
    "visual.proj": torch.ones(2),
}
AFTER = BEFORE | {
    "visual.transformer.resblocks.0.attn.weight": torch.tensor([[3.0, 7.0]]),
    "visual.transformer.resblocks.0.mlp.bias": torch.tensor([0.0, -4.0]),
}


def test_lengths_are_those_worked_out_by_hand() -> None:
    weight, bias, projection = parameter_deltas(BEFORE, AFTER)
    assert (weight.norm, weight.relative, weight.changed, weight.largest) == (3, 3 / 5, 1, 3)
    assert (bias.norm, bias.relative, bias.values) == (4, None, 2)
    assert (projection.norm, projection.relative, projection.changed) == (0, 0, 0)
    assert changed_names(BEFORE, AFTER) == [weight.name, bias.name]


def test_a_layer_takes_all_its_parameters_together() -> None:
    projection, block = layer_deltas(BEFORE, AFTER)
    assert block.name == "visual.transformer.resblocks.0"
    assert (block.values, block.changed, block.norm, block.relative) == (4, 2, 5, 1)
    assert (projection.name, projection.changed) == ("visual.proj", 0)
    assert rows([block])[0]["norm"] == 5


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("visual.trunk.blocks.11.mlp.fc1.weight", "visual.trunk.blocks.11"),
        ("visual.trunk.norm.weight", "visual.trunk.norm"),
        ("visual.head.proj.weight", "visual.head"),
        ("transformer.resblocks.3.ln_1.bias", "transformer.resblocks.3"),
        ("logit_scale", "logit_scale"),
        ("token_embedding.weight", "token_embedding"),
    ],
)
def test_layers_are_named_after_their_parameters(name: str, layer: str) -> None:
    assert layer_of(name) == layer


def test_the_image_tower_comes_first_blocks_count_up_and_counters_are_no_weights() -> None:
    names = ("ln_final.weight", "visual.b.blocks.10.w", "visual.b.blocks.9.w", "visual.b.num_batches_tracked")
    before = {name: torch.ones(2) for name in names}
    after = {name: value + 1 for name, value in before.items()}
    found = [delta.name for delta in layer_deltas(before, after)]
    assert found == ["visual.b.blocks.9", "visual.b.blocks.10", "ln_final"]


def test_half_precision_is_compared_exactly() -> None:
    before = {"w": torch.tensor([1.0], dtype=torch.float16)}
    assert parameter_deltas(before, {"w": torch.tensor([1.0 + 2**-20])})[0].norm == 2**-20


@pytest.mark.parametrize("other", [{"a": torch.zeros(2)}, {"b": torch.zeros(1)}])
def test_other_networks_are_refused(other: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="different networks"):
        parameter_deltas({"b": torch.zeros(2)}, other)
