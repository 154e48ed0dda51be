"""Between the panel of explanations and the pipelines: a question in, cards with maps and figures out."""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import gradio as gr

from pipelines import (
    EXPLANATION_KINDS,
    Cancelled,
    ExplanationRequest,
    ExplanationResult,
    InferenceRequest,
    PipelineError,
    TrustPlan,
    explain,
    infer,
    parse_prompts,
)

from .explain_cards import base_card, map_cards, paired_checkpoints
from .handlers import FORM_FIELDS, Form, Handlers
from .refusals import explain as explain_error
from .text import LANGUAGES

REFRESH_SECONDS: Final = 0.35  # between two pictures of the progress
Updates = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """The panel's inputs, in the order in which the events send them after the page's form."""

    class_name: str | None
    kinds: list[str] | None
    both: bool
    randomise: bool
    point: dict[str, Any] | None
    job: str | None


@dataclass(slots=True)
class Job:
    """One run of the panel: what it has told so far, and whether somebody stopped it."""

    stopped: threading.Event = field(default_factory=threading.Event)
    told: queue.Queue[Updates] = field(default_factory=queue.Queue)

    def tell(self, **news: Any) -> None:
        """Pass news on to whoever watches the job.

        Raises:
            Cancelled: the job was stopped.
        """
        if self.stopped.is_set():
            raise Cancelled.of("stopped")
        self.told.put(news)


class ExplainHandlers:
    """What the panel's events call. One explanation runs at a time, whatever the queue believes.

    Args:
        page: gives pictures and requests.
    """

    def __init__(self, page: Handlers) -> None:
        self._page = page
        self._model = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def open(self, *values: Any) -> Updates:
        """Show the segmentation and its classes to ask about.

        Args:
            *values: the page's form, then the panel's question.
        """
        form, question = self._read(values)
        try:
            names = list(parse_prompts(form.prompts or "").names)
        except PipelineError as error:
            return {"explain_view": _message(error)}
        job = question.job or secrets.token_hex(8)
        if form.image is None:
            return {"explain_job": job}
        try:
            bases = self._bases(form, both=False)
        except Exception as error:
            return {"explain_view": _message(error), "explain_job": job}
        largest = max(bases[0]["classes"], key=lambda item: item["share"])["name"]
        chosen = question.class_name if question.class_name in names else largest
        return {
            "explain_class": gr.update(choices=names, value=chosen),
            "explain_view": _value(bases, [], chosen, self._point(form, question)),
            "explain_job": job,
        }

    def follow(self, *values: Any, event: gr.EventData) -> Updates:
        """Show the new result and its classes; where there are maps to keep, its classes alone."""
        updates = self.open(*values)
        if not event.keep:
            return updates
        return {name: update for name, update in updates.items() if name == "explain_class"}

    def pick(self, *values: Any, event: gr.EventData | None = None) -> Updates:
        """Keep the pixel that was clicked, and ask about the class it has; no pixel asks about a class."""
        form, _ = self._read(values)
        if event is None or form.image is None:
            return {"explain_point": None}
        spot = isinstance(event.x, int) and isinstance(event.y, int)
        point = {"image": str(form.image.path), "x": event.x, "y": event.y} if spot else None
        named = isinstance(event.name, str) and event.name
        return {"explain_point": point} | ({"explain_class": event.name} if named else {})

    def stop(self, job: str | None) -> None:
        """Stop a run; the model is free after the step that is being computed."""
        if job in self._jobs:
            self._jobs[job].stopped.set()

    def run(self, *values: Any) -> Iterator[Updates]:
        """Explain what the panel asks about, telling how far it is. A refusal becomes the panel's sentence.

        Args:
            *values: the page's form, then the panel's question.
        """
        form, question = self._read(values)
        job = Job()
        self._jobs[question.job or ""] = job
        worker = threading.Thread(target=self._work, args=(form, question, job), daemon=True)
        worker.start()
        try:
            yield from _watch(job, worker)
        finally:
            job.stopped.set()
            worker.join()
            self._jobs.pop(question.job or "", None)

    def _read(self, values: tuple[Any, ...]) -> tuple[Form, Question]:
        return Form(*values[: len(FORM_FIELDS)]), Question(*values[len(FORM_FIELDS) :])

    def _work(self, form: Form, question: Question, job: Job) -> None:
        try:
            with self._model:
                self._explain(form, question, job)
        except Cancelled:
            job.told.put({"stopped": True})
        except Exception as error:
            job.told.put(_message(error))

    def _explain(self, form: Form, question: Question, job: Job) -> None:
        _, shown = self._page.request_for(form)
        requests = self._requests(shown, form, question)
        kinds = list(dict.fromkeys(request.kind for request in requests))
        bases = self._bases(form, question.both)
        value = _value(bases, [], question.class_name, self._point(form, question))
        job.tell(**(value | {"pending": kinds, "done": 0.0, "stage": "segment"}))
        cards: list[dict[str, Any]] = []
        for number, kind in enumerate(kinds):
            asked = [request for request in requests if request.kind == kind]
            results: list[ExplanationResult] = []
            for place, request in enumerate(asked):
                reach = (number + place / len(asked)) / len(kinds), 1 / len(asked) / len(kinds)
                results.append(explain(request, self._page.registry, _meter(job, request, reach)))
            cards += map_cards(results)
            job.tell(cards=list(cards), pending=kinds[number + 1 :])
        job.tell(pending=[], done=1.0)

    def _requests(self, shown: InferenceRequest, form: Form, question: Question) -> list[ExplanationRequest]:
        point = self._point(form, question) or {}
        asked = ExplanationRequest(
            image=shown.image,
            prompts=shown.prompts,
            class_name=question.class_name or "",
            method=shown.method,
            checkpoint=shown.checkpoint,
            x=point.get("x"),
            y=point.get("y"),
            settings=shown.settings,
            pnp=shown.pnp,
            background=shown.abstain.background,
            glossary=shown.glossary,
            trust=TrustPlan(),
            randomise=question.randomise,
        )
        checkpoints = self._checkpoints(shown.checkpoint, question.both)
        return [
            replace(asked, kind=kind, checkpoint=checkpoint)
            for kind in question.kinds or []
            for checkpoint in checkpoints
        ]

    def _checkpoints(self, own: str, both: bool) -> list[str]:
        return paired_checkpoints(self._page.registry, own) if both else [own]

    def _bases(self, form: Form, both: bool) -> list[dict[str, Any]]:
        picture, request = self._page.request_for(form)
        results = [
            infer(replace(request, checkpoint=checkpoint), self._page.registry)
            for checkpoint in self._checkpoints(request.checkpoint, both)
        ]
        return [base_card(picture, result) for result in results]

    def _point(self, form: Form, question: Question) -> dict[str, int] | None:
        """The clicked pixel, as long as the picture is the one that was clicked."""
        point = question.point
        if point is None or form.image is None or point["image"] != str(form.image.path):
            return None
        return {"x": point["x"], "y": point["y"]}


def _value(
    bases: list[dict[str, Any]], cards: list[dict[str, Any]], class_name: str | None, point: Any
) -> dict[str, Any]:
    return {"bases": bases, "cards": cards, "class": class_name, "point": point, "pending": [], "done": 1.0}


def _message(error: Exception) -> dict[str, Any]:
    """A refusal as the panel's sentence, in both languages."""
    if isinstance(error, PipelineError):
        return {"message": {code: error.text(code) for code in LANGUAGES}}
    return {"message": dict.fromkeys(LANGUAGES, explain_error(error))}


def _meter(job: Job, request: ExplanationRequest, reach: tuple[float, float]) -> Callable[[str, float], None]:
    """Turns the progress of one explanation into the part of the whole run that is done."""
    checked = request.randomise and EXPLANATION_KINDS[request.kind].checkable
    stages = ["segment", "explain", "trust", *(["randomise"] if checked else [])]

    def report(stage: str, fraction: float) -> None:
        place = stages.index(stage) if stage in stages else 0
        done = reach[0] + reach[1] * (place + fraction) / len(stages)
        job.tell(done=done, stage=stage, kind=request.kind)

    return report


def _watch(job: Job, worker: threading.Thread) -> Iterator[Updates]:
    """The job's news, gathered for a moment each, until it ends."""
    value: dict[str, Any] = {}
    alive = True
    while alive:
        alive = worker.is_alive()
        worker.join(REFRESH_SECONDS)
        news = _gathered(job)
        if news:
            value = value | news
            yield {"explain_view": value}


def _gathered(job: Job) -> dict[str, Any]:
    news: dict[str, Any] = {}
    while not job.told.empty():
        news |= job.told.get()
    return news
