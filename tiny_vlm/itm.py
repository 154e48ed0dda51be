"""The bundled image-text matching model: transformers' BLIP, small, on the image tower of the dual encoder.

The image tower is the dual encoder's without its last layer; the text encoder has three layers x 192 with
cross-attention, of which one head of the middle layer is taught to look at what a word names.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Any

from open_clip.model import CLIP
from timm.models.vision_transformer_hybrid import ConvStem
from torch import Tensor, nn

from tiny_vlm.vocabulary import phrases

LAYER, HEAD = 1, 0  # whose cross-attention is taught, and read by PnP-OVSS
WIDTH, HEADS = 192, 3  # of the image tower
IMAGE_LAYERS, TEXT_LAYERS = 5, 3
TEXT_HEADS = 2
POSITIONS = 512  # tokens of a caption
VOCABULARY_SIZE = 640  # rows of the word table; the last one is [ENC]
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ENDINGS = ("s", "es", "ed", "ing", "er", "y", "ly", "less", "ness", "work")
PUNCTUATION = "-'&/.,"
_STEM_CHANNELS = (24, 24, 48, 48, 96, 192)
_STEM_STRIDES = (2, 1, 2, 1, 2, 2)


class StemPatches(nn.Sequential):
    """The dual encoder's convolutional stem where BLIP has its patch embedding, whose dtype BLIP asks for."""

    @property
    def weight(self) -> Tensor:
        """Weights of the first convolution."""
        return self.get_parameter("0.conv.weight")


def build_itm() -> Any:
    """Build the matching model with random weights, in evaluation mode.

    Returns:
        A transformers ``BlipForImageTextRetrieval``; inputs as those of the dual encoder.
    """
    from transformers import BlipConfig, BlipForImageTextRetrieval

    text = {
        "vocab_size": VOCABULARY_SIZE,
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": TEXT_LAYERS,
        "num_attention_heads": TEXT_HEADS,
        "max_position_embeddings": POSITIONS,
        "bos_token_id": VOCABULARY_SIZE - 1,
        "sep_token_id": SPECIAL.index("[SEP]"),
    }
    vision = {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_hidden_layers": IMAGE_LAYERS,
        "num_attention_heads": HEADS,
        "image_size": 224,
        "patch_size": 16,
        "layer_norm_eps": 1e-6,
    }
    model = BlipForImageTextRetrieval(
        BlipConfig(text_config=text, vision_config=vision, image_text_hidden_size=16)
    )
    stem = ConvStem(depth=len(_STEM_CHANNELS), channels=_STEM_CHANNELS, stride=_STEM_STRIDES)
    model.vision_model.embeddings.patch_embedding = StemPatches(*stem)
    return model.eval()


def copy_image_tower(clip: CLIP, model: nn.Module) -> None:
    """Begin the image tower with the dual encoder's stem, positions and all layers but the last.

    The last layer's first normalisation follows, so words look at what MaskCLIP's values are made of.

    Args:
        clip: the bundled dual encoder.
        model: of :func:`build_itm`; its image tower is overwritten.
    """
    trunk = clip.visual.trunk
    weights = {_tower_key(key): value for key, value in trunk.state_dict().items()}
    weights |= {f"post_layernorm.{key}": value for key, value in trunk.blocks[-1].norm1.state_dict().items()}
    tower = model.get_submodule("vision_model")
    tower.load_state_dict({key: weights[key] for key in tower.state_dict()}, strict=True)


def _tower_key(key: str) -> str:
    """Name of a timm trunk's key in BLIP's image tower."""
    for old, new in (
        (r"cls_token", "embeddings.class_embedding"),
        (r"pos_embed", "embeddings.position_embedding"),
        (r"patch_embed\.backbone\.", "embeddings.patch_embedding."),
        (r"blocks\.(\d+)\.norm", r"encoder.layers.\1.layer_norm"),
        (r"blocks\.(\d+)\.attn\.proj", r"encoder.layers.\1.self_attn.projection"),
        (r"blocks\.(\d+)\.attn", r"encoder.layers.\1.self_attn"),
        (r"blocks\.(\d+)\.mlp", r"encoder.layers.\1.mlp"),
    ):
        if re.match(old, key):
            return re.sub(f"^{old}", new, key)
    return key


def write_vocabulary(path: Path) -> None:
    """Write the word pieces: words of the English phrases, frequent endings and single letters."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(vocabulary(phrases())) + "\n", encoding="utf-8")
    path.chmod(0o644)


def vocabulary(lines: Mapping[str, Mapping[str, tuple[str, ...]]]) -> list[str]:
    """List letters, endings, and the words of the English phrases as far as the word table has rows.

    The plainest phrases of all concepts come first; a word that is left out is spelt.

    Args:
        lines: concept -> language -> phrases, the plainest first.
    """
    ranked = sorted(
        ((rank, text) for languages in lines.values() for rank, text in enumerate(languages["en"])),
        key=lambda pair: pair[0],
    )
    words = [word for _, text in ranked for word in re.findall(r"[a-z]+", text.lower())]
    letters = [*ascii_lowercase, *digits]
    pieces = [*letters, *(f"##{letter}" for letter in letters), *(f"##{end}" for end in ENDINGS)]
    pieces += ["a", "picture", "of", *PUNCTUATION, *words]
    return list(dict.fromkeys([*SPECIAL, *pieces]))[: VOCABULARY_SIZE - 1]


def read_tokenizer(path: Path) -> Any:
    """Read the tokenizer of :func:`write_vocabulary`: transformers' ``BertTokenizer``, lower-cased.

    Raises:
        FileNotFoundError: ``path`` does not exist; ``python -m tiny_vlm.train --part itm-stock`` writes it.
    """
    from transformers import BertTokenizer

    if not path.is_file():
        raise FileNotFoundError(
            f"The word pieces are not at {path}. "
            "Restore the file or run: python -m tiny_vlm.train --part itm-stock"
        )
    return BertTokenizer(vocab=str(path))
