"""Run by the Python of either environment: everything a back end gives for one set of weights.

python probe.py make META.json VOCABULARY.txt WEIGHTS.npz        random weights of LAVIS' own model
python probe.py lavis|transformers WEIGHTS.npz VOCABULARY.txt SIDE OUT.npz
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch

from pnp_ovss import BlipBackbone, ITMBackbone, PnPOVSS, PnPOVSSConfig, prepare_image, write_captions
from pnp_ovss.lavis import LavisSizes, build_lavis, load_lavis
from pnp_ovss.lavis_keys import load_lavis_state

SIGNAL = 3.0  # LAVIS' initial weights are so small that nothing would be seen of the picture


def sizes(meta: Mapping[str, int], side: int) -> LavisSizes:
    return LavisSizes(
        image_side=side,
        patch=meta["patch"],
        vision_width=meta["vision_width"],
        vision_depth=meta["vision_depth"],
        vision_heads=meta["vision_heads"],
        text_width=meta["text_width"],
        text_inner=meta["text_inter"],
        text_layers=meta["text_layers"],
        text_heads=meta["text_heads"],
        positions=meta["max_pos"],
        vocabulary=meta["vocab_size"],
        embedding=meta["embed_dim"],
    )


def tokenizer(vocabulary: str) -> Any:
    import transformers
    from transformers import BertTokenizer

    name = "vocab" if int(transformers.__version__.partition(".")[0]) >= 5 else "vocab_file"
    return BertTokenizer(**{name: vocabulary})


def transformers_backbone(state: dict[str, Any], meta: Mapping[str, int], words: Any) -> BlipBackbone:
    from transformers import BlipConfig, BlipForImageTextRetrieval

    text = {
        "vocab_size": meta["vocab_size"],
        "hidden_size": meta["text_width"],
        "intermediate_size": meta["text_inter"],
        "num_hidden_layers": meta["text_layers"],
        "num_attention_heads": meta["text_heads"],
        "max_position_embeddings": meta["max_pos"],
    }
    vision = {
        "hidden_size": meta["vision_width"],
        "intermediate_size": 4 * meta["vision_width"],
        "num_hidden_layers": meta["vision_depth"],
        "num_attention_heads": meta["vision_heads"],
        "image_size": meta["image_size"],
        "patch_size": meta["patch"],
        "layer_norm_eps": 1e-6,
    }
    config = BlipConfig(text_config=text, vision_config=vision, image_text_hidden_size=meta["embed_dim"])
    model = BlipForImageTextRetrieval(config).eval().requires_grad_(False)
    load_lavis_state(model, state)
    return BlipBackbone(model, words)


def read(path: str) -> tuple[dict[str, torch.Tensor], dict[str, int]]:
    with np.load(path) as content:
        meta = json.loads(str(content["meta"]))
        names = [name for name in content.files if name != "meta"]
        return {name: torch.from_numpy(content[name]).float() for name in names}, meta


def texts(vocabulary: str) -> list[str]:
    """Three words of the vocabulary, two of them in one text, and a word of two pieces."""
    lines = Path(vocabulary).read_text(encoding="utf-8").split()
    words = [word for word in lines if word.isalpha() and len(word) > 3]
    ending = next(piece for piece in lines if piece.startswith("##"))
    return [words[0], f"{words[1]} {words[2]}", words[3], words[4] + ending[2:]]


def picture() -> np.ndarray:
    """Blocks of colour with noise, ``(70, 110, 3)`` uint8."""
    draw = np.random.default_rng(5)
    blocks = draw.integers(0, 255, (7, 11, 3)).repeat(10, 0).repeat(10, 1)
    return (blocks + draw.integers(-20, 20, blocks.shape)).clip(0, 255).astype(np.uint8)


def look(backbone: ITMBackbone, words: list[str], side: int) -> dict[str, np.ndarray]:
    """Image tokens, and for every layer the attention, its gradient and the match logit."""
    (caption,) = write_captions(backbone, words)
    ids = torch.tensor([caption.ids])
    states = backbone.encode(prepare_image(picture(), side, backbone.mean, backbone.std))
    found = {"ids": ids.numpy(), "image_tokens": states[0].numpy()}
    for layer in range(backbone.layers):
        with torch.enable_grad():
            attention, logit = backbone.attention_and_logit(states, ids, layer)
            (gradient,) = torch.autograd.grad(logit.sum(), attention)
        found[f"attention_{layer}"] = attention.detach().numpy()
        found[f"gradient_{layer}"] = gradient.numpy()
        found[f"logit_{layer}"] = logit.detach().numpy()
    return found


def segment(backbone: ITMBackbone, words: list[str], side: int) -> dict[str, np.ndarray]:
    """The whole method without the dense CRF, as published and with the mended defaults."""
    layer, head = 1, backbone.heads - 3
    common = {"image_side": side, "layer": layer, "head": head, "drop_count": 2, "postprocess": "blur"}
    found = {}
    for name, config in (("mended", PnPOVSSConfig()), ("published", PnPOVSSConfig.published())):
        result = PnPOVSS(backbone, config.replace(**common)).segment(picture(), [[text] for text in words])
        for part in ("scores", "index_map", "class_maps", "rounds", "dropped", "match_logits"):
            found[f"{name}_{part}"] = getattr(result, part)
    return found


def make(meta_file: str, vocabulary: str, target: str) -> None:
    meta = json.loads(Path(meta_file).read_text(encoding="utf-8"))
    torch.manual_seed(11)
    state = build_lavis(tokenizer(vocabulary), sizes(meta, meta["image_size"])).state_dict()
    arrays = {
        name: (value * (SIGNAL if value.ndim > 1 else 1)).numpy()
        for name, value in state.items()
        if not name.endswith("position_ids")
    }
    np.savez(target, meta=json.dumps(meta), **arrays)


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    if arguments[0] == "make":
        make(*arguments[1:])
        return
    backend, weights, vocabulary, side, target = arguments
    state, meta = read(weights)
    pieces, words = tokenizer(vocabulary), texts(vocabulary)
    if backend == "lavis":
        backbone: ITMBackbone = load_lavis(state, pieces, sizes(meta, int(side)))
    else:
        backbone = transformers_backbone(state, meta, pieces)
    np.savez(target, **look(backbone, words, int(side)), **segment(backbone, words, int(side)))


if __name__ == "__main__":
    main(sys.argv[1:])
