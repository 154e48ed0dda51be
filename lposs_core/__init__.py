"""LPOSS and LPOSS+: open-vocabulary segmentation by propagating CLIP scores over patches and pixels.

lposs = LPOSS(OpenCLIPEncoder(clip, tokenizer), TimmPatchEncoder(vit))
result = lposs.segment(image, [["window"], ["wall", "plaster"]])
labels = label_map(result, *image.shape[:2])
"""

from lposs_core.checkpoint import (
    CheckpointFileError,
    CheckpointMismatch,
    LoadReport,
    digest_state,
    file_sha256,
    load_safetensors,
    load_strict,
)
from lposs_core.config import LPOSS_PLUS, LPOSSConfig
from lposs_core.dino import TimmPatchEncoder
from lposs_core.encoders import PatchEncoder, TextAlignedEncoder
from lposs_core.lposs import LPOSS, WorkingImage
from lposs_core.maskclip import OpenCLIPEncoder
from lposs_core.patch_graph import PatchGraph, build_patch_graph
from lposs_core.pixel_graph import PixelGraph, build_pixel_graph
from lposs_core.propagation import propagate, refine
from lposs_core.scores import NO_CLASS, ClassScores, label_map, probabilities
from lposs_core.solver import Factor, conjugate_gradients, converge, factorise
from lposs_core.stages import NoCache, StageCache
from lposs_core.templates import OPENAI_IMAGENET_TEMPLATES, SIMPLE_TEMPLATES, template_set
from lposs_core.text import text_prototypes
from lposs_core.tower import UnsupportedModel
from lposs_core.windows import (
    cut_windows,
    merge_windows,
    patch_centres,
    resize_image,
    window_boxes,
    working_size,
)

__all__ = [
    "LPOSS",
    "LPOSS_PLUS",
    "NO_CLASS",
    "OPENAI_IMAGENET_TEMPLATES",
    "SIMPLE_TEMPLATES",
    "CheckpointFileError",
    "CheckpointMismatch",
    "ClassScores",
    "Factor",
    "LPOSSConfig",
    "LoadReport",
    "NoCache",
    "OpenCLIPEncoder",
    "PatchEncoder",
    "PatchGraph",
    "PixelGraph",
    "StageCache",
    "TextAlignedEncoder",
    "TimmPatchEncoder",
    "UnsupportedModel",
    "WorkingImage",
    "build_patch_graph",
    "build_pixel_graph",
    "conjugate_gradients",
    "converge",
    "cut_windows",
    "digest_state",
    "factorise",
    "file_sha256",
    "label_map",
    "load_safetensors",
    "load_strict",
    "merge_windows",
    "patch_centres",
    "probabilities",
    "propagate",
    "refine",
    "resize_image",
    "template_set",
    "text_prototypes",
    "window_boxes",
    "working_size",
]
