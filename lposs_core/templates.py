"""Prompt templates: a name is set into each, and the vectors of all are averaged."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

OPENAI_IMAGENET_TEMPLATES: Final[tuple[str, ...]] = (
    "a bad photo of a {}.",
    "a photo of many {}.",
    "a sculpture of a {}.",
    "a photo of the hard to see {}.",
    "a low resolution photo of the {}.",
    "a rendering of a {}.",
    "graffiti of a {}.",
    "a bad photo of the {}.",
    "a cropped photo of the {}.",
    "a tattoo of a {}.",
    "the embroidered {}.",
    "a photo of a hard to see {}.",
    "a bright photo of a {}.",
    "a photo of a clean {}.",
    "a photo of a dirty {}.",
    "a dark photo of the {}.",
    "a drawing of a {}.",
    "a photo of my {}.",
    "the plastic {}.",
    "a photo of the cool {}.",
    "a close-up photo of a {}.",
    "a black and white photo of the {}.",
    "a painting of the {}.",
    "a painting of a {}.",
    "a pixelated photo of the {}.",
    "a sculpture of the {}.",
    "a bright photo of the {}.",
    "a cropped photo of a {}.",
    "a plastic {}.",
    "a photo of the dirty {}.",
    "a jpeg corrupted photo of a {}.",
    "a blurry photo of the {}.",
    "a photo of the {}.",
    "a good photo of the {}.",
    "a rendering of the {}.",
    "a {} in a video game.",
    "a photo of one {}.",
    "a doodle of a {}.",
    "a close-up photo of the {}.",
    "a photo of a {}.",
    "the origami {}.",
    "the {} in a video game.",
    "a sketch of a {}.",
    "a doodle of the {}.",
    "a origami {}.",
    "a low resolution photo of a {}.",
    "the toy {}.",
    "a rendition of the {}.",
    "a photo of the clean {}.",
    "a photo of a large {}.",
    "a rendition of a {}.",
    "a photo of a nice {}.",
    "a photo of a weird {}.",
    "a blurry photo of a {}.",
    "a cartoon {}.",
    "art of a {}.",
    "a sketch of the {}.",
    "a embroidered {}.",
    "a pixelated photo of a {}.",
    "itap of the {}.",
    "a jpeg corrupted photo of the {}.",
    "a good photo of a {}.",
    "a plushie {}.",
    "a photo of the nice {}.",
    "a photo of the small {}.",
    "a photo of the weird {}.",
    "the cartoon {}.",
    "art of the {}.",
    "a drawing of the {}.",
    "a photo of the large {}.",
    "a black and white photo of a {}.",
    "the plushie {}.",
    "a dark photo of a {}.",
    "itap of a {}.",
    "graffiti of the {}.",
    "a toy {}.",
    "itap of my {}.",
    "a photo of a cool {}.",
    "a photo of a small {}.",
    "a tattoo of the {}.",
)
"""The 80 templates of CLIP's ImageNet evaluation, in open_clip's order: those of the published LPOSS."""

SIMPLE_TEMPLATES: Final[tuple[str, ...]] = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)
"""The seven templates that CLIP's authors found nearly as good."""

PLAIN_TEMPLATES: Final[tuple[str, ...]] = ("{}",)
"""The name as it is written; for prompts that are whole sentences or no English."""

TEMPLATE_SETS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"imagenet": OPENAI_IMAGENET_TEMPLATES, "simple": SIMPLE_TEMPLATES, "plain": PLAIN_TEMPLATES}
)


def template_set(name: str) -> tuple[str, ...]:
    """Look up a set of templates.

    Args:
        name: ``"imagenet"`` (80 templates), ``"simple"`` (7) or ``"plain"`` (the name alone).

    Raises:
        ValueError: there is no such set.
    """
    if name not in TEMPLATE_SETS:
        near = get_close_matches(name, TEMPLATE_SETS, n=1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        raise ValueError(f"template set must be one of {', '.join(TEMPLATE_SETS)}, got {name!r}.{hint}")
    return TEMPLATE_SETS[name]


def fill(template: str, name: str) -> str:
    """Set a name into a template, character for character.

    Args:
        template: text with exactly one ``{}``.
        name: any text; braces in it stay as they are.

    Raises:
        ValueError: the template has no ``{}``, or more than one.
    """
    if template.count("{}") != 1:
        raise ValueError(f"a template must hold exactly one {{}} for the name, got {template!r}")
    return template.replace("{}", name)
