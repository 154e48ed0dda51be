"""Golden data of the published code, and small models with random weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pnp_ovss import BlipBackbone, BridgeTowerBackbone, load_lavis_state

Golden = Callable[[str], dict[str, Any]]


def _decoded(value: Any) -> Any:
    """Text as text, lists out of JSON, numbers as they are."""
    if value.ndim or value.dtype.kind != "U":
        return value
    text = str(value)
    return json.loads(text) if text[:1] in "[{" else text


@pytest.fixture(scope="session")
def golden_folder(shared: Path) -> Path:
    folder = shared / "golden" / "pnp_ovss"
    if not folder.exists():
        pytest.skip("golden data of PnP-OVSS are not beside the repository")
    return folder


@pytest.fixture(scope="session")
def golden(golden_folder: Path) -> Golden:
    """Read one golden file by the start of its name."""

    def read(start: str) -> dict[str, Any]:
        (file,) = golden_folder.glob(f"{start}_*.npz")
        with np.load(file, allow_pickle=False) as content:
            return {key: _decoded(content[key]) for key in content.files}

    return read


def tiny_blip(meta: dict[str, Any]) -> Any:
    """A transformers BLIP of the golden file's sizes, random weights."""
    from transformers import BlipConfig, BlipForImageTextRetrieval

    config = BlipConfig(
        text_config={
            "vocab_size": meta["vocab_size"],
            "hidden_size": meta["text_width"],
            "intermediate_size": meta["text_inter"],
            "num_hidden_layers": meta["text_layers"],
            "num_attention_heads": meta["text_heads"],
            "max_position_embeddings": meta["max_pos"],
            "layer_norm_eps": meta["text_ln_eps"],
        },
        vision_config={
            "hidden_size": meta["vision_width"],
            "intermediate_size": meta["vision_width"] * meta["vision_mlp_ratio"],
            "num_hidden_layers": meta["vision_depth"],
            "num_attention_heads": meta["vision_heads"],
            "image_size": meta["image_size"],
            "patch_size": meta["patch"],
            "layer_norm_eps": meta["vision_ln_eps"],
        },
        image_text_hidden_size=meta["embed_dim"],
    )
    return BlipForImageTextRetrieval(config).eval().requires_grad_(False)


def word_pieces(vocabulary: Path) -> Any:
    """The tokenizer of a word-piece list, as BLIP extends it."""
    from transformers import BertTokenizer

    tokenizer = BertTokenizer(vocab=str(vocabulary))
    tokenizer.add_special_tokens({"bos_token": "[DEC]", "additional_special_tokens": ["[ENC]"]})
    return tokenizer


@pytest.fixture(scope="session")
def golden_weights(golden: Golden) -> dict[str, Any]:
    """LAVIS-named weights, and ``meta``."""
    return golden("c0")


@pytest.fixture(scope="session")
def blip(golden_weights: dict[str, Any], golden_folder: Path) -> BlipBackbone:
    """The golden tiny BLIP."""
    weights = dict(golden_weights)
    model = tiny_blip(weights.pop("meta"))
    load_lavis_state(model, {key: torch.from_numpy(value).float() for key, value in weights.items()})
    return BlipBackbone(model, word_pieces(golden_folder / "tiny_vocab.txt"))


@pytest.fixture(scope="session")
def bridgetower(tmp_path_factory: pytest.TempPathFactory) -> BridgeTowerBackbone:
    """A BridgeTower of 3 cross-modal layers on towers of 4, random weights, byte pairs of single letters."""
    from transformers import BridgeTowerConfig, BridgeTowerForImageAndTextRetrieval

    torch.manual_seed(3)
    sizes = {"hidden_size": 64, "num_hidden_layers": 4}
    text = {
        "vocab_size": 300,
        "num_attention_heads": 4,
        "intermediate_size": 96,
        "max_position_embeddings": 66,
    }
    config = BridgeTowerConfig(
        hidden_size=64,
        num_attention_heads=4,
        num_hidden_layers=3,
        text_config=sizes | text,
        vision_config=sizes | {"image_size": 64, "patch_size": 16},
    )
    model = BridgeTowerForImageAndTextRetrieval(config).eval().requires_grad_(False)
    with torch.no_grad():  # the initial weights are so small that nothing would be seen of the picture
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(6)
    return BridgeTowerBackbone(model, byte_pairs())


def byte_pairs() -> Any:
    """RoBERTa's tokenizer with one token a byte and a few merges."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import RobertaTokenizer

    merges = [("Ġ", "w"), ("Ġw", "i"), ("Ġwi", "n"), ("a", "l"), ("al", "l"), ("Ġw", "all")]
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *sorted(ByteLevel.alphabet())]
    names += ["".join(pair) for pair in merges]
    return RobertaTokenizer(vocab={name: place for place, name in enumerate(names)}, merges=merges)
