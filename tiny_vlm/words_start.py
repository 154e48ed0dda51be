"""Where the text-only phase begins: the trained text tower, with more merges in its tokenizer."""

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from open_clip import CLIP
from open_clip.tokenizer import SimpleTokenizer

from tiny_vlm.bpe import Pair, learn_merges, write_merges
from tiny_vlm.configs import build_dual_encoder, tokenizer, vocabulary_size
from tiny_vlm.loop import load_weights
from tiny_vlm.vocabulary import training_corpus
from tiny_vlm.words_lexicon import Lexicon

WORD_MERGES = 6000  # the embeddings of 6,000 merges take 1.5 MB of the 10 MB a file may have
MERGED_LANGUAGES = ("en", "ru")
_log = logging.getLogger(__name__)


def extend_merges(start: Sequence[Pair], lexicon: Lexicon, count: int = WORD_MERGES) -> list[Pair]:
    """Continue ``start`` with merges learnt from the phrases and the words of ``MERGED_LANGUAGES``."""
    words = [
        word
        for word, language in zip(lexicon.words, lexicon.languages, strict=True)
        if language in MERGED_LANGUAGES
    ]
    if not words or len(start) >= count:
        return list(start)
    return learn_merges(training_corpus() + words, count, start)


def begin_with(weights: Path, merges_file: Path, lexicon: Lexicon) -> tuple[CLIP, SimpleTokenizer]:
    """Load a trained dual encoder and give its tokenizer the merges that ``lexicon`` needs.

    Args:
        weights: file of the dual encoder; its tokenizer's merges lie beside it.
        merges_file: where the merges are written that belong to the returned model.
        lexicon: words to learn.

    Raises:
        FileNotFoundError: there are no weights, or no merges beside them.
    """
    old = tokenizer(weights.parent / merges_file.name)
    model = build_dual_encoder(vocabulary_size(old))
    load_weights(model, weights)
    merges = extend_merges(list(old.bpe_ranks), lexicon)
    _log.info("tokenizer: %d merges, %d before", len(merges), len(old.bpe_ranks))
    write_merges(merges, merges_file)
    new = tokenizer(merges_file)
    return grow_vocabulary(model, old, new), new


@torch.no_grad()
def grow_vocabulary(model: CLIP, old: SimpleTokenizer, new: SimpleTokenizer) -> CLIP:
    """Copy ``model``, with a row for each token of ``new``.

    Args:
        model: its token embedding has the rows of ``old``.
        old: tokenizer of ``model``.
        new: its merges begin with those of ``old``.

    Returns:
        The same network; a new token starts as the mean of the two it is merged from.
    """
    grown = build_dual_encoder(vocabulary_size(new))
    state = {name: value for name, value in model.state_dict().items() if name != "token_embedding.weight"}
    grown.load_state_dict(state, strict=False)
    rows, known = grown.token_embedding.weight, model.token_embedding.weight
    rows.zero_()
    for token, index in new.encoder.items():
        if token in old.encoder:
            rows[index] = known[old.encoder[token]]
    for first, second in list(new.bpe_ranks)[len(old.bpe_ranks) :]:
        rows[new.encoder[first + second]] = (rows[new.encoder[first]] + rows[new.encoder[second]]) / 2
    return grown
