"""PnP-OVSS behind :func:`pipelines.infer`: English captions, dropout rounds, label maps, and their cache."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lposs_core import LPOSSConfig
from pnp_ovss import DenseCRFError, ITMBackbone, PnPOVSS, PnPOVSSConfig, Salience, Stack, smoothed_stack
from pnp_ovss.label_maps import refined_stack, resize

from .cache import FeatureCache
from .catalogue import METHOD_ROLES, CheckpointSpec
from .class_filters import filter_roles, kept_classes
from .english import EnglishTexts, Translate, english_texts
from .errors import PromptError, SettingsError
from .prompts import shown
from .registry import LoadedCheckpoint
from .segmented import Progress, Segmented, timed
from .types import NO_CLASS, DropoutRounds, InferenceRequest, Note, Precision, ScoreMaps

ROUND_SETTINGS: Final = (
    "image_side",
    "layer",
    "head",
    "rounds",
    "drop_rule",
    "drop_count",
    "normalise",
    "join_words",
    "quirks",
)
"""Settings that decide the dropout rounds; the others act on the finished maps."""
Texts = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class PnPPlan:
    """A request for PnP-OVSS whose texts have been brought into English.

    Attributes:
        request: picture, prompts and choices.
        settings: hyper-parameters.
        windows: settings of CLIP, for a filter that asks it.
        templates: likewise.
        texts: in English.
    """

    request: InferenceRequest
    settings: PnPOVSSConfig
    windows: LPOSSConfig
    templates: tuple[str, ...]
    texts: EnglishTexts

    @property
    def precision(self) -> Precision:
        """Single: half precision changes GradCAM by several per cent."""
        return "fp32"

    @property
    def roles(self) -> tuple[str, ...]:
        """Image-text matching, and the dual encoder for a filter that asks it."""
        return (*METHOD_ROLES["pnp_ovss"], *filter_roles(self.request.class_filter))

    def run(self, models: LoadedCheckpoint, cache: FeatureCache, progress: Progress | None) -> Segmented:
        """Segment the picture; rounds and label maps of earlier requests are taken from the cache.

        Raises:
            PromptError: the model cannot read a text.
            SettingsError: the layer, head or picture side does not exist in this model.
        """
        seconds: dict[str, float] = {}
        with timed(seconds, "filter"):
            kept = kept_classes(self.request, models.parts.get("clip"), self.windows, self.templates, cache)
        texts = self._channels(models.itm, kept)
        with timed(seconds, "rounds"):
            salience, key = find_rounds(models, self.settings, self.request.image, texts, cache, progress)
        with timed(seconds, "postprocess"):
            stack, failure = self._stack(salience, key, cache, progress)
        with timed(seconds, "label_map"):
            labels, scores = self._labels(
                stack, kept, probabilities="crf" in self.settings.postprocess and not failure
            )
        rounds = _rounds(salience, kept, len(self.request.prompts))
        return Segmented(labels, scores, seconds, (*self.texts.notes, *self._notes(kept, failure)), rounds)

    def _channels(self, backbone: ITMBackbone, kept: tuple[int, ...]) -> Texts:
        """Texts of the classes that are searched for, those of the background last."""
        if not 0 <= min(kept) <= max(kept) < len(self.texts.classes):
            raise SettingsError.of("filter", number=max(kept) + 1, count=len(self.texts.classes))
        groups = tuple(self.texts.classes[index] for index in kept)
        channels = (*groups, self.texts.background) if self.texts.background else groups
        for text in (text for group in channels for text in group):
            check_readable(backbone, text)
        return channels

    def _stack(
        self, salience: Salience, key: Hashable, cache: FeatureCache, progress: Progress | None
    ) -> tuple[Stack, str]:
        """Scores of all channels; why the dense CRF was left out, where it was."""
        image, settings = self.request.image, self.settings
        if progress is not None:
            progress("postprocess", 0.0)
        smooth = cache.get(
            ("pnp_smooth", key, settings), lambda: smoothed_stack(salience.class_maps, image, settings)
        )
        try:
            refined: Stack = cache.get(
                ("pnp_refined", key, settings), lambda: refined_stack(smooth, image, settings)
            )
        except DenseCRFError as error:
            return smooth, str(error)
        return refined, ""

    def _labels(
        self, stack: Stack, kept: tuple[int, ...], *, probabilities: bool
    ) -> tuple[NDArray[np.uint8], ScoreMaps]:
        """The label map and the probabilities of every class of the request."""
        classes = np.full(len(stack.scores), NO_CLASS, dtype=np.uint8)
        first = int(stack.background)
        classes[first : first + len(kept)] = kept
        height, width = self.request.label_size
        labels = classes[stack.index_map(height, width)]
        shares = stack.scores if probabilities else _softmax(stack.scores)
        if self.request.abstain.threshold > 0:
            certain = resize(shares.max(0, keepdims=True), height, width, align_corners=False)[0]
            labels[certain < self.request.abstain.threshold] = NO_CLASS
        maps = np.zeros((len(self.request.prompts), *shares.shape[1:]), np.float16)
        maps[list(kept)] = shares[first : first + len(kept)]
        nothing = shares[classes == NO_CLASS]
        rest = nothing.sum(0).astype(np.float16) if len(nothing) else None
        size = self.request.image.shape[:2]
        return labels, ScoreMaps(maps, rest, (size[0], size[1]), scale=0.0)

    def _notes(self, kept: tuple[int, ...], failure: str) -> list[Note]:
        notes = []
        total = len(self.request.prompts)
        if len(kept) < total:
            names = ", ".join(self.request.prompts.names[index] for index in kept)
            notes.append(Note("note.kept", {"count": len(kept), "total": total, "names": names}))
        if self.request.precision != self.precision:
            notes.append(Note("note.fp32"))
        if failure:
            notes.append(Note("note.no_crf", {"problem": failure}))
        return notes


def plan_pnp(
    request: InferenceRequest,
    spec: CheckpointSpec,
    templates: tuple[str, ...],
    translate: Translate,
) -> PnPPlan:
    """Check a request for PnP-OVSS before any model is loaded.

    Args:
        request: picture, prompts and choices.
        spec: the checkpoint's row.
        templates: for a filter that asks CLIP.
        translate: the glossary.

    Raises:
        PromptError: a text is not English and the glossary does not know it.
    """
    texts = english_texts(request.prompts.classes, request.abstain.background, translate)
    return PnPPlan(request, request.pnp or spec.pnp_settings, spec.settings, templates, texts)


def find_rounds(
    models: LoadedCheckpoint,
    settings: PnPOVSSConfig,
    image: NDArray[np.uint8],
    texts: Texts,
    cache: FeatureCache,
    progress: Progress | None,
) -> tuple[Salience, Hashable]:
    """The dropout rounds of a picture and the key that names them; those of earlier requests are kept.

    Raises:
        SettingsError: the layer, head or picture side does not exist in this model.
    """
    segmenter = _segmenter(models, settings)
    key = _rounds_key(models.itm, _digest(image), texts, settings)
    salience: Salience = cache.get(key, partial(segmenter.salience, image, texts, progress=progress))
    return salience, key


def check_readable(backbone: ITMBackbone, text: str) -> None:
    """Refuse a text that a model cannot put into a caption.

    Raises:
        PromptError: the model knows no part of it, or it is longer than a caption.
    """
    pieces = len(backbone.word_pieces(text))
    room = backbone.max_tokens - sum(map(len, backbone.frame))
    if not pieces:
        raise PromptError.of("unknown_word", seen=shown(text))
    if pieces > room:
        raise PromptError.of("too_long.pieces", seen=shown(text), count=pieces, limit=room)


def _segmenter(models: LoadedCheckpoint, settings: PnPOVSSConfig) -> PnPOVSS:
    try:
        return PnPOVSS(models.itm, settings)
    except ValueError as error:
        raise SettingsError.of("out_of_range", name=models.info.id, problem=str(error)) from error


def _rounds_key(backbone: ITMBackbone, picture: str, texts: Texts, settings: PnPOVSSConfig) -> Hashable:
    values = tuple(getattr(settings, name) for name in ROUND_SETTINGS)
    return ("pnp_rounds", backbone.digest, picture, texts, values)


def _rounds(salience: Salience, kept: Sequence[int], total: int) -> DropoutRounds:
    """The rounds for the page, with every class of the request in its place."""
    return DropoutRounds(
        maps=_spread(salience.rounds[:, : len(kept)], kept, total),
        merged=_spread(salience.class_maps[: len(kept)], kept, total),
        dropped=salience.dropped,
        match=salience.match_logits.mean(1),
    )


def _spread(maps: NDArray[np.float32], places: Sequence[int], total: int) -> NDArray[np.float32]:
    """Put the maps of some classes, ``(..., C, P, P)``, among those of all; the others are 0."""
    spread = np.zeros((*maps.shape[:-3], total, *maps.shape[-2:]), np.float32)
    spread[..., list(places), :, :] = maps
    return spread


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(scores - scores.max(0))
    return np.asarray(powers / powers.sum(0), np.float32)


def _digest(image: NDArray[np.uint8]) -> str:
    content = hashlib.blake2b(str(image.shape).encode(), digest_size=16)
    content.update(np.ascontiguousarray(image).data)
    return content.hexdigest()
