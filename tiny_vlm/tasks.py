"""What is trained: the dual encoder and the patch encoder, each with its batches, loss and score."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

import numpy as np
import torch
from open_clip import CLIP, OPENAI_IMAGENET_TEMPLATES
from open_clip.tokenizer import SimpleTokenizer
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from tiny_vlm.bpe import encode_batch
from tiny_vlm.configs import build_dual_encoder, build_patch_encoder, vocabulary_size
from tiny_vlm.data import Batch, Source, draw_batch, draw_views, watch_batch
from tiny_vlm.features import (
    image_embeddings,
    patch_embeddings,
    patch_values,
    penultimate_tokens,
    text_embeddings,
)
from tiny_vlm.losses import agreement_loss, caption_loss, concept_weights, patch_phrase_loss, phrase_loss
from tiny_vlm.spaces import LabelSpace, is_damage
from tiny_vlm.vocabulary import SENTENCES, draw_phrase, fill_sentence, phrases

CROP_SIZES = (128, 160, 192, 192)  # pixels: 8 to 12 patches a side
PHRASES_PER_CONCEPT = 3  # drawn in each step
CAPTION_EVERY = 4  # steps between two caption losses
CAPTION_WEIGHT = 0.4
PHRASE_WEIGHT = 0.2
BPE_DROPOUT = 0.1
COARSE = ("wall", "window", "door", "sign", "ground", "vehicle")
Network = TypeVar("Network", bound=nn.Module)
FRAMES = (*SENTENCES, *(template("{}") for template in OPENAI_IMAGENET_TEMPLATES))


class Task(Protocol):
    """Something to train: a module, a loss for each step and a score to watch."""

    model: nn.Module

    def loss(self, step: int) -> Tensor:
        """Compute the loss of one step from a batch that ``step`` determines."""

    def score(self, model: nn.Module) -> str:
        """Describe how ``model`` does on the photographs that watch."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Everything a task draws from.

    Attributes:
        sources: pictures to learn from.
        watching: pictures to be scored on; may be empty.
        spaces: label spaces by name.
        batch: crops a step.
        seed: of every batch.
        rarity: power and limit of the weights of rare concepts, see ``concept_weights``.
        crops: sides of the crops in pixels, multiples of 16, taken in turn.
        damage: how many times more a damaged patch counts than one of a like rare thing.
    """

    sources: Sequence[Source]
    watching: Sequence[Source]
    spaces: Mapping[str, LabelSpace]
    batch: int
    seed: int
    rarity: tuple[float, float] = (0.35, 8.0)
    crops: Sequence[int] = CROP_SIZES
    damage: float = 1.0


class DualEncoderTask:
    """Patch-to-phrase contrast through MaskCLIP's path, with a little picture-to-caption contrast."""

    def __init__(self, data: TrainingData, tokenizer: SimpleTokenizer, device: torch.device) -> None:
        network = build_dual_encoder(vocabulary_size(tokenizer))
        self.model = plain_attention(network).to(device, memory_format=torch.channels_last)
        self._data, self._tokenizer, self._device = data, tokenizer, device
        self._weights = {
            name: weight.to(device)
            for name, weight in balance(data.sources, data.spaces, data.rarity, data.damage).items()
        }

    def loss(self, step: int) -> Tensor:
        rng, words = np.random.default_rng((self._data.seed, step)), random.Random(self._data.seed * 7 + step)
        size = self._data.crops[step % len(self._data.crops)]
        batch = draw_batch(self._data.sources, self._data.spaces, size, self._data.batch, rng)
        tokens = penultimate_tokens(self.model.visual.trunk, batch.images.to(self._device))
        scale = self.model.logit_scale.exp().clamp_max(100)
        texts = self._phrases(sorted(set(batch.space)), words)
        loss = patch_phrase_loss(
            patch_embeddings(self.model, tokens),
            batch.space,
            [share.to(self._device) for share in batch.shares],
            texts,
            self._weights,
            scale,
        )
        loss = loss + PHRASE_WEIGHT * phrase_loss(texts, scale)
        if step % CAPTION_EVERY == 0:
            captions = self._embed(draw_captions(batch, self._data.spaces, words), words)
            loss = loss + CAPTION_WEIGHT * caption_loss(
                image_embeddings(self.model, tokens), captions, scale.clamp_max(20)
            )
        return loss

    @torch.no_grad()
    def score(self, model: nn.Module) -> str:
        return describe_coarse(cast(CLIP, model), self._data, self._tokenizer)

    def _phrases(self, spaces: Sequence[str], words: random.Random) -> dict[str, Tensor]:
        """Embed drawn phrases of every concept in ``spaces``: by space ``(K, concepts, D)``."""
        concepts = sorted({concept for name in spaces for concept in self._data.spaces[name].concepts})
        texts = [
            fill_sentence(draw_phrase(concept, words), FRAMES, words)
            for _ in range(PHRASES_PER_CONCEPT)
            for concept in concepts
        ]
        vectors = self._embed(texts, words).reshape(PHRASES_PER_CONCEPT, len(concepts), -1)
        return {
            name: vectors[:, [concepts.index(concept) for concept in self._data.spaces[name].concepts]]
            for name in spaces
        }

    def _embed(self, texts: list[str], words: random.Random) -> Tensor:
        ids = encode_batch(self._tokenizer, texts, BPE_DROPOUT, words)
        return text_embeddings(self.model, ids.to(self._device))


class PatchEncoderTask:
    """Patches of one thing agree, across two crops of a picture; others do not."""

    def __init__(self, data: TrainingData, device: torch.device) -> None:
        self.model = plain_attention(build_patch_encoder()).to(device, memory_format=torch.channels_last)
        self._data, self._device = data, device
        self._weights = {
            name: weight.to(device)
            for name, weight in balance(data.sources, data.spaces, data.rarity, data.damage).items()
        }

    def loss(self, step: int) -> Tensor:
        rng = np.random.default_rng((self._data.seed, 1, step))
        size = self._data.crops[step % len(self._data.crops)]
        views = draw_views(self._data.sources, self._data.spaces, size, self._data.batch // 2, rng)
        return self._agreement(views)

    @torch.no_grad()
    def score(self, model: nn.Module) -> str:
        if not self._data.watching:
            return "no photographs watch"
        batch = watch_batch(self._data.watching, self._data.spaces, space="parts")
        features = patch_values(cast(VisionTransformer, model), batch.images.to(self._device)).cpu()
        like, unlike = [], []
        for vectors, share in zip(features, batch.shares, strict=True):
            pure = share.max(1).values > 0.9
            kind, cosine = share[pure].argmax(1), vectors[pure] @ vectors[pure].T
            same = kind[:, None] == kind[None, :]
            like.append(cosine[same])
            unlike.append(cosine[~same])
        alike, others = torch.cat(like), torch.cat(unlike)
        high = others.sort().values[int(0.95 * len(others))]
        return (
            f"cosine of like {alike.mean():.3f}, of unlike {others.mean():.3f} (95th percentile {high:.3f})"
        )

    def _agreement(self, batch: Batch) -> Tensor:
        """Loss of a batch whose crops 2 i and 2 i + 1 show one picture."""
        features = patch_values(self.model, batch.images.to(self._device))
        shares = [
            torch.cat(batch.shares[index : index + 2]).to(self._device)
            for index in range(0, len(batch.shares), 2)
        ]
        weights = [self._weights[name] for name in batch.space[::2]]
        return agreement_loss(features.reshape(len(weights), -1, features.shape[-1]), shares, weights)


@torch.no_grad()
def describe_coarse(clip: CLIP, data: TrainingData, tokenizer: SimpleTokenizer) -> str:
    """Score the plain words of ``COARSE`` on the photographs that watch."""
    if not data.watching:
        return "no photographs watch"
    device = clip.logit_scale.device
    batch = watch_batch(data.watching, data.spaces)
    patches = patch_embeddings(clip, penultimate_tokens(clip.visual.trunk, batch.images.to(device)))
    scores = []
    for language in ("en", "ru"):
        texts = [phrases()[concept][language][0] for concept in COARSE]
        ids = encode_batch(tokenizer, texts, 0, random.Random(0)).to(device)
        winner = (patches @ text_embeddings(clip, ids).T).argmax(-1).cpu()
        scores.append(f"{language} {mean_iou(winner, batch, data.spaces):.3f}")
    scale = float(clip.logit_scale.exp())
    return f"coarse mIoU on watching crops {', '.join(scores)}, scale {scale:.1f}"


def plain_attention(network: Network) -> Network:
    """Compute attention by plain products: on CPUs twice as quick to train as the fused kernel."""
    for module in network.modules():
        if hasattr(module, "fused_attn"):
            setattr(module, "fused_attn", False)  # noqa: B010 - a flag of timm's
    return network


def balance(
    sources: Sequence[Source],
    spaces: Mapping[str, LabelSpace],
    rarity: tuple[float, float],
    damage: float = 1.0,
) -> dict[str, Tensor]:
    """Weigh the concepts of each space by how rare they are in ``sources``, damage ``damage`` times more.

    Returns:
        By space the weights of its concepts, ``(concepts,)``.
    """
    frequency = {name: np.zeros(len(space.concepts)) for name, space in spaces.items()}
    for source in sources:
        histogram = sum(np.bincount(picture.mask.ravel(), minlength=256) for picture in source.pictures)
        for name in source.spaces:
            columns = spaces[name].columns
            kept = columns < len(spaces[name].concepts)
            counts = np.bincount(columns[kept], np.asarray(histogram)[kept], len(spaces[name].concepts))
            frequency[name] += source.share * counts / max(1, counts.sum())
    return {
        name: concept_weights(torch.tensor(values).float(), *rarity)
        * torch.tensor([damage if is_damage(concept) else 1.0 for concept in spaces[name].concepts])
        for name, values in frequency.items()
    }


def draw_captions(batch: Batch, spaces: Mapping[str, LabelSpace], words: random.Random) -> list[str]:
    """Name up to four of the things that fill at least 3 % of each crop, in one language each."""
    captions = []
    for name, share in zip(batch.space, batch.shares, strict=True):
        present = [index for index, part in enumerate(share.mean(0).tolist()) if part > 0.03]
        chosen = words.sample(present, min(4, len(present))) or [0]
        captions.append(", ".join(draw_phrase(spaces[name].concepts[index], words) for index in chosen))
    return captions


def mean_iou(winner: Tensor, batch: Batch, spaces: Mapping[str, LabelSpace]) -> float:
    """Mean IoU of ``COARSE`` over patches, each counted by the share of its labels.

    Args:
        winner: index into ``COARSE`` of each patch, ``(B, N)``.
        batch: the truth, in the space "general".
        spaces: label spaces by name.
    """
    columns = [spaces["general"].concepts.index(concept) for concept in COARSE]
    truth = torch.stack([share[:, columns] for share in batch.shares])
    answer = torch.nn.functional.one_hot(winner, len(COARSE)).float()
    both = (truth * answer).sum((0, 1))
    either = truth.sum((0, 1)) + (truth.sum(-1, keepdim=True) * answer).sum((0, 1)) - both
    return float((both / either.clamp_min(1e-6))[truth.sum((0, 1)) > 0].mean())
