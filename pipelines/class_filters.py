"""Which of a request's classes are searched for in a picture: all, CLIP's best, or those of a reply file.

PnP-OVSS puts all its classes into one caption, so it works best with the classes that the picture shows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lposs_core import LPOSS, LPOSSConfig, TextAlignedEncoder
from pnp_ovss import parse_reply

from .cache import FeatureCache
from .errors import SettingsError
from .types import ClassFilter, InferenceRequest, KeptClasses, TopClasses

MAX_REPLY_BYTES: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Replies:
    """A file of replies as the method was published with: what a language model saw in each picture.

    Attributes:
        name: of the file, for sentences.
        texts: reply by the name of the picture, without its suffix.
    """

    name: str
    texts: Mapping[str, str]

    def filter_for(self, picture: str, names: Sequence[str], ids: Sequence[int] | None = None) -> KeptClasses:
        """The classes that the reply for a picture names.

        Args:
            picture: name of the picture, without its suffix.
            names: the request's classes.
            ids: number of each class in the replies; 1, 2, 3, ... by default.

        Raises:
            SettingsError: the file has no reply for this picture.
        """
        if picture not in self.texts:
            example = next(iter(self.texts), "")
            raise SettingsError.of("no_reply", name=self.name, picture=picture[:60], example=example[:60])
        kept = parse_reply(self.texts[picture], names, ids)
        return KeptClasses(tuple(dict.fromkeys(kept)))


def load_replies(path: str | os.PathLike[str]) -> Replies:
    """Read a reply file: one JSON object, picture name to reply text.

    Raises:
        SettingsError: it cannot be opened, is larger than 64 MiB, no JSON or something else than texts.
    """
    file = Path(path)
    try:
        if file.stat().st_size > MAX_REPLY_BYTES:
            found = f"{file.stat().st_size} bytes"
            raise _not_replies(file, f"at most {MAX_REPLY_BYTES} bytes", found)
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError.of("missing", name=file.name) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError.of("syntax", name=file.name, problem=" ".join(str(error).split())) from error
    if not isinstance(content, dict) or not all(isinstance(text, str) for text in content.values()):
        raise _not_replies(file, "one object that maps picture names to texts", type(content).__name__)
    return Replies(file.name, content)


def kept_classes(
    request: InferenceRequest,
    clip: TextAlignedEncoder | None,
    settings: LPOSSConfig,
    templates: tuple[str, ...],
    cache: FeatureCache,
) -> tuple[int, ...]:
    """Indices of the classes that a request searches for, in the order of the caption.

    Args:
        request: its ``class_filter`` decides; without one all classes stay.
        clip: ranks the classes for :class:`TopClasses`.
        settings: windows in which ``clip`` looks at the picture.
        templates: sentences that each text is put into.
        cache: shared features.
    """
    chosen = request.class_filter
    if isinstance(chosen, KeptClasses):
        return chosen.indices
    if not isinstance(chosen, TopClasses) or clip is None or chosen.count >= len(request.prompts):
        return tuple(range(len(request.prompts)))
    segmenter = LPOSS(clip, clip, settings, templates=templates, cache=cache)
    scores = segmenter.segment(request.image, request.prompts.texts, method="maskclip").scores
    best = scores.flatten(1).amax(1)
    return tuple(sorted(best.argsort(descending=True, stable=True)[: chosen.count].tolist()))


def filter_roles(chosen: ClassFilter | None) -> tuple[str, ...]:
    """Parts of a checkpoint that a filter needs."""
    return ("clip",) if isinstance(chosen, TopClasses) else ()


def _not_replies(file: Path, expected: str, found: str) -> SettingsError:
    return SettingsError.of("schema", name=file.name, setting="the file", expected=expected, found=found)
