from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from evaluation.facade_rows import COARSE6, UNSEEN6, UNSEEN6_NOWHERE, Row
from tiny_vlm.vocabulary import training_corpus

DICTIONARIES = Path("/usr/share")
RUSSIAN = ("mueller7", "freedict-eng-rus", "freedict-deu-rus", "freedict-fra-rus")


def plain_words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower().replace("ё", "е"))


def share_a_stem(one: str, other: str) -> bool:
    """Five common first letters, a word with up to three letters added, or one long word inside the other."""
    short, long = sorted((one, other), key=len)
    if len(short) < 3:
        return one == other
    common = next((place for place in range(len(short)) if one[place] != other[place]), len(short))
    added = common == len(short) and len(long) - len(short) <= 3
    return common >= 5 or added or (len(short) >= 5 and short[:6] in long)


def wordings(row: Row) -> list[str]:
    return [text for one in row.wordings for language in ("en", "ru") for text in one.texts(language)]


def test_the_rule_of_stems_on_words_that_do_and_do_not_share_one() -> None:
    for one, other in (("window", "windows"), ("car", "cars"), ("окно", "окном"), ("фонарь", "кинофонарь")):
        assert share_a_stem(one, other), (one, other)
    assert share_a_stem("кирпич", "кирпичный")
    assert not share_a_stem("oriel", "ornament")


def test_there_are_ten_wordings_a_class_and_language_and_none_twice() -> None:
    assert len(UNSEEN6.wordings) == 10
    assert len(UNSEEN6_NOWHERE.wordings) == 3
    assert len(set(wordings(UNSEEN6))) == 10 * 2 * len(COARSE6.classes)
    assert not set(wordings(UNSEEN6)) & set(wordings(UNSEEN6_NOWHERE))


@pytest.mark.parametrize("row", [UNSEEN6, UNSEEN6_NOWHERE], ids=lambda row: row.name)
def test_no_wording_shares_a_stem_with_a_phrase_of_training(row: Row) -> None:
    known = {word for text in training_corpus() for word in plain_words(text)}
    shared = {
        (text, other)
        for text in wordings(row)
        for word in plain_words(text)
        for other in known
        if share_a_stem(word, other)
    }
    assert shared == set()


def test_some_wordings_occur_in_no_dictionary() -> None:
    if not (DICTIONARIES / "wordnet" / "index.noun").exists():
        pytest.skip("WordNet is not installed")
    index = (DICTIONARIES / "wordnet" / "index.noun").read_text(encoding="utf-8")
    english = {line.split()[0] for line in index.splitlines()}
    for one in UNSEEN6_NOWHERE.wordings:
        assert not english & set(one.texts("en"))
    for name in RUSSIAN:
        file = DICTIONARIES / "dictd" / f"{name}.dict.dz"
        if file.exists():
            russian = set(plain_words(gzip.decompress(file.read_bytes()).decode()))
            for one in UNSEEN6_NOWHERE.wordings:
                assert not russian & {word for text in one.texts("ru") for word in plain_words(text)}
