"""Readers of the dictionaries that the text tower learns words from: WordNet 3.0, and those for dictd.

Debian installs them as `wordnet-base`, `dict-freedict-*` and `mueller7-dict`. Nothing here is needed to run
or to train the model; without them the text tower learns the phrases of ``phrases.yaml`` alone.
"""

import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_BASE64 = {
    letter: value
    for value, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
_HYPERNYM, _PART = "@", "%p"
_NOT_WORDS = re.compile(
    r"\[[^]]*\]|<[^>]*>|\([^)]*\)|\{[^}]*\}|/[^/]*/|_\S+|Note:[^,;\n]*|^\s*\S{1,3}[.)]\s", re.M
)
_PARTS_OF_ARTICLE = re.compile(r"[,;:\n]|\s\d+[.)]\s")
_END_OF_TRANSLATIONS = re.compile(r'^\s*("|Synonyms?:|see:)|^\s*$', re.M)
_CYRILLIC, _LATIN = re.compile("[а-яё]"), re.compile("[a-z]")
LONGEST_TRANSLATION = 3  # words


@dataclass(frozen=True, slots=True)
class Synset:
    """Words of one meaning.

    Attributes:
        words: lower-cased, most frequent first.
        parents: offsets of the wider meanings.
        parts: offsets of the meanings of its parts.
        gloss: what it means, without examples.
    """

    words: tuple[str, ...]
    parents: tuple[int, ...]
    parts: tuple[int, ...]
    gloss: str


@dataclass(frozen=True, slots=True)
class WordNet:
    """Nouns of WordNet.

    Attributes:
        synsets: meanings by offset; persons and places known by name are left out.
        senses: for each word the offsets of its meanings, most frequent first; 0 for one that is left out.
    """

    synsets: Mapping[int, Synset]
    senses: Mapping[str, tuple[int, ...]]

    def find(self, sense: str) -> int:
        """Offset of a sense given as ``"window 1"``.

        Raises:
            ValueError: there is no such word or sense.
        """
        word, _, number = sense.rpartition(" ")
        offsets = self.senses.get(word, ())
        if not number.isdigit() or not 1 <= int(number) <= len(offsets):
            raise ValueError(
                f"WordNet has no noun sense {sense!r}; it has {len(offsets)} senses of {word!r}."
            )
        return offsets[int(number) - 1]


def read_wordnet(folder: Path) -> WordNet:
    """Read ``data.noun`` and ``index.noun`` of WordNet 3.0.

    Raises:
        FileNotFoundError: ``folder`` does not hold them.
    """
    synsets = dict(_read_synset(line) for line in _lines(folder / "data.noun") if " @i " not in line)
    senses = {}
    for line in _lines(folder / "index.noun"):
        fields = line.split()
        offsets = map(int, fields[-int(fields[2]) :])
        senses[_plain(fields[0])] = tuple(offset if offset in synsets else 0 for offset in offsets)
    return WordNet(synsets, senses)


def read_articles(stem: Path) -> Iterator[tuple[str, str]]:
    """Read a dictionary for dictd: ``STEM.index`` and ``STEM.dict.dz``.

    Yields:
        Headword and article, the article's own heading included.

    Raises:
        FileNotFoundError: one of the files is missing.
    """
    with gzip.open(stem.with_name(f"{stem.name}.dict.dz")) as file:
        text = file.read()
    for line in stem.with_name(f"{stem.name}.index").read_text(encoding="utf-8").splitlines():
        head, start, length = line.split("\t")[:3]
        if not head.startswith("00database"):
            first = _number(start)
            yield head, text[first : first + _number(length)].decode()


def translations(article: str, *, cyrillic: bool) -> list[str]:
    """List the words that an article gives for its headword, in order.

    Args:
        article: heading line, then translations between commas, with notes in brackets.
        cyrillic: the translations are Russian: take Cyrillic parts and no others. Otherwise only the lines
            before the examples count.
    """
    body = article.partition("\n")[2]
    if not cyrillic:
        body = body[: end.start()] if (end := _END_OF_TRANSLATIONS.search(body)) else body
    wanted, unwanted = (_CYRILLIC, _LATIN) if cyrillic else (_LATIN, _CYRILLIC)
    parts = [" ".join(part.split()).lower() for part in _PARTS_OF_ARTICLE.split(_NOT_WORDS.sub(" ", body))]
    parts = [re.sub(r"^\S{1,2}[.)]\s*|[.)!?\"]+$", "", part) for part in parts]
    return [part for part in dict.fromkeys(parts) if _is_translation(part, wanted, unwanted)]


def _is_translation(part: str, wanted: re.Pattern[str], unwanted: re.Pattern[str]) -> bool:
    short = len(part) > 1 and len(part.split()) <= LONGEST_TRANSLATION
    return short and bool(wanted.search(part)) and not unwanted.search(part) and "." not in part


def _lines(path: Path) -> list[str]:
    """Lines of a file of WordNet without the licence at its head."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("  ")]


def _plain(word: str) -> str:
    return word.replace("_", " ").lower()


def _read_synset(line: str) -> tuple[int, Synset]:
    """Read ``offset lexfile type count (word id)* count (pointer offset type source)* | gloss``."""
    fields, _, gloss = line.partition("|")
    parts = fields.split()
    count = int(parts[3], 16)
    words = parts[4 : 4 + 2 * count : 2]
    pointers = parts[5 + 2 * count :]
    return int(parts[0]), Synset(
        tuple(map(_plain, words)),
        _targets(pointers, _HYPERNYM),
        _targets(pointers, _PART),
        gloss.split('; "')[0].strip(),
    )


def _targets(pointers: Sequence[str], kind: str) -> tuple[int, ...]:
    groups = [pointers[index : index + 4] for index in range(0, len(pointers) - 3, 4)]
    return tuple(int(group[1]) for group in groups if group[0] == kind and group[2] == "n")


def _number(digits: str) -> int:
    """Number in the base-64 digits of dictd, most significant first."""
    value = 0
    for digit in digits:
        value = 64 * value + _BASE64[digit]
    return value
