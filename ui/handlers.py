"""Between the page and the pipelines: component values in, a request; a result, component values out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import gradio as gr

from lposs_core import LPOSSConfig
from pipelines import (
    Abstention,
    ImageError,
    InferenceRequest,
    InferenceResult,
    PipelineRegistry,
    PromptError,
    SettingsError,
    find_prompt_set,
    format_prompts,
    infer,
    parse_prompts,
    write_label_png,
)
from pipelines.messages import Language
from pnp_ovss import PnPOVSSConfig

from .files import file_data, write_download
from .images import Picture, PictureStore, Upload, write_thumbnail
from .inspect_store import ResultStore
from .refusals import explain, notice, refusal, show_toast
from .rounds_handlers import chosen_settings, rounds_value
from .settings import NAMES, read_settings, shown_settings
from .text import LANGUAGES, as_language, say
from .viewer import build_scene

DISPLAYED_SIDE: Final = 1600
FIRST_TOPIC: Final = "facade-parts"
Updates = dict[str, Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Form:
    """The values of the page's inputs, in the order in which the events send them."""

    image: Upload | None
    prompts: str | None
    method: str
    checkpoint: str
    precision: str
    short_side: float
    crop: float
    stride: float
    k: float
    alpha: float
    gamma: float
    sigma: float
    tau: float
    r: float
    solver: str
    threshold: float
    background: str | None
    language: str
    own_settings: Mapping[str, Any] | None
    last_image: str | None
    refused_image: str | None
    glossary: bool
    pnp_rounds: float
    pnp_threshold: float
    pnp_postprocess: str

    @property
    def spoken(self) -> Language:
        """The page's language."""
        return as_language(self.language)

    @property
    def shown(self) -> dict[str, Any]:
        """The hyper-parameters as the page shows them."""
        return {name: getattr(self, name) for name in NAMES}


FORM_FIELDS: Final = tuple(item.name for item in fields(Form))


class Handlers:
    """What the page's events call. Holds the models and the pictures opened last; nothing of any visitor.

    Args:
        registry: gives out models.
        examples: picture files to choose from.
    """

    def __init__(self, registry: PipelineRegistry, examples: tuple[Path, ...]) -> None:
        self.registry = registry
        self.examples = examples
        self.pictures = PictureStore()
        self.results = ResultStore()

    def open_page(self, language: str) -> Updates:
        """First picture and prompts of a fresh page, in the visitor's language."""
        spoken = as_language(language)
        first = str(self.examples[0]) if self.examples else None
        return {
            "language": spoken,
            "image": first,
            "last_image": first,
            "topic": FIRST_TOPIC,
            "variant": spoken,
            **self.fill_prompts(FIRST_TOPIC, spoken),
            "examples": self.example_strip(),
        }

    def warm_up(self) -> None:
        """Segment the picture that a fresh page opens with, so that the first visitor does not wait.

        Raises:
            PipelineError: the picture or the model cannot be used.
        """
        if not self.examples:
            return
        pixels = self.pictures.open(self.examples[0]).pixels
        for language in LANGUAGES:
            prompts = find_prompt_set(f"{FIRST_TOPIC}-{language}").prompts
            infer(InferenceRequest(pixels, prompts, max_side=DISPLAYED_SIDE), self.registry)

    def example_strip(self) -> list[dict[str, Any]]:
        """Thumbnails of the examples; files that are no acceptable picture are left out."""
        strip = []
        for index, path in enumerate(self.examples):
            try:
                strip.append({"index": index, "image": file_data(write_thumbnail(path))})
            except ImageError as error:
                logger.warning("example %s is left out: %s", path.name, error)
        return strip

    def choose_example(self, index: object) -> Updates:
        """Put an example into the picture input; an unknown index changes nothing."""
        if not isinstance(index, int) or not 0 <= index < len(self.examples):
            return {}
        return {"image": str(self.examples[index])}

    def fill_prompts(self, topic: str, variant: str) -> Updates:
        """Put a built-in prompt set into the editor."""
        return {"prompts": format_prompts(find_prompt_set(f"{topic}-{variant}").prompts)}

    def translate_prompts(self, language: str, topic: str, variant: str, prompts: str | None) -> Updates:
        """Follow the page's language with the built-in prompts, unless the visitor has changed them."""
        spoken = as_language(language)
        untouched = (prompts or "").strip() == self.fill_prompts(topic, variant)["prompts"].strip()
        if not untouched or variant not in LANGUAGES or variant == spoken:
            return {}
        return {"variant": spoken, **self.fill_prompts(topic, spoken)}

    def reset_settings(self, own: Mapping[str, Any] | None, nudge: float) -> Updates:
        """Show the checkpoint's own hyper-parameters again, and ask for a new result."""
        return {**(own or {}), "precision": "fp32", "nudge": (nudge or 0) + 1}

    def segment(self, *values: Any) -> Updates:
        """Segment the picture as the page asks for it. Refusals leave prompts and last result alone."""
        form = Form(*values)
        try:
            return self._segment(form)
        except Exception as error:
            return _refuse(error, form)

    def _segment(self, form: Form) -> Updates:
        if form.image is None:
            return {"viewer": None, "notice": notice(say("no_image", form.spoken))}
        picture = self.pictures.open(form.image.path)
        result = self._infer(form, picture, DISPLAYED_SIDE)
        updates: Updates = {
            "viewer": build_scene(picture.jpeg, result, self.results.keep(result)),
            "notice": "".join(notice(note.text(form.spoken)) for note in (*picture.notes, *result.notes)),
            "last_image": str(form.image.path),
            "refused_image": None,
            "rounds": rounds_value(picture, result),
        }
        if self._wants_own(form) and isinstance(result.settings, LPOSSConfig):
            shown = shown_settings(result.settings)
            updates |= {"own_settings": shown, **{k: v for k, v in shown.items() if v != form.shown[k]}}
        return updates

    def result_for(self, form: Form) -> tuple[Picture, InferenceResult]:
        """The picture of a form and its result as the page shows it.

        Raises:
            PipelineError: the request is refused.
            ValueError: the form has no picture.
        """
        picture, request = self.request_for(form)
        return picture, infer(request, self.registry)

    def request_for(self, form: Form) -> tuple[Picture, InferenceRequest]:
        """The picture of a form and what its result is asked for by.

        Raises:
            PipelineError: the picture, the prompts or a setting is refused.
            ValueError: the form has no picture.
        """
        if form.image is None:
            raise ValueError("the form has no picture")
        picture = self.pictures.open(form.image.path)
        return picture, self._request(form, picture, DISPLAYED_SIDE)

    def _infer(self, form: Form, picture: Picture, max_side: int | None) -> InferenceResult:
        return infer(self._request(form, picture, max_side), self.registry)

    def _request(self, form: Form, picture: Picture, max_side: int | None) -> InferenceRequest:
        return InferenceRequest(
            picture.pixels,
            parse_prompts(form.prompts or ""),
            method=form.method,  # type: ignore[arg-type]
            checkpoint=form.checkpoint,
            settings=self._settings(form),
            abstain=Abstention(form.threshold, split_words(form.background)),
            max_side=max_side,
            precision=form.precision,  # type: ignore[arg-type]
            glossary=bool(form.glossary),
            pnp=self._pnp_settings(form),
        )

    def _wants_own(self, form: Form) -> bool:
        """Whether the panel still shows the values that the last checkpoint came with."""
        return form.own_settings is None or form.shown == dict(form.own_settings)

    def _settings(self, form: Form) -> LPOSSConfig | None:
        if self._wants_own(form):
            return None
        own = self.registry.catalogue[form.checkpoint].settings
        try:
            return read_settings(form.shown, own)
        except (TypeError, ValueError) as error:
            raise SettingsError(str(error), code="out_of_range") from error

    def _pnp_settings(self, form: Form) -> PnPOVSSConfig:
        own = self.registry.catalogue[form.checkpoint].pnp_settings
        try:
            return chosen_settings(own, form.pnp_rounds, form.pnp_threshold, form.pnp_postprocess)
        except (TypeError, ValueError) as error:
            raise SettingsError(str(error), code="out_of_range") from error

    def save_label_map(self, *values: Any) -> str:
        """Write the label map at the picture's full size, for download.

        Raises:
            gr.Error: there is no picture, or the request was refused.
        """
        form = Form(*values)
        if form.image is None:
            raise gr.Error(say("no_image", form.spoken), print_exception=False)
        try:
            picture = self.pictures.open(form.image.path)
            result = self._infer(form, picture, None)
        except Exception as error:
            raise refusal(error, form.spoken) from error
        return str(write_download("label-map.png", lambda path: write_label_png(path, result.label_map)))


def split_words(text: str | None) -> tuple[str, ...]:
    """Background words: separated by commas, semicolons or line ends."""
    pieces = (text or "").replace(";", ",").replace("\n", ",").split(",")
    return tuple(piece.strip() for piece in pieces if piece.strip())


def _refuse(error: Exception, form: Form) -> Updates:
    sentence = explain(error, form.spoken)
    if isinstance(error, ImageError) and form.image is not None:
        path = str(form.image.path)
        if path != form.refused_image:  # a browser may report one upload twice
            show_toast(sentence, form.spoken)
        return {"image": form.last_image, "refused_image": path}
    if not isinstance(error, PromptError):  # a visitor in the middle of a word needs no toast
        show_toast(sentence, form.spoken)
    return {"notice": notice(sentence, "error")}
