"""Layouts of fine-tuning tools: adapters against their formula, heads and prefixes against the plain net."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lposs_core.checkpoint import CheckpointFileError
from lposs_core.checkpoint_layout import LayoutError, equal_first_blocks, find_part, plain_layout
from lposs_core.checkpoint_torch import load_torch_state


def clip_state() -> dict[str, Tensor]:
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    vision = CLIPVisionCfg(layers=4, width=8, head_width=8, patch_size=16, image_size=32)
    model = CLIP(6, vision, CLIPTextCfg(width=32, heads=2, layers=1, vocab_size=20, context_length=8))
    return dict(model.state_dict())


def test_a_plain_state_stays_as_it_is():
    state = clip_state()
    layout = plain_layout(state)
    assert layout.state.keys() == state.keys()
    assert (layout.dropped, layout.merged, layout.head) == ((), (), "")


def test_wrappers_are_taken_off_and_text_vectors_dropped():
    state = {f"module.base_model.{key}": value for key, value in clip_state().items()}
    state["module.base_model.class_embeddings"] = torch.ones(3, 6)
    layout = plain_layout(state)
    assert layout.dropped == ("class_embeddings",)
    assert layout.state.keys() == clip_state().keys()


@pytest.mark.parametrize("key", ["mixers.0.weight", "embedding_mixer.fc1.weight"])
def test_an_embedding_mixer_is_refused_by_name(key: str):
    state = {f"base_model.{name}": value for name, value in clip_state().items()} | {key: torch.ones(2, 2)}
    with pytest.raises(LayoutError, match=rf"embedding mixer \({key}\)"):
        plain_layout(state)


@pytest.mark.parametrize(
    ("base", "down", "up"),
    [
        ("base_layer.weight", "lora_A.default.weight", "lora_B.default.weight"),
        ("weight", "lora_A", "lora_B"),
        ("linear.weight", "lora_down.weight", "lora_up.weight"),
    ],
)
def test_an_adapter_is_merged_as_its_forward_computes_it(base: str, down: str, up: str):
    layer = nn.Linear(5, 7)
    a, b = torch.randn(2, 5), torch.randn(7, 2)
    bias = base.replace("weight", "bias")
    state = {
        f"x.{base}": layer.weight.detach(),
        f"x.{bias}": layer.bias.detach(),
        f"x.{down}": a,
        f"x.{up}": b,
    }
    layout = plain_layout(state, lora_alpha=8)
    x = torch.randn(3, 5)
    wanted = layer(x) + (8 / 2) * (x @ a.T) @ b.T
    found = nn.functional.linear(x, layout.state["x.weight"], layout.state["x.bias"])
    torch.testing.assert_close(found, wanted)
    assert layout.merged == ("x",)
    assert set(layout.state) == {"x.weight", "x.bias"}


def test_an_adapter_of_a_convolution_and_an_alpha_in_the_file():
    weight, a, b = torch.randn(6, 4, 1, 1), torch.randn(2, 4, 1, 1), torch.randn(6, 2, 1, 1)
    state = {"p.weight": weight, "p.lora_A": a, "p.lora_B": b, "p.lora_alpha": torch.tensor(3.0)}
    found = plain_layout(state).state["p.weight"]
    torch.testing.assert_close(found, weight + 1.5 * (b[:, :, 0, 0] @ a[:, :, 0, 0])[:, :, None, None])


def test_an_adapter_without_alpha_half_or_fitting_shape_is_refused():
    whole = {"p.weight": torch.ones(4, 3), "p.lora_A": torch.ones(2, 3), "p.lora_B": torch.ones(4, 2)}
    with pytest.raises(LayoutError, match="Pass --lora-alpha"):
        plain_layout(whole)
    with pytest.raises(LayoutError, match="lacks a half"):
        plain_layout({key: whole[key] for key in ("p.weight", "p.lora_A")}, lora_alpha=1)
    with pytest.raises(LayoutError, match=r"shapes \(4, 3\) and \(2, 3\)"):
        plain_layout(whole | {"p.lora_B": torch.ones(4, 3)}, lora_alpha=1)


def test_a_trained_head_takes_the_place_of_the_projection():
    state = clip_state()
    head = torch.randn(6, 8, 1, 1)
    layout = plain_layout(state | {"decode_head.proj.weight": head, "decode_head.proj.bias": torch.zeros(6)})
    x = torch.randn(2, 8, 3, 3)
    by_head = nn.functional.conv2d(x, head)
    by_projection = (x.permute(0, 2, 3, 1) @ layout.state["visual.proj"]).permute(0, 3, 1, 2)
    torch.testing.assert_close(by_projection, by_head)
    assert layout.state.keys() == state.keys()
    with pytest.raises(LayoutError, match="no bias"):
        plain_layout({"decode_head.proj.weight": head, "decode_head.proj.bias": torch.ones(6)})


def test_a_network_is_found_inside_a_family():
    clip = clip_state()
    dino = {
        "cls_token": torch.ones(1, 1, 4),
        "norm.weight": torch.ones(4),
        "blocks.0.norm1.weight": torch.ones(4),
    }
    state = {f"clip_backbone.{key}": value for key, value in clip.items()}
    state |= {f"vit.{key}": value for key, value in dino.items()} | {"other": torch.ones(1)}
    dual = find_part(state, clip)
    assert (dual.prefix, dual.state.keys()) == ("clip_backbone.", clip.keys())
    vision = find_part(dual.rest, dino)
    assert (vision.prefix, vision.state.keys(), set(vision.rest)) == ("vit.", dino.keys(), {"other"})


def test_a_network_that_stands_twice_must_be_the_same():
    clip = clip_state()
    twice = {f"{prefix}.{key}": value for prefix in ("a", "b") for key, value in clip.items()}
    assert find_part(twice, clip).rest == {}
    with pytest.raises(LayoutError, match=r"twice, under 'a\.' and 'b\.'"):
        find_part(twice | {"b.visual.proj": torch.zeros(8, 6)}, clip)


def test_equal_first_blocks_are_counted():
    base = clip_state()
    name = "visual.transformer.resblocks.{}.mlp.c_fc.weight"
    tuned = base | {name.format(index): base[name.format(index)] + 1 for index in (2, 3)}
    assert equal_first_blocks(base, base) == 4
    assert equal_first_blocks(tuned | {"visual.proj": base["visual.proj"] + 1}, base) == 2
    assert equal_first_blocks(base | {"visual.ln_pre.weight": torch.zeros(8)}, base) == 0
    assert equal_first_blocks(base, {}) == 0


def test_a_training_file_gives_its_weights_and_names_what_lies_beside(tmp_path: Path):
    path = tmp_path / "epoch_007.pth"
    counters = OrderedDict(weight=torch.ones(2), num_batches_tracked=torch.tensor(3))
    torch.save({"epoch": 7, "model_state": counters, "optim_state": {"lr": 0.1}}, path)
    found = load_torch_state(path)
    assert found.beside == ("epoch", "optim_state")
    assert torch.equal(found.state["weight"], torch.ones(2))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ([torch.ones(2)], "corrupt"),
        ({"w": torch.ones(2).long()}, "dtype"),
        ({"w": torch.tensor([float("inf")])}, "nan"),
        ({"w": torch.ones(1).expand(10**9)}, "too_large"),
        ({"w": Path("x")}, "unsafe"),
    ],
)
def test_what_is_no_plain_state_dict_is_refused(tmp_path: Path, payload: object, reason: str):
    torch.save(payload, tmp_path / "x.pt")
    with pytest.raises(CheckpointFileError) as refusal:
        load_torch_state(tmp_path / "x.pt")
    assert refusal.value.reason == reason
