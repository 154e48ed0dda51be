"""Byte-pair merges of the bundled tokenizer: learning, writing, and encoding with merge dropout."""

import gzip
import heapq
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from open_clip.tokenizer import SimpleTokenizer, bytes_to_unicode
from torch import Tensor

Pair = tuple[str, str]
Symbols = tuple[str, ...]
_WORDS = re.compile(r"[^\W\d_]+|\d|[^\s\w]+")  # as SimpleTokenizer cuts: letters, digits, the rest


def learn_merges(texts: Iterable[str], count: int, start: Sequence[Pair] = ()) -> list[Pair]:
    """Learn at most ``count`` merges, most frequent pair first; pairs seen once are not merged.

    Args:
        texts: phrases; they are lower-cased and cut into words as open_clip's ``SimpleTokenizer`` does.
        count: number of merges wanted, those of ``start`` included.
        start: merges to begin with, taken as they are.

    Returns:
        Merges in order. Ties are broken alphabetically, so the result depends on the arguments alone.
    """
    table = _PairTable(_count_words(texts))
    merges = list(start)
    for pair in start:
        table.merge(pair)
    while len(merges) < count and (best := table.most_frequent()):
        merges.append(best)
        table.merge(best)
    return merges


class _PairTable:
    """Words cut into symbols, with the frequency and the words of each pair of neighbours."""

    def __init__(self, words: Mapping[Symbols, int]) -> None:
        self._frequency: dict[Symbols, int] = {}
        self._pairs: Counter[Pair] = Counter()
        self._words: defaultdict[Pair, set[Symbols]] = defaultdict(set)
        self._queue: list[tuple[int, Pair]] = []
        for symbols, frequency in words.items():
            self._add(symbols, frequency)
        self._push(self._pairs)

    def most_frequent(self) -> Pair | None:
        while self._queue:
            frequency, pair = self._queue[0]
            if self._pairs[pair] == -frequency:
                return pair if -frequency >= 2 else None
            heapq.heappop(self._queue)
        return None

    def merge(self, pair: Pair) -> None:
        changed: set[Pair] = set()
        for symbols in list(self._words[pair]):
            frequency, merged = self._frequency.pop(symbols), merge_pair(symbols, pair)
            for neighbours in pairwise(symbols):
                self._pairs[neighbours] -= frequency
                self._words[neighbours].discard(symbols)
            self._add(merged, frequency)
            changed.update(pairwise(symbols), pairwise(merged))
        self._push(changed)

    def _add(self, symbols: Symbols, frequency: int) -> None:
        self._frequency[symbols] = self._frequency.get(symbols, 0) + frequency
        for neighbours in pairwise(symbols):
            self._pairs[neighbours] += frequency
            self._words[neighbours].add(symbols)

    def _push(self, pairs: Iterable[Pair]) -> None:
        for pair in pairs:
            heapq.heappush(self._queue, (-self._pairs[pair], pair))


def merge_pair(symbols: Iterable[str], pair: Pair) -> tuple[str, ...]:
    """Join every occurrence of ``pair`` in ``symbols``, from left to right."""
    merged: list[str] = []
    for symbol in symbols:
        if merged and (merged[-1], symbol) == pair:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return tuple(merged)


def write_merges(merges: Iterable[Pair], path: Path) -> None:
    """Write ``merges`` in the gzip text form that ``SimpleTokenizer`` reads, byte for byte reproducible."""
    lines = ["#version: facade bpe", *(" ".join(pair) for pair in merges)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as file:
        file.write("\n".join(lines).encode())


def encode_batch(tokenizer: SimpleTokenizer, texts: list[str], dropout: float, rng: random.Random) -> Tensor:
    """Encode ``texts`` to token ids, leaving each merge out with probability ``dropout``.

    Args:
        tokenizer: holds merges and vocabulary.
        texts: any language.
        dropout: 0 gives exactly the tokenizer's own ids.
        rng: source of the left-out merges.

    Returns:
        Ids ``(T, L)`` int64, padded with 0, as wide as the longest text but at most
        ``tokenizer.context_length``.
    """
    start, end = tokenizer.all_special_ids[:2]
    room = int(tokenizer.context_length or 40) - 2
    rows = [[start, *_encode(tokenizer, text, dropout, rng)[:room], end] for text in texts]
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
    return ids


def _count_words(texts: Iterable[str]) -> dict[tuple[str, ...], int]:
    """Count the words of ``texts``, each as its byte letters with the end of the word marked."""
    letters = bytes_to_unicode()
    words: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        for word in _WORDS.findall(text.lower()):
            symbols = [letters[byte] for byte in word.encode()]
            words[(*symbols[:-1], symbols[-1] + "</w>")] += 1
    return words


def _encode(tokenizer: SimpleTokenizer, text: str, dropout: float, rng: random.Random) -> list[int]:
    if dropout <= 0 or rng.random() < 0.5:
        return list(tokenizer.encode(text))
    ids = []
    for word in tokenizer.pat.findall(tokenizer.clean_fn(text)):
        letters = [tokenizer.byte_encoder[byte] for byte in word.encode()]
        ids += [tokenizer.encoder[part] for part in _merge_with_dropout(letters, tokenizer, dropout, rng)]
    return ids


def _merge_with_dropout(
    letters: list[str], tokenizer: SimpleTokenizer, dropout: float, rng: random.Random
) -> tuple[str, ...]:
    symbols: tuple[str, ...] = (*letters[:-1], letters[-1] + "</w>")
    ranks: dict[Pair, int] = tokenizer.bpe_ranks
    while True:
        pairs = {pair for pair in pairwise(symbols) if pair in ranks}
        kept = [pair for pair in sorted(pairs) if rng.random() >= dropout]
        if not kept:
            return symbols
        symbols = merge_pair(symbols, min(kept, key=ranks.__getitem__))
