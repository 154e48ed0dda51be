"""Configurations of the bundled networks: open_clip and timm parts, no networks of our own.

Sizes: the dual encoder has 3.9 M parameters (image 6 layers x 192, text 3 layers x 128), the patch encoder
2.1 M (4 layers x 192). Both look at patches of 16 x 16 pixels through a convolutional stem.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import timm
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from open_clip.tokenizer import SimpleTokenizer
from timm.layers import HybridEmbed
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer_hybrid import ConvStem

from tiny_vlm.itm import build_itm, read_tokenizer

__all__ = [
    "IMAGE_MEAN",
    "IMAGE_STD",
    "MERGES",
    "MERGES_FILE",
    "PATCH_SIZE",
    "WEIGHTS_DIR",
    "build_dual_encoder",
    "build_itm",
    "build_patch_encoder",
    "itm_tokenizer",
    "tokenizer",
    "vocabulary_size",
]

WEIGHTS_DIR = Path(__file__).resolve().parents[1] / "assets" / "weights"
MERGES_FILE = WEIGHTS_DIR / "tiny_bpe.txt.gz"
WORD_PIECES_FILE = WEIGHTS_DIR / "tiny_itm_vocab.txt"
MERGES = 1500  # byte-pair merges learnt from the phrases of vocabulary.py
IMAGE_MEAN = (0.48, 0.46, 0.43)  # of RGB in [0, 1], both networks
IMAGE_STD = (0.27, 0.27, 0.28)
PATCH_SIZE = 16  # pixels: 2 ** 4, the stem halves the picture four times
IMAGE_SIZE = 224  # pixels; position embeddings are stored for this size
EMBED_DIM = 192  # of the space that pictures and texts share
CONTEXT_LENGTH = 40  # tokens of one text
STEM_CHANNELS = (24, 24, 48, 48, 96, 192)
STEM_STRIDES = (2, 1, 2, 1, 2, 2)


def tiny_facade_vit(pretrained: bool = False, **options: Any) -> VisionTransformer:
    """Trunk of the dual encoder: six layers behind a convolutional stem, in timm's builder signature."""
    rates = {name: options[name] for name in ("drop_path_rate", "patch_drop_rate") if name in options}
    trunk = _stem_vit(depth=6, **rates)
    trunk.default_cfg = {"input_size": (3, IMAGE_SIZE, IMAGE_SIZE)}  # open_clip reads it
    return trunk


def build_dual_encoder(vocabulary: int | None = None) -> CLIP:
    """Build the dual encoder with random weights, in evaluation mode.

    Args:
        vocabulary: rows of the token embedding; None takes as many as the bundled tokenizer needs.

    Returns:
        An open_clip ``CLIP`` whose ``visual`` is a ``TimmModel``; inputs ``(n, 3, h, w)`` normalised with
        ``IMAGE_MEAN`` and ``IMAGE_STD``, sides multiples of 16; embeddings of 192 numbers.
    """
    _register(tiny_facade_vit)
    vision = CLIPVisionCfg(
        timm_model_name=tiny_facade_vit.__name__,
        timm_pool="token",
        timm_proj="linear",
        image_size=IMAGE_SIZE,
    )
    rows = vocabulary_size(tokenizer()) if vocabulary is None else vocabulary
    text = CLIPTextCfg(context_length=CONTEXT_LENGTH, vocab_size=rows, width=128, heads=4, layers=3)
    return CLIP(EMBED_DIM, vision, text).eval()


def build_patch_encoder() -> VisionTransformer:
    """Build the patch encoder (the role of DINO) with random weights, in evaluation mode."""
    return _stem_vit(depth=4).eval()


def tokenizer(merges_file: Path = MERGES_FILE) -> SimpleTokenizer:
    """Byte-pair tokenizer of the dual encoder: any language, lower-cased, 40 tokens.

    Raises:
        FileNotFoundError: ``merges_file`` does not exist; ``python -m tiny_vlm.train`` writes it.
    """
    if not merges_file.is_file():
        raise FileNotFoundError(
            f"The tokenizer's merges are not at {merges_file}. "
            "Restore the file or run: python -m tiny_vlm.train"
        )
    return SimpleTokenizer(bpe_path=str(merges_file), context_length=CONTEXT_LENGTH)


def vocabulary_size(tokens: SimpleTokenizer) -> int:
    """Rows of the token embedding for ``tokens``: bytes, merges (at least ``MERGES``) and the two ends."""
    return 2 * 256 + max(MERGES, len(tokens.bpe_ranks)) + 2


def itm_tokenizer(pieces_file: Path = WORD_PIECES_FILE) -> Any:
    """WordPiece tokenizer of the matching model: English, lower-cased.

    Raises:
        FileNotFoundError: ``pieces_file`` does not exist; the part ``itm-stock`` of training writes it.
    """
    return read_tokenizer(pieces_file)


def _stem_vit(depth: int, **rates: float) -> VisionTransformer:
    stem = ConvStem(depth=len(STEM_CHANNELS), channels=STEM_CHANNELS, stride=STEM_STRIDES)
    return VisionTransformer(
        img_size=IMAGE_SIZE,
        patch_size=1,
        embed_dim=EMBED_DIM,
        depth=depth,
        num_heads=3,
        num_classes=0,
        embed_layer=partial(HybridEmbed, backbone=stem, proj=False),
        dynamic_img_size=True,
        **rates,
    )


def _register(builder: Callable[..., VisionTransformer]) -> None:
    """Make a trunk known to ``timm.create_model``, once."""
    if not timm.is_model(builder.__name__):
        timm.models.register_model(builder)
