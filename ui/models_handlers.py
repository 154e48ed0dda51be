"""Between the chooser of further models and the downloads."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, Final

import gradio as gr

from pipelines import (
    DEFAULT_CHECKPOINT,
    DEFAULT_METHOD,
    CheckpointSpec,
    PipelineError,
    PipelineRegistry,
)
from pipelines.download import DownloadProgress, Downloads, Ticket
from pipelines.hub_catalogue import LocatedCatalogue
from pipelines.messages import Language

from .text import LANGUAGES, as_language, say

Updates = dict[str, Any]
Choices = list[tuple[str, str]]
ENGLISH_ONLY: Final = ("en",)


class ModelHandlers:
    """What the chooser of further models calls. Downloads are shared by all visitors.

    Args:
        registry: whose catalogue is offered.
    """

    def __init__(self, registry: PipelineRegistry) -> None:
        self.registry = registry
        catalogue = registry.catalogue
        self.downloads = Downloads(catalogue.store) if isinstance(catalogue, LocatedCatalogue) else None

    def choose(
        self, identifier: str | None, language: str, waiting: Ticket | None = None, visitor: str = ""
    ) -> Updates:
        """Take a model that is here, or begin to fetch it; an earlier download is left."""
        spoken = as_language(language)
        spec = self._find(identifier)
        if spec is None:
            return {}
        if waiting is not None and waiting.checkpoint == spec.id:
            return {"more": "", **self.look(waiting, language)}
        self._leave(waiting)
        refusal = spec.refusal()
        if refusal is None:
            return self._use(spec, spoken)
        try:
            ticket = self._join(spec, refusal, visitor)
        except PipelineError as error:
            return {"more": "", **_card(failure_card(spec, error), waiting=None)}
        return {"more": "", **_card("", waiting=ticket), **self.look(ticket, language)}

    def look(self, waiting: Ticket | None, language: str) -> Updates:
        """How far the download is that a visitor waits for; takes the model when it is here.

        A page may ask once more after it has left; what it shows then stays.
        """
        found = self.downloads.look(waiting) if waiting is not None and self.downloads else None
        if waiting is None or found is None:
            return {}
        spec = self.registry.catalogue[waiting.checkpoint]
        if found.state == "running":
            return {"model_card": gr.update(value=waiting_card(spec, found), visible=True)}
        if found.error is not None:
            return self._ended(failure_card(spec, found.error), as_language(language))
        return self._use(spec, as_language(language))

    def stop(self, waiting: Ticket | None, language: str) -> Updates:
        """Wait no longer. The download stops unless others wait for it; what has arrived is kept."""
        found = self._leave(waiting)
        if waiting is None or found is None:
            return {}
        spec = self.registry.catalogue[waiting.checkpoint]
        if found.state == "done":
            return self._use(spec, as_language(language))
        return self._ended(left_card(spec, found), as_language(language))

    def describe(self, checkpoint: str | None, method: str) -> Updates:
        """What is read with the chosen checkpoint and method, and whether the glossary matters to it."""
        spec = self._find(checkpoint)
        if spec is None:
            return {}
        serves = spec.languages == ENGLISH_ONLY or method == "pnp_ovss"
        return {"tower": tower_line(spec, method), "glossary": gr.update(visible=serves)}

    def _find(self, identifier: str | None) -> CheckpointSpec | None:
        return self.registry.catalogue.get(identifier or "")

    def _join(self, spec: CheckpointSpec, refusal: PipelineError, visitor: str) -> Ticket:
        if self.downloads is None or not spec.missing_from_hub():
            raise refusal
        return self.downloads.join(spec, visitor)

    def _leave(self, waiting: Ticket | None) -> DownloadProgress | None:
        return self.downloads.leave(waiting) if waiting is not None and self.downloads else None

    def _ended(self, card: str, language: Language) -> Updates:
        choices = more_choices(self.registry, language)
        return {**_card(card, waiting=None), "more": gr.update(choices=choices)}

    def _use(self, spec: CheckpointSpec, language: Language) -> Updates:
        pills = pill_choices(self.registry, language, spec.id)
        more = gr.update(choices=more_choices(self.registry, language), value="")
        return {
            "checkpoint": gr.update(choices=pills, value=spec.id),
            **_card("", waiting=None),
            "more": more,
        }


def pill_choices(registry: PipelineRegistry, language: Language, chosen: str = DEFAULT_CHECKPOINT) -> Choices:
    """(label, id) of the bundled checkpoints, and of the one chosen from the others."""
    specs = registry.catalogue.values()
    bundled = [spec for spec in specs if spec.source == "bundled"]
    kinds = {spec.kind for spec in bundled}
    if len(kinds) == len(bundled):
        pills = [(say(f"kind.{spec.kind}", language), spec.id) for spec in bundled]
    else:
        pills = [(spec.label[language], spec.id) for spec in bundled]
    extra = [(spec.label[language], spec.id) for spec in specs if spec.id == chosen and spec not in bundled]
    return pills + extra


def more_choices(registry: PipelineRegistry, language: Language) -> Choices:
    """(label and what a download takes, id) of the checkpoints of a hub and of this machine."""
    rows = [spec for spec in registry.catalogue.values() if spec.source != "bundled"]
    return [
        (say("models.choose", language), ""),
        *((f"{spec.label[language]} · {_where(spec, language, 'models.fetch')}", spec.id) for spec in rows),
    ]


def tower_line(spec: CheckpointSpec, method: str = DEFAULT_METHOD) -> str:
    """Which languages can be written in, as HTML; PnP-OVSS reads English with any checkpoint."""
    if method == "pnp_ovss":
        return _paragraph(lambda code: say("models.pnp", code))
    return _paragraph(lambda code: _reads(spec, code))


def waiting_card(spec: CheckpointSpec, found: DownloadProgress) -> str:
    """What is being fetched, and how far it is."""
    received, total = _megabytes(found.received), _megabytes(found.total)
    bar = f'<progress value="{found.received}" max="{max(found.total, 1)}" aria-label="{spec.id}"></progress>'
    amount = _paragraph(lambda code: say("models.progress", code, received=received, total=total))
    return _facts(spec) + bar + amount


def failure_card(spec: CheckpointSpec, error: PipelineError) -> str:
    """Why a model is not here."""
    return _facts(spec) + _paragraph(error.text, "error")


def left_card(spec: CheckpointSpec, found: DownloadProgress) -> str:
    """What becomes of a download that a visitor has left."""
    if found.error is not None:
        return failure_card(spec, found.error)
    return _facts(spec) + _paragraph(lambda code: say("models.left", code))


def _facts(spec: CheckpointSpec) -> str:
    def facts(code: Language) -> str:
        return " · ".join((spec.licence, _reads(spec, code), _where(spec, code)))

    return _paragraph(lambda code: spec.label[code], "name") + _paragraph(facts)


def _paragraph(sentence: Callable[[Language], str], kind: str = "") -> str:
    """A sentence in both languages of the page, of which the style sheet shows one."""
    spans = (f'<span lang="{code}">{html.escape(sentence(code))}</span>' for code in LANGUAGES)
    role = ' role="alert"' if kind == "error" else ""
    return f'<p class="{f"both {kind}".strip()}"{role}>{"".join(spans)}</p>'


def _reads(spec: CheckpointSpec, language: Language) -> str:
    if spec.languages == ENGLISH_ONLY:
        return say("models.english", language)
    names = [say(f"tongue.{code}", language) for code in spec.languages]
    return say("models.reads", language, languages=", ".join(names))


def _where(spec: CheckpointSpec, language: Language, away: str = "models.away") -> str:
    size = sum(file.megabytes for file in spec.missing_from_hub())
    if size:
        return say(away, language, megabytes=_megabytes(size * 10**6))
    return say("models.here" if spec.refusal() is None else "models.broken", language)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}".replace(",", "\u00a0")


def _card(content: str, *, waiting: Ticket | None) -> Updates:
    running = waiting is not None
    return {
        "model_card": gr.update(value=content, visible=bool(content)),
        "model_stop": gr.update(visible=running),
        "waiting": waiting,
        "model_timer": gr.Timer(active=running),
    }
