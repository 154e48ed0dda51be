"""Presets: a method with its settings, a checkpoint and a prompt set, as a YAML file of ``configs/``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lposs_core import LPOSSConfig
from pnp_ovss import PnPOVSSConfig

from .catalogue import read_settings
from .errors import UnknownChoice
from .types import DEFAULT_CHECKPOINT, METHODS, Method
from .yaml_files import check_keys, load_mapping, typed

DEFAULT_PROMPT_SET: Final = "facade-parts-en"


@dataclass(frozen=True, slots=True)
class Preset:
    """A named choice of everything but the picture.

    Attributes:
        method: see ``METHODS``.
        checkpoint: id of a catalogue row.
        prompt_set: id of a built-in prompt set.
        settings: hyper-parameters of LPOSS and MaskCLIP; None takes the checkpoint's own.
        pnp_settings: hyper-parameters of PnP-OVSS; None for the other methods.
    """

    method: Method
    checkpoint: str = DEFAULT_CHECKPOINT
    prompt_set: str = DEFAULT_PROMPT_SET
    settings: LPOSSConfig | None = None
    pnp_settings: PnPOVSSConfig | None = None


def load_preset(path: str | os.PathLike[str]) -> Preset:
    """Read a preset.

    Args:
        path: YAML with ``method`` and, where wanted, ``checkpoint``, ``prompt_set`` and ``settings``.

    Raises:
        SettingsError: an unknown key on either level (the nearest known one is named), or a bad value.
        UnknownChoice: there is no such method.
    """
    file = Path(path)
    content = load_mapping(file)
    check_keys(file.name, content, ("method",), ("checkpoint", "prompt_set", "settings"))
    named = typed(file.name, content, "method", str)
    method = next((known for known in METHODS if known == named), None)
    if method is None:
        raise UnknownChoice.of("method", seen=repr(named), known=", ".join(METHODS))
    given = typed(file.name, content, "settings", dict, {})
    kind = PnPOVSSConfig if method == "pnp_ovss" else LPOSSConfig
    settings = read_settings(file.name, kind, given) if "settings" in content else None
    return Preset(
        method=method,
        checkpoint=typed(file.name, content, "checkpoint", str, DEFAULT_CHECKPOINT),
        prompt_set=typed(file.name, content, "prompt_set", str, DEFAULT_PROMPT_SET),
        settings=settings if isinstance(settings, LPOSSConfig) else None,
        pnp_settings=settings if isinstance(settings, PnPOVSSConfig) else None,
    )
