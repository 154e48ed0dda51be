"""The hub's rows of the catalogue: names that open_clip and timm know, and networks of true size."""

from __future__ import annotations

import json
from dataclasses import replace

import open_clip
import pytest
import timm
import torch

from pipelines import build_registry, list_models
from pipelines.add_checkpoint import empty_network
from pipelines.hub_catalogue import build_catalogue
from pipelines.hub_networks import NoRandomValues, open_clip_network, open_clip_pixels, open_clip_tokenizer

HUB_ROWS = [spec.id for spec in build_catalogue().values() if spec.source == "hub"]


@pytest.fixture(scope="module")
def rows():
    return build_catalogue()


@pytest.fixture
def with_tokenizer(tmp_path):
    """Put a small tokenizer and XLM-R's configuration where a part's hub files would lie."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import XLMRobertaConfig

    letters = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3} | {c: 4 + i for i, c in enumerate("трещинаcrk ")}
    tokenizer = Tokenizer(models.WordLevel(letters, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "unk_token": "<unk>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(names), encoding="utf-8")
    XLMRobertaConfig(vocab_size=250002, max_position_embeddings=514, type_vocab_size=1).save_pretrained(
        tmp_path
    )

    def place(part):
        hub = [replace(item, path=tmp_path / item.name) for item in part.hub]
        return replace(part, hub=tuple(hub))

    return place


@pytest.mark.parametrize("identifier", HUB_ROWS)
def test_repositories_are_those_that_open_clip_and_timm_name(rows, identifier):
    clip, patches = (rows[identifier].parts[role] for role in ("clip", "patches"))
    known = open_clip.get_pretrained_cfg(clip.options["model"], clip.options["tag"])
    assert known["hf_hub"] == f"{clip.hub[0].repo}/"
    assert timm.get_pretrained_cfg(patches.options["model"]).hf_hub_id == patches.hub[0].repo
    text = open_clip.get_model_config(clip.options["model"])["text_cfg"]
    tokenizers = {item.repo for item in clip.hub if item.name == "tokenizer.json"}
    wanted = text.get("hf_tokenizer_name")
    assert tokenizers == (
        {"FacebookAI/xlm-roberta-base"} if wanted == "xlm-roberta-base" else {wanted} - {None}
    )
    assert open_clip_pixels(clip)["mean"] == tuple(known["mean"])


@pytest.mark.parametrize("identifier", HUB_ROWS)
def test_sizes_are_those_of_the_true_architectures(rows, identifier, with_tokenizer):
    for part in rows[identifier].parts.values():
        part = with_tokenizer(part)
        network = empty_network(rows[identifier], part)
        values = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
        assert part.memory_mib * 2**20 == pytest.approx(values, rel=0.005)
        weights = sum(tensor.nbytes for tensor in network.state_dict().values())
        assert part.hub[0].megabytes * 10**6 == pytest.approx(weights, rel=0.005)


def test_quick_gelu_belongs_to_the_weights_of_openai(rows):
    blocks = {
        name: empty_network(rows[name], rows[name].parts["clip"]).visual.transformer.resblocks[0].mlp.gelu
        for name in ("openclip-vitb16-laion2b", "maskclip-vitb16-openai")
    }
    kinds = {name: type(module).__name__ for name, module in blocks.items()}
    assert kinds == {"openclip-vitb16-laion2b": "GELU", "maskclip-vitb16-openai": "QuickGELU"}


def test_tokenizers_keep_russian_letters_and_the_trained_length(rows, with_tokenizer):
    for identifier, length in (("siglip2-vitb16-webli", 64), ("xlmr-vitb32-laion5b", 77)):
        part = with_tokenizer(rows[identifier].parts["clip"])
        ids = open_clip_tokenizer(rows[identifier], part)(["трещина"])
        assert ids.shape == (1, length)
        assert ids[0, :7].tolist() == [4 + "трещинаcrk ".index(letter) for letter in "трещина"]


def test_constants_are_filled_in_though_nothing_random_is_drawn():
    with NoRandomValues():
        tower = open_clip.model.CLIP(8, {"layers": 1, "width": 8, "head_width": 8}, {"layers": 1})
        layer = torch.nn.LayerNorm(4)
    assert torch.equal(tower.attn_mask, torch.full((77, 77), float("-inf")).triu(1))
    assert torch.equal(layer.weight, torch.ones(4))


def test_rows_say_where_they_come_from_and_what_they_take(rows):
    listed = {row["id"]: row for row in list_models(build_registry(device="cpu"))}
    assert len(HUB_ROWS) >= 5
    for identifier in HUB_ROWS:
        row = listed[identifier]
        assert (row["available"], row["sha256"], row["source"]) == (False, "", "hub")
        assert row["megabytes"] > 900
        assert "More models" in row["reason"]["en"]
        assert "Другие модели" in row["reason"]["ru"]
        assert row["licence"]
    multilingual = [
        row["id"] for row in listed.values() if "ru" in row["languages"] and row["source"] == "hub"
    ]
    assert len(multilingual) >= 3


def test_a_text_tower_of_transformers_asks_for_the_package(rows, with_tokenizer, monkeypatch):
    from pipelines import PipelineUnavailable, hub_networks

    monkeypatch.setattr(hub_networks, "find_spec", lambda name: None)
    spec = rows["xlmr-vitb32-laion5b"]
    with pytest.raises(PipelineUnavailable, match="pip install transformers"):
        open_clip_network(spec, with_tokenizer(spec.parts["clip"]))


def test_every_row_of_the_catalogue_stands_in_the_documentation(repository):
    page = (repository / "docs" / "models.md").read_text(encoding="utf-8")
    for identifier, spec in build_catalogue(repository / "assets" / "catalogue.yaml").items():
        if spec.source == "local":
            continue
        line = next(line for line in page.splitlines() if line.startswith(f"| `{identifier}`"))
        assert spec.licence in line, identifier
        held, peak = (int(cell.replace(",", "")) for cell in line.split("|")[-3:-1])
        assert peak > held > 0, identifier
        if spec.source == "hub":
            size = sum(file.megabytes for part in spec.parts.values() for file in part.hub)
            assert f"{size:,}" in line, identifier
            assert held == sum(part.memory_mib for part in spec.parts.values()), identifier
