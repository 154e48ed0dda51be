"""Where models become services: prompts and pictures in, results out.

registry = build_registry()
request = InferenceRequest(read_image("facade.jpg"), parse_prompts("wall; window = window, окно; crack"))
result = infer(request, registry)
"""

from .cache import CacheStatus, FeatureCache
from .catalogue import CheckpointSpec, PartSpec, load_catalogue
from .errors import (
    Busy,
    Cancelled,
    CheckpointError,
    ImageError,
    PipelineError,
    PipelineUnavailable,
    PromptError,
    SettingsError,
    UnknownChoice,
)
from .images import decode_image, read_image, read_image_with_notes
from .inference import infer
from .listing import list_models, list_prompt_sets
from .presets import Preset, load_preset
from .prompt_files import load_prompt_file, parse_prompt_file
from .prompt_sets import NamedPromptSet, find_prompt_set, prompt_sets
from .prompts import format_prompts, parse_prompts
from .registry import LoadedCheckpoint, PipelineRegistry, RegistryStatus, build_registry, choose_device
from .render import legend, overlay, palette, with_legend, write_label_png
from .types import (
    DEFAULT_CHECKPOINT,
    DEFAULT_METHOD,
    METHODS,
    NO_CLASS,
    PRECISIONS,
    Abstention,
    CheckpointInfo,
    ClassPrompt,
    ClassResult,
    InferenceRequest,
    InferenceResult,
    Method,
    Note,
    Precision,
    PromptSet,
    ScoreMaps,
)

__all__ = [
    "DEFAULT_CHECKPOINT",
    "DEFAULT_METHOD",
    "METHODS",
    "NO_CLASS",
    "PRECISIONS",
    "Abstention",
    "Busy",
    "CacheStatus",
    "Cancelled",
    "CheckpointError",
    "CheckpointInfo",
    "CheckpointSpec",
    "ClassPrompt",
    "ClassResult",
    "FeatureCache",
    "ImageError",
    "InferenceRequest",
    "InferenceResult",
    "LoadedCheckpoint",
    "Method",
    "NamedPromptSet",
    "Note",
    "PartSpec",
    "PipelineError",
    "PipelineRegistry",
    "PipelineUnavailable",
    "Precision",
    "Preset",
    "PromptError",
    "PromptSet",
    "RegistryStatus",
    "ScoreMaps",
    "SettingsError",
    "UnknownChoice",
    "build_registry",
    "choose_device",
    "decode_image",
    "find_prompt_set",
    "format_prompts",
    "infer",
    "legend",
    "list_models",
    "list_prompt_sets",
    "load_catalogue",
    "load_preset",
    "load_prompt_file",
    "overlay",
    "palette",
    "parse_prompt_file",
    "parse_prompts",
    "prompt_sets",
    "read_image",
    "read_image_with_notes",
    "with_legend",
    "write_label_png",
]
