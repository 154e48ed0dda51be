"""The text-only phase: the text tower learns words from dictionaries while the picture tower stays as it is.

Each step holds texts against frozen patch embeddings and against each other: phrases of ``phrases.yaml`` must
meet the patches of their concept; words of the dictionaries must meet the phrases of the concepts they stand
for; words for what a facade does not show, and strings that are no words, must stay below both.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from open_clip import CLIP
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor, nn

from tiny_vlm.bpe import encode_batch
from tiny_vlm.features import text_embeddings
from tiny_vlm.losses import patch_phrase_loss, phrase_loss, word_loss
from tiny_vlm.tasks import FRAMES, PHRASE_WEIGHT, TrainingData, balance, describe_coarse
from tiny_vlm.vocabulary import draw_language, fill_sentence, phrases
from tiny_vlm.words_bank import PatchSheet, mean_patch
from tiny_vlm.words_forms import inflect, mistype, random_letters
from tiny_vlm.words_lexicon import Lexicon, restrict

RELATED_WORDS, OTHER_WORDS, NO_WORDS = 320, 80, 16  # drawn in each step
PHRASES_PER_CONCEPT = 2
ANCHOR_LANGUAGES = ("en", "ru")  # the phrases that say where a concept is
GROUPS = 5  # of texts of like length
WORD_WEIGHT = 1.0
EVENNESS = 0.4  # power of the number of a concept's words by which the concept is drawn
INFLECTED, MISTYPED, FRAMED = 0.25, 0.1, 0.25  # shares of the words drawn
MISTYPED_PHRASES = 0.3
BPE_DROPOUT = 0.15


@dataclass(frozen=True, slots=True)
class DrawnWords:
    """Words of one step.

    Attributes:
        texts: those that stand for a concept first, then those that do not.
        related: how many stand for a concept.
        shares: what each stands for, ``(texts, concepts)`` float32, the last column for nothing.
    """

    texts: tuple[str, ...]
    related: int
    shares: Tensor


class WordPool:
    """Draws words: languages by their shares, concepts by a power of the number of their words."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        none = len(lexicon.concepts) - 1
        groups: dict[str, dict[int, list[int]]] = {}
        for row, (language, column) in enumerate(
            zip(lexicon.languages, lexicon.shares.argmax(1), strict=True)
        ):
            groups.setdefault(language, {}).setdefault(int(column), []).append(row)
        self._other = {language: found.pop(none) for language, found in groups.items() if none in found}
        self._related = {language: list(found.values()) for language, found in groups.items() if found}
        self._weights = {
            language: list(accumulate(len(rows) ** EVENNESS for rows in found))
            for language, found in self._related.items()
        }

    def draw(self, rng: random.Random) -> DrawnWords:
        """Draw the words of one step; an empty lexicon gives none but strings that are no words."""
        related = [self._draw_related(rng) for _ in range(RELATED_WORDS if self._related else 0)]
        other = [self._draw_other(rng) for _ in range(OTHER_WORDS if self._other else 0)]
        texts = [self._form(row, rng) for row in related + other]
        texts += [random_letters(rng) for _ in range(NO_WORDS)]
        texts = [fill_sentence(text, FRAMES, rng) if rng.random() < FRAMED else text for text in texts]
        nothing = np.zeros((NO_WORDS, len(self._lexicon.concepts)), np.float32)
        nothing[:, -1] = 1
        shares = np.concatenate([self._lexicon.shares[related + other], nothing])
        return DrawnWords(tuple(texts), len(related), torch.from_numpy(shares))

    def _draw_related(self, rng: random.Random) -> int:
        language = draw_language(rng, self._related)
        return rng.choice(rng.choices(self._related[language], cum_weights=self._weights[language])[0])

    def _draw_other(self, rng: random.Random) -> int:
        return rng.choice(self._other[draw_language(rng, self._other)])

    def _form(self, row: int, rng: random.Random) -> str:
        return vary(self._lexicon.words[row], self._lexicon.languages[row], rng)


class WordTask:
    """Trains the text tower of a dual encoder while its picture tower stays as it is."""

    def __init__(
        self,
        model: CLIP,
        sheets: Sequence[PatchSheet],
        data: TrainingData,
        lexicon: Lexicon,
        tokenizer: SimpleTokenizer,
    ) -> None:
        self.model: nn.Module = model
        self._clip = model
        self._sheets, self._data, self._tokenizer = sheets, data, tokenizer
        self._concepts = tuple(sorted({name for space in data.spaces.values() for name in space.concepts}))
        self._pool = WordPool(restrict(lexicon, self._concepts))
        self._device = model.logit_scale.device
        self._scale = model.logit_scale.detach().exp()
        self._weights = {
            name: weight.to(self._device)
            for name, weight in balance(data.sources, data.spaces, data.rarity, data.damage).items()
        }
        self._anchors = torch.cat([self._meanings(), -mean_patch(sheets).to(self._device)[None]])
        model.visual.requires_grad_(False)
        model.logit_scale.requires_grad_(False)

    def loss(self, step: int) -> Tensor:
        with torch.autocast(self._device.type, enabled=False):  # short texts are slower in bfloat16
            return self._loss(step)

    def _loss(self, step: int) -> Tensor:
        rng = random.Random(self._data.seed * 7919 + step)
        sheet, words = self._sheets[rng.randrange(len(self._sheets))], self._pool.draw(rng)
        taught = [
            self._draw_phrase(concept, rng) for _ in range(PHRASES_PER_CONCEPT) for concept in self._concepts
        ]
        vectors = self._embed([*taught, *words.texts], rng)
        of_concepts = vectors[: len(taught)].reshape(PHRASES_PER_CONCEPT, len(self._concepts), -1)
        of_words = vectors[len(taught) :]
        texts = {name: of_concepts[:, self._columns(name)] for name in sorted(set(sheet.spaces))}
        return (
            self._patch_loss(sheet, texts, of_words[words.related :])
            + PHRASE_WEIGHT * phrase_loss(texts, self._scale)
            + WORD_WEIGHT * self._word_loss(vectors, words.shares)
        )

    def _columns(self, space: str) -> list[int]:
        return [self._concepts.index(concept) for concept in self._data.spaces[space].concepts]

    def score(self, model: nn.Module) -> str:
        return describe_coarse(cast(CLIP, model), self._data, self._tokenizer)

    def _patch_loss(self, sheet: PatchSheet, texts: Mapping[str, Tensor], other: Tensor) -> Tensor:
        """``patch_phrase_loss`` with the words that no patch shows as further texts to choose from."""
        wider = {name: torch.cat([own, other.expand(len(own), -1, -1)], 1) for name, own in texts.items()}
        return patch_phrase_loss(
            sheet.patches.float().to(self._device),
            sheet.spaces,
            [F.pad(share.to(self._device), (0, len(other))) for share in sheet.shares],
            wider,
            {name: F.pad(self._weights[name], (0, len(other))) for name in texts},
            self._scale,
        )

    def _word_loss(self, texts: Tensor, shares: Tensor) -> Tensor:
        """``word_loss`` of phrases, each of which stands for its concept alone, and of words."""
        own = torch.eye(len(self._concepts), len(self._anchors)).repeat(PHRASES_PER_CONCEPT, 1)
        return word_loss(texts, self._anchors, torch.cat([own, shares]).to(self._device), self._scale)

    @torch.no_grad()
    def _meanings(self) -> Tensor:
        """Where the text tower begins: the mean direction of each concept's phrases, ``(concepts, 192)``."""
        means = []
        for concept in self._concepts:
            texts = [text for language in ANCHOR_LANGUAGES for text in phrases()[concept][language]]
            ids = encode_batch(self._tokenizer, texts, 0, random.Random(0)).to(self._device)
            means.append(text_embeddings(self._clip, ids).mean(0))
        return F.normalize(torch.stack(means), dim=-1)

    def _draw_phrase(self, concept: str, rng: random.Random) -> str:
        language = draw_language(rng)
        phrase = vary(rng.choice(phrases()[concept][language]), language, rng, MISTYPED_PHRASES)
        return fill_sentence(phrase, FRAMES, rng)

    def _embed(self, texts: list[str], rng: random.Random) -> Tensor:
        """Unit vectors ``(texts, 192)``; texts of like length go together, to compute little padding."""
        ids = encode_batch(self._tokenizer, texts, BPE_DROPOUT, rng).to(self._device)
        lengths = (ids > 0).sum(1)
        order = lengths.argsort(stable=True)
        vectors = [
            text_embeddings(self._clip, ids[rows, : int(lengths[rows].max())]) for rows in order.chunk(GROUPS)
        ]
        return torch.cat(vectors)[order.argsort()]


def vary(phrase: str, language: str, rng: random.Random, mistyped: float = MISTYPED) -> str:
    """Leave most phrases as they are, inflect some and mistype a few."""
    if rng.random() < INFLECTED:
        phrase = inflect(phrase, language, rng)
    return mistype(phrase, language, rng) if rng.random() < mistyped else phrase
