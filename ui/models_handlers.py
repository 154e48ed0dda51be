"""Between the chooser of further models and the downloads."""

from __future__ import annotations

import html
from typing import Any, Final

import gradio as gr

from pipelines import (
    DEFAULT_CHECKPOINT,
    CheckpointSpec,
    DownloadError,
    PipelineError,
    PipelineRegistry,
)
from pipelines.download import DownloadProgress, Downloads
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

    def choose(self, identifier: str | None, language: str) -> Updates:
        """Take a model that is here, or begin to fetch it."""
        spoken = as_language(language)
        spec = self._find(identifier)
        if spec is None:
            return {}
        if spec.refusal() is None:
            return self._use(spec, spoken)
        try:
            self._start(spec)
        except PipelineError as error:
            return {"more": "", **_card(failure_card(spec, error, spoken), waiting=None)}
        return {"more": "", **self._waiting(spec, spoken)}

    def look(self, waiting: str | None, language: str) -> Updates:
        """How far the download is that a visitor waits for; takes the model when it is here."""
        spoken = as_language(language)
        spec = self._find(waiting)
        found = self.downloads.progress(spec.id) if spec and self.downloads else None
        if spec is None or found is None:
            return _card("", waiting=None)
        if found.state == "running":
            return {"model_card": waiting_card(spec, found, spoken)}
        if found.error is not None:
            card = failure_card(spec, found.error, spoken)
            return {
                **_card(card, waiting=None),
                "more": gr.update(choices=more_choices(self.registry, spoken)),
            }
        return self._use(spec, spoken)

    def stop(self, waiting: str | None, language: str) -> Updates:
        """Stop the download; what has arrived is kept."""
        if waiting and self.downloads:
            self.downloads.stop(waiting)
            self.downloads.wait(waiting, 1.0)
        return self.look(waiting, language)

    def describe(self, checkpoint: str | None, method: str) -> Updates:
        """What the chosen checkpoint reads, and whether the glossary matters to it."""
        spec = self._find(checkpoint)
        if spec is None:
            return {}
        serves = spec.languages == ENGLISH_ONLY or method == "pnp_ovss"
        return {"tower": tower_line(spec), "glossary": gr.update(visible=serves)}

    def _find(self, identifier: str | None) -> CheckpointSpec | None:
        return self.registry.catalogue.get(identifier or "")

    def _start(self, spec: CheckpointSpec) -> None:
        if self.downloads is None or not spec.missing_from_hub():
            refusal = spec.refusal()
            raise refusal if refusal is not None else DownloadError.of("offline")
        self.downloads.start(spec)

    def _waiting(self, spec: CheckpointSpec, language: Language) -> Updates:
        found = self.downloads.progress(spec.id) if self.downloads else None
        return _card(waiting_card(spec, found, language), waiting=spec.id)

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
        *((f"{spec.label[language]} · {_where(spec, language)}", spec.id) for spec in rows),
    ]


def tower_line(spec: CheckpointSpec) -> str:
    """Which languages a text tower reads, in both languages of the page; the style sheet shows one."""
    spans = (f'<span lang="{code}">{html.escape(_reads(spec, code))}</span>' for code in LANGUAGES)
    return f'<p class="both">{"".join(spans)}</p>'


def waiting_card(spec: CheckpointSpec, found: DownloadProgress | None, language: Language) -> str:
    """What is being fetched, and how far it is."""
    received, total = (found.received, found.total) if found else (0, 0)
    amount = say("models.progress", language, received=_megabytes(received), total=_megabytes(total))
    bar = f'<progress value="{received}" max="{max(total, 1)}" aria-label="{html.escape(amount)}"></progress>'
    return f"{_facts(spec, language)}{bar}<p>{html.escape(amount)}</p>"


def failure_card(spec: CheckpointSpec, error: PipelineError, language: Language) -> str:
    """Why a model is not here."""
    return f'{_facts(spec, language)}<p class="error" role="alert">{html.escape(error.text(language))}</p>'


def _facts(spec: CheckpointSpec, language: Language) -> str:
    facts = " · ".join((spec.licence, _reads(spec, language), _where(spec, language)))
    return f"<p><b>{html.escape(spec.label[language])}</b></p><p>{html.escape(facts)}</p>"


def _reads(spec: CheckpointSpec, language: Language) -> str:
    if spec.languages == ENGLISH_ONLY:
        return say("models.english", language)
    names = [say(f"tongue.{code}", language) for code in spec.languages]
    return say("models.reads", language, languages=", ".join(names))


def _where(spec: CheckpointSpec, language: Language) -> str:
    size = sum(file.megabytes for file in spec.missing_from_hub())
    if size:
        return say("models.away", language, megabytes=_megabytes(size * 10**6))
    return say("models.here" if spec.refusal() is None else "models.broken", language)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}".replace(",", "\u00a0")


def _card(content: str, *, waiting: str | None) -> Updates:
    running = waiting is not None
    return {
        "model_card": gr.update(value=content, visible=bool(content)),
        "model_stop": gr.update(visible=running),
        "waiting": waiting,
        "model_timer": gr.Timer(active=running),
    }
