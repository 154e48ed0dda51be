"""Where models become services: prompts and pictures in, results out.

registry = build_registry()
request = InferenceRequest(read_image("facade.jpg"), parse_prompts("wall; window = window, окно; crack"))
result = infer(request, registry)
"""

from .cache import CacheStatus, FeatureCache
from .catalogue import CheckpointSpec, PartSpec, load_catalogue
from .comparison import ClassChange, Comparison, compare
from .errors import (
    Busy,
    Cancelled,
    CheckpointError,
    DownloadError,
    ImageError,
    PipelineError,
    PipelineUnavailable,
    PromptError,
    SettingsError,
    UnknownChoice,
)
from .explained_kinds import KINDS as EXPLANATION_KINDS
from .explanation import explain
from .explanation_types import ExplanationRequest, ExplanationResult, TrustPlan
from .images import decode_image, read_image, read_image_with_notes
from .inference import infer
from .inspection import ClassInspection, PixelInspection, TextScore, inspect_pixel
from .listing import list_models, list_prompt_sets
from .presets import Preset, load_preset
from .prompt_files import format_prompt_file, load_prompt_file, parse_prompt_file
from .prompt_sets import NamedPromptSet, find_prompt_set, prompt_sets
from .prompts import format_prompts, parse_prompts
from .registry import LoadedCheckpoint, PipelineRegistry, RegistryStatus, build_registry, choose_device
from .render import legend, overlay, palette, with_legend, write_label_png
from .taxonomy import FacadeClass, Taxonomy, load_taxonomy
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
    "EXPLANATION_KINDS",
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
    "ClassChange",
    "ClassInspection",
    "ClassPrompt",
    "ClassResult",
    "Comparison",
    "DownloadError",
    "ExplanationRequest",
    "ExplanationResult",
    "FacadeClass",
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
    "PixelInspection",
    "Precision",
    "Preset",
    "PromptError",
    "PromptSet",
    "RegistryStatus",
    "ScoreMaps",
    "SettingsError",
    "Taxonomy",
    "TextScore",
    "TrustPlan",
    "UnknownChoice",
    "build_registry",
    "choose_device",
    "compare",
    "decode_image",
    "explain",
    "find_prompt_set",
    "format_prompt_file",
    "format_prompts",
    "infer",
    "inspect_pixel",
    "legend",
    "list_models",
    "list_prompt_sets",
    "load_catalogue",
    "load_preset",
    "load_prompt_file",
    "load_taxonomy",
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
