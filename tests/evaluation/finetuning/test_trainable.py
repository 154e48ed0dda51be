"""Which parameters move: exactly those that the settings name, in a checkpoint of one architecture."""

from __future__ import annotations

from typing import Any

import open_clip
import pytest
import torch
import torch.nn.functional as F
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from torch import Tensor

from evaluation.finetuning import FineTuneError, FineTuneSettings
from evaluation.finetuning.deltas import changed_names
from evaluation.finetuning.network import DenseClassifier, segmentation_loss
from evaluation.finetuning.trainable import find_layers, open_for_training, plain_values, trained_parameters
from lposs_core import OpenCLIPEncoder
from lposs_core.maskclip import OPENAI_MEAN, OPENAI_STD
from tiny_vlm import configs

TEXT = CLIPTextCfg(context_length=20, vocab_size=49408, width=32, heads=2, layers=1)
NATIVE, TINY = "visual.transformer.resblocks", "visual.trunk.blocks"


def native() -> tuple[Any, int]:
    torch.manual_seed(0)
    vision = CLIPVisionCfg(layers=3, width=64, head_width=32, patch_size=16, image_size=64)
    return CLIP(24, vision, TEXT).eval(), 24


def tiny() -> tuple[Any, int]:
    torch.manual_seed(0)
    return configs.build_dual_encoder(), configs.EMBED_DIM


ARCHITECTURES = {"open_clip": native, "timm": tiny}


def classifier_of(model: Any, width: int, classes: int = 3) -> DenseClassifier:
    texts = F.normalize(torch.randn(classes, width, generator=torch.Generator().manual_seed(1)), dim=1)
    return DenseClassifier(model, [row[None] for row in texts], OPENAI_MEAN, OPENAI_STD, temperature=100.0)


def train(model: Any, width: int, settings: FineTuneSettings, steps: int = 3) -> list[str]:
    """Updates on noise, all labelled; gives the names that may move."""
    classifier = classifier_of(model, width)
    names = open_for_training(model, settings)
    optimiser = torch.optim.AdamW(trained_parameters(model).values(), lr=1e-2, weight_decay=0.0)
    for _ in range(steps):
        loss = segmentation_loss(
            classifier(torch.rand(2, 3, 64, 64)), torch.randint(0, 3, (2, 64, 64)), torch.ones(3)
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return names


def state_after(model: Any, names: list[str], before: dict[str, Tensor]) -> dict[str, Tensor]:
    return before | plain_values(model, names)


def copied(model: Any) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("build", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_logits_are_those_of_segmentation(build: Any) -> None:
    model, width = build()
    classifier, crops = classifier_of(model, width), torch.rand(2, 3, 64, 96)
    tokenizer = open_clip.SimpleTokenizer(context_length=20)
    encoder = OpenCLIPEncoder(model, tokenizer, mean=OPENAI_MEAN, std=OPENAI_STD)
    with torch.no_grad():
        expected = 100 * encoder.features(crops) @ classifier._prototypes.T
        torch.testing.assert_close(classifier(crops), expected.permute(0, 3, 1, 2), atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (FineTuneSettings(tune=("head",)), ["visual.proj"]),
        (
            FineTuneSettings(tune=("lora",), lora_blocks=(1,)),
            [f"{NATIVE}.1.{name}" for name in (
                "attn.in_proj_weight", "attn.out_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight"
            )],
        ),
    ],
    ids=["head", "lora"],
)  # fmt: skip
def test_exactly_the_claimed_parameters_of_open_clip_move(
    settings: FineTuneSettings, expected: list[str]
) -> None:
    model, width = native()
    before = copied(model)
    names = train(model, width, settings)
    assert sorted(names) == sorted(expected)
    assert sorted(changed_names(before, state_after(model, names, before))) == sorted(expected)


def test_the_last_blocks_move_but_for_what_no_gradient_reaches() -> None:
    model, width = native()
    before = copied(model)
    names = train(model, width, FineTuneSettings(tune=("blocks",), blocks=1))
    after = state_after(model, names, before)
    parts = ("ln_1", "ln_2", "attn", "mlp")
    block = [name for name in before if name.startswith(tuple(f"{NATIVE}.2.{part}." for part in parts))]
    assert sorted(changed_names(before, after)) == sorted(
        [*block, "visual.ln_post.weight", "visual.ln_post.bias"]
    )
    for kind in (
        "weight",
        "bias",
    ):  # the last block is read by its values: queries and keys stay, bit for bit
        key = f"{NATIVE}.2.attn.in_proj_{kind}"
        assert torch.equal(before[key][:128], after[key][:128])
        assert not torch.equal(before[key][128:], after[key][128:])


@pytest.mark.parametrize(
    ("settings", "prefixes"),
    [
        (FineTuneSettings(tune=("head",)), ("visual.head.",)),
        (FineTuneSettings(tune=("blocks",), blocks=2), (f"{TINY}.4.", f"{TINY}.5.", "visual.trunk.norm.")),
        (FineTuneSettings(tune=("head", "lora"), lora_blocks=(-1,)), ("visual.head.", f"{TINY}.5.")),
    ],
    ids=["head", "blocks", "head and lora"],
)  # fmt: skip
def test_only_the_claimed_parts_of_the_bundled_model_move(
    settings: FineTuneSettings, prefixes: tuple[str, ...]
) -> None:
    model, width = tiny()
    before = copied(model)
    names = train(model, width, settings)
    changed = changed_names(before, state_after(model, names, before))
    assert set(changed) == set(names)
    assert all(name.startswith(prefixes) for name in changed)
    for prefix in prefixes:
        assert any(name.startswith(prefix) for name in changed)


def test_merged_low_rank_changes_are_the_same_function_of_low_rank() -> None:
    model, width = native()
    before = copied(model)
    names = train(model, width, FineTuneSettings(tune=("lora",), lora_blocks=(0, 2), rank=2, alpha=4.0))
    after = state_after(model, names, before)
    for name in names:
        assert int(torch.linalg.matrix_rank((after[name] - before[name]).double(), rtol=1e-4)) == 2
    crops = torch.rand(1, 3, 64, 64)
    plain, _ = native()
    plain.load_state_dict(after, strict=True)
    with torch.no_grad():
        torch.testing.assert_close(
            classifier_of(plain, width)(crops), classifier_of(model, width)(crops), atol=1e-3, rtol=1e-4
        )


def test_a_low_rank_start_is_the_base_itself() -> None:
    model, _ = native()
    before = copied(model)
    names = open_for_training(model, FineTuneSettings(tune=("lora",)))
    assert all(torch.equal(before[name], value) for name, value in plain_values(model, names).items())


def test_prototypes_are_no_part_of_what_is_trained_or_stored() -> None:
    model, width = native()
    keys = set(model.state_dict())
    classifier = classifier_of(model, width)
    open_for_training(model, FineTuneSettings(tune=("head",)))
    assert {name.removeprefix("model.") for name in classifier.state_dict()} == keys
    assert not classifier._prototypes.requires_grad
    assert not any(name.startswith(("transformer", "token_embedding")) for name in trained_parameters(model))


def test_loss_is_the_weighted_mean_worked_out_by_hand() -> None:
    # One patch, two classes, logits 0 and log 3: probabilities 1/4 and 3/4. Pixels: class 0, 1, 1, ignored.
    logits = torch.tensor([0.0, 3.0]).log1p().view(1, 2, 1, 1)  # log 1 = 0, log 4
    masks = torch.tensor([[[0, 1], [1, 255]]])
    weights = torch.tensor([3.0, 1.0])
    losses = [torch.log(torch.tensor(5.0)), torch.log(torch.tensor(5.0 / 4))]
    expected = (3 * losses[0] + 2 * losses[1]) / 5
    torch.testing.assert_close(segmentation_loss(logits, masks, weights), expected)
    assert float(segmentation_loss(logits, torch.full((1, 2, 2), 255), weights)) == 0


def test_a_class_takes_the_best_of_its_prototypes() -> None:
    model, width = native()
    texts = F.normalize(torch.randn(3, width), dim=1)
    grouped = DenseClassifier(model, [texts[:2], texts[2:]], OPENAI_MEAN, OPENAI_STD, temperature=100.0)
    single = DenseClassifier(
        model, [text[None] for text in texts], OPENAI_MEAN, OPENAI_STD, temperature=100.0
    )
    crops = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        one = single(crops)
        torch.testing.assert_close(grouped(crops), torch.stack([one[:, :2].amax(1), one[:, 2]], 1))


def test_layers_of_both_architectures_are_found() -> None:
    assert find_layers(native()[0]).blocks == tuple(f"{NATIVE}.{index}" for index in range(3))
    assert len(find_layers(tiny()[0]).blocks) == 6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tune": ("blocks",), "blocks": 9}, "has 3 blocks"),
        ({"tune": ("lora",), "lora_blocks": (7,)}, "indices from 0 to 2"),
        ({"tune": ("lora", "blocks"), "blocks": 2, "lora_blocks": (-1,)}, "Name earlier ones"),
    ],
)
def test_parts_that_do_not_exist_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(FineTuneError, match=words):
        open_for_training(native()[0], FineTuneSettings(**settings))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tune": ()}, "tune must name"),
        ({"tune": ("neck",)}, "tune must name"),
        ({"rank": 0}, "rank must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"weight_cap": 0.5}, "weight_cap"),
    ],
)
def test_settings_without_meaning_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(FineTuneError, match=words):
        FineTuneSettings(**settings)
