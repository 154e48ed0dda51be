"""What a comparison of checkpoints is made with: a YAML file of ``configs/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from pipelines import (
    METHODS,
    ClassPrompt,
    Method,
    PromptSet,
    SettingsError,
    load_taxonomy,
)
from pipelines.yaml_files import check_keys, load_mapping, typed

CONFIG_FOLDER: Final = Path(__file__).resolve().parents[2] / "configs"
BASELINE: Final = "facade_baseline.yaml"
KEYS: Final = ("stock", "methods", "templates", "prompts", "settings")


@dataclass(frozen=True, slots=True)
class FacadeConfig:
    """Classes, models and settings of a comparison.

    Attributes:
        name: of the file.
        classes: names by index; the first ones of the taxonomy, in its order.
        stock: id of the checkpoint that counts as stock unless another is named.
        methods: run unless others are named.
        templates: name of the template set.
        prompts: texts of each class by its index.
        settings: hyper-parameters that replace those of the checkpoint.
    """

    name: str
    classes: tuple[str, ...]
    stock: str
    methods: tuple[Method, ...]
    templates: str
    prompts: PromptSet
    settings: Mapping[str, Any]


def load_config(folder: Path = CONFIG_FOLDER, name: str = BASELINE) -> FacadeConfig:
    """Read a comparison's settings.

    Raises:
        SettingsError: the file is missing, a key is unknown (the nearest is named) or a value is wrong.
        UnknownChoice: a class that does not exist is given texts.
    """
    content = load_mapping(folder / name)
    check_keys(name, content, ("classes",), KEYS)
    classes = tuple(map(str, typed(name, content, "classes", list)))
    known = load_taxonomy().names
    if not classes or classes != known[: len(classes)]:
        expected = f"the first of {', '.join(known)}, in this order"
        raise SettingsError.of(
            "schema", name=name, setting="'classes'", expected=expected, found=list(classes)
        )
    return FacadeConfig(
        name,
        classes,
        typed(name, content, "stock", str, "tiny-stock"),
        _read_methods(name, typed(name, content, "methods", list, ["maskclip", "lposs"])),
        typed(name, content, "templates", str, "imagenet"),
        facade_prompts(len(classes), _read_prompts(name, typed(name, content, "prompts", dict, {}))),
        typed(name, content, "settings", dict, {}),
    )


def facade_prompts(count: int, own: Mapping[str, tuple[str, ...]] | None = None) -> PromptSet:
    """Texts of the first ``count`` classes of the taxonomy, in its order.

    Args:
        count: how many classes.
        own: class name or alias -> texts in place of the taxonomy's English terms.

    Raises:
        UnknownChoice: there is no such class.
    """
    taxonomy = load_taxonomy()
    given = {taxonomy.find(name).name: texts for name, texts in (own or {}).items()}
    chosen = (ClassPrompt(item.name, given.get(item.name, item.terms["en"])) for item in taxonomy.classes)
    return PromptSet(tuple(chosen)[:count])


def _read_methods(name: str, given: list[Any]) -> tuple[Method, ...]:
    if not given or any(item not in METHODS for item in given):
        expected = f"some of {', '.join(METHODS)}"
        raise SettingsError.of("schema", name=name, setting="'methods'", expected=expected, found=given)
    return cast(tuple[Method, ...], tuple(dict.fromkeys(given)))


def _read_prompts(name: str, given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    texts = {key: tuple(value) if isinstance(value, list) else (value,) for key, value in given.items()}
    for key, found in texts.items():
        if not found or not all(isinstance(text, str) and text.strip() for text in found):
            raise SettingsError.of(
                "schema",
                name=name,
                setting=f"prompts of {key!r}",
                expected="a text or a list of texts",
                found=found,
            )
    return texts
