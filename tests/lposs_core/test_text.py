"""Text vectors against the stock ``encode_text``; prototypes against their definition."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
import torch.nn.functional as F
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP
from torch import Tensor, nn

from lposs_core.checkpoint import digest_state
from lposs_core.maskclip import OpenCLIPEncoder
from lposs_core.templates import OPENAI_IMAGENET_TEMPLATES
from lposs_core.text import text_prototypes
from lposs_core.text_tower import StockTextTower, TextTower, read_text_tower

VISION = CLIPVisionCfg(layers=1, width=32, head_width=32, patch_size=16, image_size=32)
TOKENIZER = open_clip.SimpleTokenizer()
TEXTS = ("sky", "a photo of a crumbling cornice.", "кирпичная стена", "spalling " * 100)


def build(kind: type[nn.Module] = CLIP, quick_gelu: bool = False, **options: Any) -> Any:
    text = CLIPTextCfg(width=48, heads=4, layers=3, **options)
    model = kind(24, VISION, text, quick_gelu=quick_gelu).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def stock(model: Any, texts: Sequence[str] = TEXTS) -> Tensor:
    with torch.no_grad():
        return F.normalize(model.encode_text(TOKENIZER(list(texts))), dim=-1)


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1], TEXTS[1:3]])
@pytest.mark.parametrize(
    "options",
    [{}, {"quick_gelu": True}, {"ls_init_value": 0.4}, {"proj_bias": True}, {"proj_type": "none"}],
)
def test_clip_text_equals_the_stock_forward(options: dict[str, Any], texts: Sequence[str]) -> None:
    model = build(**options)
    vectors = OpenCLIPEncoder(model, TOKENIZER).encode_texts(texts)
    torch.testing.assert_close(vectors, stock(model, texts), atol=1e-5, rtol=0)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(len(texts)))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pool_type": "eos", "eos_id": TOKENIZER.eot_token_id},
        {"pool_type": "first"},
        {"pool_type": "last"},
        {"no_causal_mask": True},
        {"no_causal_mask": True, "pool_type": "last"},
    ],
)
def test_custom_text_clip_equals_the_stock_forward(options: dict[str, Any]) -> None:
    model = build(CustomTextCLIP, **options)
    encoder = OpenCLIPEncoder(model, TOKENIZER)
    assert isinstance(read_text_tower(model, torch.float32), TextTower)
    torch.testing.assert_close(encoder.encode_texts(TEXTS), stock(model), atol=1e-5, rtol=0)


@pytest.mark.parametrize("options", [{"embed_cls": True}, {"no_causal_mask": True}])
def test_towers_not_described_fall_back_to_the_stock_forward(options: dict[str, Any]) -> None:
    model = build(CustomTextCLIP, **options)
    model.text.use_pad_mask = "no_causal_mask" in options  # no open_clip configuration sets it
    assert isinstance(read_text_tower(model, torch.float32), StockTextTower)
    expected = stock(model)
    torch.testing.assert_close(OpenCLIPEncoder(model, TOKENIZER).encode_texts(TEXTS), expected)


def test_a_fallback_tower_in_training_mode_is_refused() -> None:
    encoder = OpenCLIPEncoder(build(CustomTextCLIP, embed_cls=True).train(), TOKENIZER)
    with pytest.raises(ValueError, match=r"call model\.eval\(\) first"):
        encoder.encode_texts(["sky"])


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny XLM-R with a word-level tokenizer, written to disk as the hub would hold them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig

    folder = tmp_path_factory.mktemp("roberta")
    words = ["<s>", "<pad>", "</s>", "<unk>", "sky", "brick", "wall", "небо"]
    table = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    table.pre_tokenizer = pre_tokenizers.Whitespace()
    table.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=table, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)
    XLMRobertaConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=40,
    ).save_pretrained(folder)
    return folder


def test_a_hugging_face_text_tower_works(roberta: Path) -> None:
    text = CLIPTextCfg(
        context_length=12,
        hf_model_name=str(roberta),
        hf_model_pretrained=False,
        hf_tokenizer_name=str(roberta),
    )
    model = CustomTextCLIP(24, VISION, text).eval()
    tokenizer = open_clip.tokenizer.HFTokenizer(str(roberta), context_length=12)
    encoder = OpenCLIPEncoder(model, tokenizer)
    texts = ["brick wall", "небо"]
    with torch.no_grad():
        expected = F.normalize(model.encode_text(tokenizer(texts)), dim=-1)
    torch.testing.assert_close(encoder.encode_texts(texts), expected)
    assert encoder.count_tokens("brick wall") == 4
    assert encoder.count_tokens("wall " * 30) == 32


def test_a_short_batch_runs_only_up_to_its_longest_end_token() -> None:
    tower = read_text_tower(build(), torch.float32)
    assert isinstance(tower, TextTower)
    short = dataclasses.replace(tower, positions=tower.positions[:7])  # 7 positions suffice for 5 words
    ids = TOKENIZER(["a photo of a window", "sky"])
    assert int(ids.argmax(-1).max()) == 6
    assert torch.equal(short(ids), tower(ids))


def test_many_texts_give_what_each_gives_alone() -> None:
    encoder = OpenCLIPEncoder(build(), TOKENIZER)
    texts = [f"window {number}" for number in range(300)]
    singly = torch.cat([encoder.encode_texts([text]) for text in texts[250:262]])
    torch.testing.assert_close(encoder.encode_texts(texts)[250:262], singly, atol=1e-6, rtol=0)


def test_bf16_keeps_the_directions() -> None:
    model = build()
    exact = OpenCLIPEncoder(model, TOKENIZER).encode_texts(TEXTS)
    coarse = OpenCLIPEncoder(model, TOKENIZER, precision="bf16").encode_texts(TEXTS)
    assert coarse.dtype == torch.float32
    assert 0.999 <= (exact * coarse).sum(-1).min() < 1 - 1e-7


def test_the_text_tower_is_left_as_it_was() -> None:
    model = build(CustomTextCLIP).train()
    before = digest_state(model.state_dict())
    OpenCLIPEncoder(model, TOKENIZER).encode_texts(TEXTS)
    assert digest_state(model.state_dict()) == before
    assert all(module.training and not module._forward_hooks for module in model.modules())


def test_tokens_are_counted_before_the_cut() -> None:
    encoder = OpenCLIPEncoder(build(context_length=20), TOKENIZER)
    assert encoder.context_length == 20
    assert encoder.count_tokens("sky") == 3
    assert encoder.count_tokens("sky " * 50) == 52
    assert encoder.token_ids(["sky " * 50]).shape == (1, 20)
    assert encoder.count_tokens("кирпичная стена") == int((TOKENIZER("кирпичная стена") != 0).sum())


def test_a_foreign_tokenizer_is_refused() -> None:
    encoder = OpenCLIPEncoder(build(vocab_size=600), TOKENIZER)
    with pytest.raises(ValueError, match=r"token id 49407 is outside the 600 tokens.*belongs to the model"):
        encoder.encode_texts(["sky"])


@pytest.mark.parametrize("texts", [[], "sky"])
def test_texts_must_be_a_list_with_something_in_it(texts: Any) -> None:
    with pytest.raises(ValueError, match="list with at least one text"):
        OpenCLIPEncoder(build(), TOKENIZER).encode_texts(texts)


class CompassEncoder:
    """Texts that end in E point east, others north."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        self.calls.append(list(texts))
        return torch.tensor([[1.0, 0.0] if text.endswith("E") else [0.0, 1.0] for text in texts])


def test_a_prototype_is_the_normalised_mean_over_the_templates() -> None:
    prototypes = text_prototypes(CompassEncoder(), ["N", "E"], ["{}", "to the {}", "{} wind"])
    # E: two templates end in E, the third does not: mean (2/3, 1/3), length sqrt(5)/3
    torch.testing.assert_close(prototypes, torch.tensor([[0.0, 1.0], [2 / 5**0.5, 1 / 5**0.5]]))


def test_each_text_is_encoded_in_a_batch_of_its_own() -> None:
    encoder = CompassEncoder()
    text_prototypes(encoder, ["bed ", "Wall"], ["a {}.", "{}"])
    assert encoder.calls == [["a bed .", "bed "], ["a Wall.", "Wall"]]


def test_a_prototype_is_the_same_to_the_last_bit_whatever_stands_beside_it() -> None:
    encoder = OpenCLIPEncoder(build(), TOKENIZER)
    templates = OPENAI_IMAGENET_TEMPLATES[:20]
    together = text_prototypes(encoder, ["окно", "a very long name of a thing"], templates)
    assert torch.equal(together[:1], text_prototypes(encoder, ["окно"], templates))


def test_prototypes_refuse_empty_lists_and_a_bare_text() -> None:
    with pytest.raises(ValueError, match="at least one text and one template, got 0 and 1"):
        text_prototypes(CompassEncoder(), [], ["{}"])
    with pytest.raises(ValueError, match="got 1 and 0"):
        text_prototypes(CompassEncoder(), ["sky"], [])
    with pytest.raises(TypeError, match="put it in a list"):
        text_prototypes(CompassEncoder(), "sky", ["{}"])
