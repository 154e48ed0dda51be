"""Salience DropOut as an explanation: where PnP-OVSS looked for a class, and what the match hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from attribution import Attribution, Faithfulness, faithfulness
from lposs_core.stages import Watch
from pnp_ovss import ITMBackbone, PnPOVSSConfig, prepare_image, write_captions
from pnp_ovss.label_maps import resize

from .catalogue import find_checkpoint
from .english import english_texts
from .explanation_types import Explained, ExplanationRequest, Finding
from .glossary import keep, to_english
from .pnp import check_readable, find_rounds
from .registry import PipelineRegistry
from .types import Note

PICTURES_AT_ONCE = 4


@dataclass(frozen=True, slots=True, eq=False)
class MatchScore:
    """The raw match logit of pictures and the caption "a picture of" one class.

    Attributes:
        backbone: the model.
        ids: of the caption, shape ``(1, T)``.
    """

    backbone: ITMBackbone
    ids: Tensor

    @classmethod
    def of(cls, backbone: ITMBackbone, texts: Sequence[str]) -> MatchScore:
        """The score of a class's texts, as far as they share a caption."""
        return cls(backbone, torch.tensor([write_captions(backbone, texts)[0].ids]))

    def __call__(self, pictures: Tensor) -> Tensor:
        """Match logits, ``(B,)``, of pictures in ``[0, 1]``, ``(B, 3, S, S)``."""
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (self.backbone.mean, self.backbone.std))
        states = self.backbone.encode((pictures - mean) / std)
        _, logits = self.backbone.attention_and_logit(states, self.ids.expand(len(pictures), -1), 0)
        return logits.detach().float().cpu()


def run_salience_dropout(request: ExplanationRequest, registry: PipelineRegistry, watch: Watch) -> Finding:
    """The rounds of a class added up, as its part of the label map is made from; the pixel is not asked.

    Raises:
        PromptError: a text is not English and the glossary does not know it, or the model cannot read it.
    """
    spec = find_checkpoint(registry.catalogue, request.checkpoint)
    translate = to_english if request.glossary else keep
    texts = english_texts(request.prompts.classes, request.background, translate)
    channels = (*texts.classes, texts.background) if texts.background else texts.classes
    index = request.prompts.names.index(request.class_name)
    settings = spec.pnp_settings if request.pnp is None else request.pnp
    with registry.lease(spec.id, roles=("itm",)) as models:
        for text in (text for group in channels for text in group):
            check_readable(models.itm, text)
        with watch.stage("explain"):
            progress = _as_one_stage(watch)
            salience, _ = find_rounds(models, settings, request.image, channels, registry.cache, progress)
        side = settings.image_side
        picture = prepare_image(request.image, side, (0, 0, 0), (1, 1, 1))[0]
        score = MatchScore.of(models.itm, texts.classes[index])
        heat = resize(salience.class_maps[index : index + 1], side, side, align_corners=False)[0]
        attribution = Attribution(heat, "salience_dropout", score=float(score(picture[None])))
        trust = _trust(request, score, picture, attribution, models.itm.patch_size, watch)
    return Finding(
        attribution=attribution,
        explained=_explained(request, attribution.score, settings),
        checkpoint=models.info,
        faithfulness=trust,
        details={"rounds": settings.rounds, "layer": settings.layer, "head": settings.head},
        notes=(*texts.notes, *([Note("note.whole_picture")] if request.x is not None else [])),
    )


def _as_one_stage(watch: Watch) -> partial[None]:
    """Progress of the rounds, whatever they are at, as that of the explanation."""

    def report(reporter: Watch, stage: str, done: float) -> None:
        reporter.report("explain", done)

    return partial(report, watch)


def _trust(
    request: ExplanationRequest,
    score: MatchScore,
    picture: Tensor,
    attribution: Attribution,
    cell: int,
    watch: Watch,
) -> Faithfulness | None:
    plan = request.trust
    if plan is None:
        return None
    with watch.stage("trust"):
        return faithfulness(
            score,
            picture,
            attribution,
            replacement=plan.replacement,
            steps=plan.steps,
            cell=cell,
            random_orders=plan.random_orders,
            seed=plan.seed,
            internal_batch=PICTURES_AT_ONCE,
            progress=partial(watch.report, "trust"),
        )


def _explained(request: ExplanationRequest, score: float, settings: PnPOVSSConfig) -> Explained:
    side = settings.image_side
    return Explained(
        class_name=request.class_name,
        where="everywhere",
        pixels=side * side,
        quantity="match",
        score=score,
        shown=score,
        working_size=(side, side),
    )
