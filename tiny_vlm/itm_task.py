"""How the matching model is taught: does the caption fit, and where is what each of its words names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tiny_vlm.itm import HEAD, LAYER
from tiny_vlm.itm_views import Views, draw_space
from tiny_vlm.spaces import LabelSpace
from tiny_vlm.tasks import TrainingData
from tiny_vlm.vocabulary import phrases

LEAST_SHARE = 0.01  # of a view: what is smaller is neither named as present nor as absent
MOST_WORDS = 8  # classes in a caption
ATTENTION_WEIGHT, GRADCAM_WEIGHT, CONTEST_WEIGHT = 0.3, 0.3, 2.0
PLAIN = 0.4  # part of the words that take the plainest phrase
_TINY = 1e-4
_FLOOR = 0.05  # of a scaled map: what every word claims of every patch


@dataclass(frozen=True, slots=True)
class Captions:
    """Captions of a batch and what is true of them.

    Attributes:
        ids: token ids, ``(B, T)``, padded with 0.
        spans: position of the pieces of each word: rows ``caption, start, stop``, ``(W, 3)``.
        shares: share of each word's class in each patch, ``(W, P * P)``.
        fits: whether all words of a caption are present, ``(B,)``.
    """

    ids: Tensor
    spans: Tensor
    shares: Tensor
    fits: Tensor

    @property
    def present(self) -> Tensor:
        """Whether each word's class is in the picture, ``(W,)``."""
        return self.shares.sum(-1) > 0

    @property
    def targets(self) -> Tensor:
        """Where each word should look, class token first, which absent ones get: ``(W, 1 + P * P)``."""
        where = self.shares / self.shares.sum(-1, keepdim=True).clamp_min(1e-6)
        return torch.cat([(~self.present).float()[:, None], where], -1)


class MatchingTask:
    """Image-text matching with one class swapped in half of the captions, and supervised attention.

    Args:
        model: of :func:`tiny_vlm.itm.build_itm`; its image tower stays as it is.
        tokenizer: of :func:`tiny_vlm.itm.read_tokenizer`.
        data: sources and label spaces.
        views: of the sources.
        watched: of the pictures that watch; may be empty.
    """

    def __init__(
        self, model: Any, tokenizer: Any, data: TrainingData, views: Views, watched: Views | None
    ) -> None:
        self.model = model
        self.model.requires_grad_(True)
        self.model.vision_model.requires_grad_(False)
        self._tokenizer, self._data, self._views, self._watched = tokenizer, data, views, watched
        self._device = next(model.parameters()).device

    def loss(self, step: int) -> Tensor:
        """Matching, attention and GradCAM losses of one step."""
        rng = np.random.default_rng((self._data.seed, 2, step))
        chosen = rng.integers(len(self._views.tokens), size=self._data.batch)
        captions = self._write(self._views, chosen, rng)
        tokens = self._views.tokens[torch.from_numpy(chosen)].to(self._device).float()
        logits, attention = match(self.model, captions.ids, tokens)
        matching = F.cross_entropy(logits, captions.fits.long())
        looks = span_means(attention[:, HEAD], captions.spans)
        looking = _cross_entropy(captions.targets, looks)
        (gradient,) = torch.autograd.grad(logits[:, 1].sum(), attention, create_graph=True)
        maps = span_means((attention * gradient.clamp_min(0))[:, HEAD, :, 1:], captions.spans)
        shown = maps[captions.present] / maps[captions.present].sum(-1, keepdim=True).clamp_min(1e-12)
        finding = _cross_entropy(captions.targets[captions.present, 1:], shown)
        contest = contest_loss(maps, captions.shares, captions.spans[:, 0])
        return matching + ATTENTION_WEIGHT * looking + GRADCAM_WEIGHT * finding + CONTEST_WEIGHT * contest

    def score(self, model: nn.Module) -> str:
        """Match accuracy and share of the attention that lies on the right patches, on watching pictures."""
        if self._watched is None or not len(self._watched.tokens):
            return "no pictures watch"
        rng = np.random.default_rng(0)
        chosen = np.arange(len(self._watched.tokens)).repeat(2)
        captions = self._write(self._watched, chosen, rng)
        tokens = self._watched.tokens[torch.from_numpy(chosen)].to(self._device).float()
        logits, attention = match(model, captions.ids, tokens.requires_grad_())  # the weights are frozen
        right = (logits.argmax(-1) == captions.fits).float().mean()
        (gradient,) = torch.autograd.grad(logits[:, 1].sum(), attention)
        maps = span_means((attention * gradient.clamp_min(0))[:, HEAD, :, 1:], captions.spans)
        inside = captions.targets[:, 1:] > 0
        hit = ((maps * inside).sum(-1) / maps.sum(-1).clamp_min(1e-12))[captions.present].mean()
        chance = inside.float().mean(-1)[captions.present].mean()
        return f"match accuracy {right:.3f}, GradCAM on its object {hit:.3f} (by chance {chance:.3f})"

    def _write(self, views: Views, chosen: np.ndarray[Any, Any], rng: np.random.Generator) -> Captions:
        sources = self._data.sources if views is self._views else self._data.watching
        rows, spans, shares = [], [], []
        for place, index in enumerate(chosen):
            space = draw_space(sources[int(views.sources[index])], self._data.spaces, rng)
            words = draw_words(views.shares(int(index), space), rng)
            row, ends = self._tokens([draw_phrase(space, concept, rng) for concept, _ in words])
            rows.append(row)
            spans += [(place, start, stop) for start, stop in ends]
            shares += [share for _, share in words]
        share = torch.stack(shares)
        owner = torch.tensor([place for place, _, _ in spans])
        missing = torch.zeros(len(rows), dtype=torch.long).index_add_(0, owner, (share.sum(-1) == 0).long())
        ids = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
        parts = (ids, torch.tensor(spans), share, missing == 0)
        return Captions(*(part.to(self._device) for part in parts))

    def _tokens(self, words: Sequence[str]) -> tuple[list[int], list[tuple[int, int]]]:
        """Token ids of "a picture of WORDS", and where each word stands."""
        row = [self.model.config.text_config.vocab_size - 1, *self._ids("a picture of")]
        ends = []
        for word in words:
            pieces = self._ids(word)
            ends.append((len(row), len(row) + len(pieces)))
            row += pieces
        return [*row, self._tokenizer.sep_token_id], ends

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def match(model: Any, ids: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Match captions with pictures, keeping the attention that is taught.

    Args:
        model: of :func:`tiny_vlm.itm.build_itm`.
        ids: token ids, ``(B, T)``, padded with 0.
        tokens: of the image tower, ``(B, 1 + P * P, D)``.

    Returns:
        Logits ``(B, 2)`` and cross-attention of layer ``LAYER``, ``(B, heads, T, 1 + P * P)``.
    """
    hidden = model.text_encoder.embeddings(input_ids=ids)
    padding = torch.zeros(ids.shape, device=ids.device).masked_fill(ids == 0, -1e4)[:, None, None]
    kept = tokens.new_zeros(())
    for index, layer in enumerate(model.text_encoder.encoder.layer):
        hidden, _ = layer.attention(hidden, attention_mask=padding)
        hidden, attention = layer.crossattention(hidden, encoder_hidden_states=tokens)
        hidden = layer.feed_forward_chunk(hidden)
        kept = attention if index == LAYER else kept
    return model.itm_head(hidden[:, 0]).float(), kept


def span_means(rows: Tensor, spans: Tensor) -> Tensor:
    """Average the rows of each span.

    Args:
        rows: ``(B, T, N)``.
        spans: rows ``caption, start, stop``, ``(W, 3)``.

    Returns:
        ``(W, N)`` float32.
    """
    return torch.stack([rows[place, start:stop].float().mean(0) for place, start, stop in spans.tolist()])


def contest_loss(maps: Tensor, shares: Tensor, owners: Tensor) -> Tensor:
    """Let the words of a caption compete for each patch, as they do in the label map.

    Maps are smoothed over 3 x 3 patches and scaled to a largest value of 1, absent words' too.

    Args:
        maps: GradCAM of each word, ``(W, P * P)``.
        shares: share of each word's class in each patch, ``(W, P * P)``.
        owners: caption of each word, ``(W,)``.

    Returns:
        Cross entropy over the part of the pictures that the words name; a word that fills a quarter of what
        another fills counts half as much.
    """
    side = int(maps.shape[-1] ** 0.5)
    squares = maps.reshape(-1, 1, side, side)
    smooth = F.avg_pool2d(squares, 3, stride=1, padding=1, count_include_pad=False).flatten(1)
    scaled = smooth / smooth.amax(-1, keepdim=True).clamp_min(1e-12) + _FLOOR
    total = torch.zeros(int(owners.max()) + 1, maps.shape[-1], device=maps.device)
    claims = scaled / total.index_add(0, owners, scaled)[owners]
    weights = shares / shares.sum(-1, keepdim=True).clamp_min(1e-6).sqrt()
    return -(weights * claims.log()).sum() / weights.sum().clamp_min(1e-6)


def draw_words(shares: Tensor, rng: np.random.Generator) -> list[tuple[int, Tensor]]:
    """Draw the classes of a caption: all present, or some of them swapped for absent ones.

    Args:
        shares: share of each concept in each patch, ``(N, concepts)``.
        rng: source of chance.

    Returns:
        Concept and its share of each patch, ``(N,)``, in random order; at least one.
    """
    mean = shares.mean(0)
    present = rng.permutation((mean >= LEAST_SHARE).nonzero().flatten().numpy())
    absent = rng.permutation((mean == 0).nonzero().flatten().numpy())
    count = int(rng.integers(1, MOST_WORDS + 1))
    here = list(present[:count])
    swapped = 0 if rng.random() < 0.5 else int(rng.integers(1, max(2, len(here))))
    words = here[swapped:] + list(absent[: max(swapped, int(not here))])
    return [(int(concept), shares[:, concept]) for concept in rng.permutation(words)]


def draw_phrase(space: LabelSpace, concept: int, rng: np.random.Generator) -> str:
    """Draw an English phrase of a concept, often the plainest."""
    known = phrases()[space.concepts[concept]]["en"]
    return known[0 if rng.random() < PLAIN else int(rng.integers(len(known)))]


def _cross_entropy(targets: Tensor, shares: Tensor) -> Tensor:
    return -(targets * (shares + _TINY).log()).sum(-1).mean()
