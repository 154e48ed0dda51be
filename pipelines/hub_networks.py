"""Networks by the names that open_clip and timm give them, without weights and without a connection."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from torch import nn
from torch.overrides import TorchFunctionMode

from .catalogue import CheckpointSpec, PartSpec
from .errors import PipelineUnavailable, UnknownChoice

RANDOM: Final = frozenset(
    {
        "normal_",
        "uniform_",
        "erfinv_",
        "trunc_normal_",
        "kaiming_uniform_",
        "kaiming_normal_",
        "xavier_uniform_",
        "xavier_normal_",
    }
)


class NoRandomValues(TorchFunctionMode):
    """Leaves out the drawing of random weights, which takes long and which strict loading overwrites.

    Works for the thread that enters it. Constants (masks, positions) are filled in as ever.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__name__", "") in RANDOM:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def open_clip_network(spec: CheckpointSpec, part: PartSpec) -> nn.Module:
    """The architecture ``options.model`` of open_clip; its weights are still to be loaded.

    A text tower of Hugging Face is built from the ``config.json`` among the part's files.

    Raises:
        UnknownChoice: open_clip knows no such architecture.
        PipelineUnavailable: the package ``transformers`` is missing.
    """
    from open_clip import CLIP, CustomTextCLIP

    config = _open_clip_config(part)
    is_custom = bool(config.pop("custom_text", False))
    text = config["text_cfg"]
    if "hf_model_name" in text:
        _require_transformers(spec)
        text |= {"hf_model_name": str(_folder_with(part, "config.json")), "hf_model_pretrained": False}
        is_custom = True
    with NoRandomValues():
        network: nn.Module = (CustomTextCLIP if is_custom else CLIP)(**config)
    return network


def open_clip_tokenizer(spec: CheckpointSpec, part: PartSpec) -> Any:
    """The tokenizer of ``options.model``; one of Hugging Face is read from the part's files.

    Raises:
        UnknownChoice: open_clip knows no such architecture.
        PipelineUnavailable: the package ``transformers`` is missing.
    """
    from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, HFTokenizer, SimpleTokenizer

    text = _open_clip_config(part)["text_cfg"]
    length = text.get("context_length", DEFAULT_CONTEXT_LENGTH)
    options = text.get("tokenizer_kwargs", {})
    if "hf_tokenizer_name" not in text:
        return SimpleTokenizer(context_length=length, **options)
    _require_transformers(spec)
    return HFTokenizer(str(_folder_with(part, "tokenizer.json")), context_length=length, **options)


def open_clip_pixels(part: PartSpec) -> dict[str, tuple[float, ...]]:
    """Mean and deviation of the pixels that ``options.tag`` of ``options.model`` was trained with.

    Raises:
        UnknownChoice: open_clip knows no such tag.
    """
    import open_clip

    model, tag = part.options.get("model", ""), part.options.get("tag", "")
    known = open_clip.get_pretrained_cfg(model, tag)
    if not known:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(model)) or "none"
        raise UnknownChoice.of("builder", seen=repr(f"{model} / {tag}"), known=tags)
    return {"mean": tuple(known["mean"]), "std": tuple(known["std"])}


def timm_network(spec: CheckpointSpec, part: PartSpec) -> nn.Module:
    """The architecture ``options.model`` of timm without a classifier; its weights are still to be loaded.

    Raises:
        UnknownChoice: timm knows no such architecture.
    """
    import timm

    name = part.options.get("model", "")
    if not timm.is_model(name.partition(".")[0]):
        raise UnknownChoice.of("builder", seen=repr(name), known="the names of timm.list_models()")
    with NoRandomValues():
        network: nn.Module = timm.create_model(name, pretrained=False, num_classes=0)
    return network


def tiny_dual_network(spec: CheckpointSpec, part: PartSpec) -> nn.Module:
    """The bundled dual encoder with random weights."""
    from tiny_vlm import configs

    network: nn.Module = configs.build_dual_encoder()
    return network


def tiny_patch_network(spec: CheckpointSpec, part: PartSpec) -> nn.Module:
    """The bundled patch encoder with random weights."""
    from tiny_vlm import configs

    network: nn.Module = configs.build_patch_encoder()
    return network


NETWORKS: Final[Mapping[str, Callable[[CheckpointSpec, PartSpec], nn.Module]]] = {
    "open-clip": open_clip_network,
    "timm": timm_network,
    "tiny-dual": tiny_dual_network,
    "tiny-patches": tiny_patch_network,
}
"""Builder of a catalogue part -> the network that its weights must fit."""


def _open_clip_config(part: PartSpec) -> dict[str, Any]:
    import open_clip

    name = part.options.get("model", "")
    config = open_clip.get_model_config(name)
    if config is None:
        raise UnknownChoice.of("builder", seen=repr(name), known="the names of open_clip.list_models()")
    return copy.deepcopy(config)


def _require_transformers(spec: CheckpointSpec) -> None:
    if find_spec("transformers") is None:
        raise PipelineUnavailable.of("package", checkpoint=spec.id, package="transformers")


def _folder_with(part: PartSpec, name: str) -> Path:
    """Folder of the tokenizer's and the configuration's files."""
    found = next((file.path for file in part.hub if file.name == name and file.path is not None), None)
    if found is None:
        raise FileNotFoundError(f"the part {part.role!r} has no file {name}")
    return found.parent
