"""Every sentence that users can meet in an error or a note, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .phrases.choices import CHOICE_MESSAGES
from .phrases.downloads import DOWNLOAD_MESSAGES
from .phrases.images import IMAGE_MESSAGES
from .phrases.models import MODEL_MESSAGES
from .phrases.phrase import Language, Phrase
from .phrases.prompts import PROMPT_MESSAGES

__all__ = ["MESSAGES", "Language", "Phrase", "render_message"]

MESSAGES: Final[Mapping[str, Phrase]] = {
    **IMAGE_MESSAGES,
    **PROMPT_MESSAGES,
    **CHOICE_MESSAGES,
    **MODEL_MESSAGES,
    **DOWNLOAD_MESSAGES,
}


def render_message(key: str, language: Language, values: Mapping[str, Any]) -> str:
    """Fill a sentence of :data:`MESSAGES`.

    Args:
        key: such as ``image.too_small``.
        language: ``en`` or ``ru``.
        values: for the sentence's fields; a :class:`Phrase` is put in its own language.

    Raises:
        KeyError: unknown key, or a field of the sentence has no value.
    """
    words = {name: item.text(language) if isinstance(item, Phrase) else item for name, item in values.items()}
    return MESSAGES[key].text(language).format(**words)
