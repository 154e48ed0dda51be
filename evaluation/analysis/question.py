"""What is asked of every sample, prompt set and model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evaluation.commands import UsageError
from evaluation.facades.config import FacadeConfig
from pipelines import Method, PromptSet, UnknownChoice, load_taxonomy
from pipelines.explanation_types import TrustPlan
from pipelines.prompts import shown

from .prompt_sets import merge_group

KINDS: Final[Mapping[str, str]] = {"gradcam": "grad_cam", "ig": "integrated_gradients"}
"""Word in file names and keys -> kind of explanation."""
ASKED: Final[Mapping[str, str]] = {"gradcam": "gradcam", "ig": "ig", "integrated_gradients": "ig"}
"""What ``--methods`` takes -> word."""
GROUPS: Final = ("damage", "damagePlus")


@dataclass(frozen=True, slots=True)
class Target:
    """One heat map that is made for every model and prompt set.

    Attributes:
        word: ``gradcam`` or ``ig``.
        name: class or group.
        prompts: what competes: classes, a group's as one.
        trust: how faithfulness is measured; None leaves it out.
    """

    word: str
    name: str
    prompts: PromptSet
    trust: TrustPlan | None


@dataclass(frozen=True, slots=True)
class Question:
    """What an analysis asks.

    Attributes:
        config: classes and templates.
        words: ``gradcam`` and ``ig``, as chosen.
        focus: classes that probabilities, Integrated Gradients and faithfulness are given for.
        steps: points of Integrated Gradients to try, increasing.
        method: what segments.
        trust: how faithfulness is measured; None leaves it out.
        randomise: whether maps of the focus classes are made again while weights become random.
    """

    config: FacadeConfig
    words: tuple[str, ...]
    focus: tuple[str, ...]
    steps: tuple[int, ...]
    method: Method
    trust: TrustPlan | None
    randomise: bool = False

    def targets(self, prompts: PromptSet) -> Iterator[Target]:
        """Grad-CAM of every class and of both groups, Integrated Gradients of the focus classes."""
        if "gradcam" in self.words:
            for name in prompts.names:
                yield Target("gradcam", name, prompts, self.trust if name in self.focus else None)
            for group in GROUPS:
                members = group_members(self.config, group)
                yield Target("gradcam", group, merge_group(prompts, group, members), None)
        if "ig" in self.words:
            for name in self.focus:
                yield Target("ig", name, prompts, self.trust)


def read_words(given: Sequence[str]) -> tuple[str, ...]:
    """The methods of ``--methods``, each once.

    Raises:
        UsageError: there is no such method.
    """
    for name in given:
        if name not in ASKED:
            raise UsageError(f"There is no method {shown(name)}. Choose some of {', '.join(ASKED)}.")
    return tuple(dict.fromkeys(ASKED[name] for name in given))


def read_focus(given: Sequence[str] | None, config: FacadeConfig) -> tuple[str, ...]:
    """The classes of ``--focus-classes``; without any, the six damage classes.

    Raises:
        UnknownChoice: the configuration has no such class.
    """
    if given is None:
        return group_members(config, "damage")
    found = []
    for name in given:
        known = load_taxonomy().find(name).name
        if known not in config.classes:
            raise UnknownChoice.of("class", seen=shown(name), known=", ".join(config.classes))
        found.append(known)
    return tuple(dict.fromkeys(found))


def group_members(config: FacadeConfig, group: str) -> tuple[str, ...]:
    """Classes of ``damage`` or ``damagePlus``."""
    taxonomy = load_taxonomy()
    indices = taxonomy.damage if group == "damage" else taxonomy.damage_plus
    return tuple(config.classes[index] for index in indices if index < len(config.classes))
