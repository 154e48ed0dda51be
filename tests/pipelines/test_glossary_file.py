"""The glossary as data: every word belongs to one English term of its language."""

import re

import pytest
import yaml

from pipelines import load_taxonomy, prompt_sets
from pipelines.catalogue import ASSETS

LANGUAGES = ("ru", "de", "fr", "es", "zh")
SCRIPT = {"ru": re.compile("[а-яё]", re.IGNORECASE), "zh": re.compile("[\u4e00-\u9fff]")}


@pytest.fixture(scope="module")
def entries():
    content = yaml.safe_load((ASSETS / "glossary.yaml").read_text(encoding="utf-8"))
    assert list(content) == ["entries"]
    return content["entries"]


def fold(word):
    return word.casefold().replace("ё", "е")


def test_it_has_a_few_hundred_terms_and_no_term_twice(entries):
    names = [entry["en"] for entry in entries]
    assert len(names) > 250
    assert len(set(names)) == len(names)
    assert all(set(entry) <= {"en", *LANGUAGES} for entry in entries)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_has_one_meaning(entries, language):
    meaning = {}
    for entry in entries:
        for word in entry.get(language, []):
            assert isinstance(word, str)
            assert word == word.strip()
            assert meaning.setdefault(fold(word), entry["en"]) == entry["en"], word
    assert len(meaning) > 400


@pytest.mark.parametrize("language", list(SCRIPT))
def test_words_are_in_their_script(entries, language):
    assert all(SCRIPT[language].search(word) for entry in entries for word in entry.get(language, []))


@pytest.mark.parametrize("language", LANGUAGES)
def test_terms_of_the_taxonomy_are_in_it(entries, language):
    known = {fold(word) for entry in entries for word in entry.get(language, [])}
    usual = [item.terms[language][0] for item in load_taxonomy().classes]
    missing = [word for word in usual if fold(word) not in known]
    assert missing == []


def test_single_words_of_the_built_in_sets_are_in_it(entries):
    known = {lang: {fold(w) for entry in entries for w in entry.get(lang, [])} for lang in LANGUAGES}
    missing = [
        (item.id, text)
        for item in prompt_sets()
        if len(item.languages) == 1 and item.languages[0] in known
        for each in item.prompts.classes
        for text in each.texts
        if " " not in text and fold(text) not in known[item.languages[0]]
    ]
    assert missing == []
