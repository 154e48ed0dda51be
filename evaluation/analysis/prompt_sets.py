"""The prompt sets an analysis compares: the configuration's, one given inline, and files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from evaluation.commands import UsageError
from evaluation.facades.config import FacadeConfig, facade_prompts
from pipelines import PromptSet, UnknownChoice, load_prompt_file, load_taxonomy
from pipelines.prompts import shown

DEFAULT: Final = "default"
INLINE: Final = "inline"
ABOUT: Final = "about"
SET_NAME: Final = re.compile(r"[\w][\w .-]{0,60}")


def read_prompt_sets(
    config: FacadeConfig, files: Sequence[str], inline: Sequence[str]
) -> dict[str, PromptSet]:
    """All prompt sets by name: ``default`` first, then ``inline`` where given, then the files.

    A set replaces texts of the classes it names; the others keep those of the configuration.

    Args:
        config: classes and their texts.
        files: ``NAME=PATH`` each: a JSON or YAML file that maps class names to texts.
        inline: ``CLASS=TEXT`` each; texts of one class add up.

    Raises:
        UsageError: a piece lacks its ``=``, or a name is taken or cannot name a folder.
        PromptError: a file holds no prompts.
        UnknownChoice: a class that the configuration does not have.
    """
    sets = {DEFAULT: config.prompts}
    if inline:
        sets[INLINE] = _replaced(config, _read_inline(inline))
    for given in files:
        name, path = _halves("--prompt-set", given, "NAME=PATH")
        if name in (*sets, INLINE, ABOUT) or not SET_NAME.fullmatch(name):
            taken = ", ".join(dict.fromkeys((*sets, INLINE, ABOUT)))
            raise UsageError(
                f"--prompt-set cannot be called {shown(name)}: names are letters and digits, and {taken} "
                "are taken."
            )
        texts = {item.name: item.texts for item in load_prompt_file(path).classes}
        sets[name] = _replaced(config, texts)
    return sets


def merge_group(prompts: PromptSet, name: str, members: Sequence[str]) -> PromptSet:
    """Make one class of several: it has all their texts, and stands in the place of the first."""
    inside = [item for item in prompts.classes if item.name in members]
    texts = tuple(dict.fromkeys(text for item in inside for text in item.texts))
    merged = replace(inside[0], name=name, texts=texts)
    kept = [merged if item is inside[0] else item for item in prompts.classes]
    return PromptSet(tuple(item for item in kept if item is merged or item not in inside))


def _read_inline(given: Sequence[str]) -> dict[str, tuple[str, ...]]:
    texts: dict[str, tuple[str, ...]] = {}
    for piece in given:
        name, text = _halves("--prompt", piece, "CLASS=TEXT")
        name = load_taxonomy().find(name).name
        texts[name] = (*texts.get(name, ()), text)
    return texts


def _replaced(config: FacadeConfig, own: Mapping[str, tuple[str, ...]]) -> PromptSet:
    given = {item.name: item.texts for item in config.prompts.classes}
    for name, texts in own.items():
        found = load_taxonomy().find(name).name
        if found not in config.classes:
            known = ", ".join(config.classes)
            raise UnknownChoice.of("class", seen=shown(name), known=known)
        given[found] = texts
    return facade_prompts(len(config.classes), given)


def _halves(option: str, given: str, form: str) -> tuple[str, str]:
    left, separator, right = (part.strip() for part in given.partition("="))
    if not separator or not left or not right:
        raise UsageError(f"{option} must be {form}, got {shown(given)}.")
    return left, right
