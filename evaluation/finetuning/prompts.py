"""The texts that classes of the facade taxonomy are searched by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines import ClassPrompt, PromptSet, UnknownChoice, load_taxonomy

from .settings import FineTuneError


@dataclass(frozen=True, slots=True)
class TaxonomyPrompts:
    """Prompts whose classes are those of the taxonomy.

    Attributes:
        prompts: texts by class.
        indices: taxonomy index of each class, all different.
    """

    prompts: PromptSet
    indices: tuple[int, ...]


def taxonomy_prompts(languages: Sequence[str] = ("en",)) -> TaxonomyPrompts:
    """Every class of the taxonomy, searched by its trade terms.

    Args:
        languages: of the terms; several give a class the terms of all.

    Raises:
        FineTuneError: the taxonomy has no terms in a language.
    """
    classes = load_taxonomy().classes
    for language in languages:
        if language not in classes[0].terms:
            known = ", ".join(classes[0].terms)
            raise FineTuneError(f"the taxonomy has no terms in {language!r}. Choose some of {known}.")
    found = (
        ClassPrompt(item.name, tuple(dict.fromkeys(text for name in languages for text in item.terms[name])))
        for item in classes
    )
    return TaxonomyPrompts(PromptSet(tuple(found)), tuple(item.index for item in classes))


def match_taxonomy(prompts: PromptSet) -> TaxonomyPrompts:
    """Find the class of the taxonomy that each class of a prompt set means, by name or alias.

    Raises:
        FineTuneError: a class means none, or two mean the same.
    """
    indices = []
    for item in prompts.classes:
        try:
            index = load_taxonomy().find(item.name).index
        except UnknownChoice as error:
            raise FineTuneError(f"the prompt set cannot be used for training: {error}") from error
        if index in indices:
            raise FineTuneError(f"two classes of the prompt set mean {load_taxonomy().names[index]}")
        indices.append(index)
    return TaxonomyPrompts(prompts, tuple(indices))
