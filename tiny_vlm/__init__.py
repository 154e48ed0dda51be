"""The bundled model: a small dual encoder and patch encoder trained from scratch on facades.

``configs`` builds the networks, ``train`` makes their weights (``python -m tiny_vlm.train``), ``facades``
draws training scenes and ``vocabulary`` holds the phrases. Nothing here imports the rest of the project.
"""

from tiny_vlm.configs import (
    IMAGE_MEAN,
    IMAGE_STD,
    build_dual_encoder,
    build_patch_encoder,
    tokenizer,
)

__all__ = ["IMAGE_MEAN", "IMAGE_STD", "build_dual_encoder", "build_patch_encoder", "tokenizer"]
