import logging
from pathlib import Path

import numpy as np
import pytest

from tiny_vlm.dictionary import Synset, WordNet, read_wordnet
from tiny_vlm.vocabulary import phrases
from tiny_vlm.words_lexicon import (
    NONE,
    RELATED,
    Lexicon,
    carry_over,
    concept_senses,
    read_lexicon,
    restrict,
    spread_senses,
    word_shares,
)

DEBIAN = Path("/usr/share")


def synset(*words, parents=(), parts=()):
    return Synset(words, parents, parts, "")


@pytest.fixture
def wordnet():
    """thing 1 > building 2 > house 3 > villa 4; building 2 has the part roof 5; fruit 6 > banana 7."""
    return WordNet(
        {
            1: synset("thing"),
            2: synset("building", parents=(1,), parts=(5,)),
            3: synset("house", parents=(2,)),
            4: synset("villa", parents=(3,)),
            5: synset("roof", parents=(1,)),
            6: synset("fruit", parents=(1,)),
            7: synset("banana", parents=(6,)),
        },
        {
            "building": (2,),
            "house": (3,),
            "villa": (4,),
            "roof": (5,),
            "banana": (7,),
            "bank": (7, 2),
            "gone": (0,),
        },
    )


def test_narrower_senses_and_parts_belong_to_the_concept(wordnet):
    assert spread_senses(wordnet, {"wall": [2]}) == dict.fromkeys((2, 3, 4, 5), "wall")


def test_the_nearest_root_wins(wordnet):
    found = spread_senses(wordnet, {"wall": [2], "shop": [4], "roof": [5]})
    assert found == {2: "wall", 3: "wall", 4: "shop", 5: "roof"}


def test_senses_weigh_by_rank_and_related_ones_more(wordnet):
    shares = word_shares(wordnet, {"wall": ("building 1",)}, ("wall", NONE))
    np.testing.assert_allclose(shares["villa"], [1, 0])
    np.testing.assert_allclose(shares["banana"], [0, 1])
    np.testing.assert_allclose(shares["gone"], [0, 1])
    total = 1 + RELATED / 2  # first sense a fruit, second a building
    np.testing.assert_allclose(shares["bank"], [RELATED / 2 / total, 1 / total])


def test_translations_take_the_mean_meaning_of_their_words():
    source = {"villa": np.array([1, 0], np.float32), "banana": np.array([0, 1], np.float32)}
    target = {}
    carry_over([("villa", "вилла", 1.0), ("banana", "вилла", 0.5), ("gone", "нет", 1.0)], source, target)
    assert set(target) == {"вилла"}
    np.testing.assert_allclose(target["вилла"], [RELATED, 0.5])


def test_restricting_drops_other_concepts_and_taught_phrases():
    lexicon = Lexicon(
        ("wall", "crack", NONE),
        ("villa", "rift", "banana", "house", "estate"),
        ("en",) * 5,
        np.array([[0.5, 0.1, 0.4], [0.1, 0.9, 0], [0, 0, 1], [1, 0, 0], [0.3, 0, 0.7]], np.float32),
    )
    kept = restrict(lexicon, ("wall",))
    assert kept.concepts == ("wall", NONE)
    assert kept.words == ("villa", "banana", "estate")  # "house" is a phrase of phrases.yaml
    np.testing.assert_allclose(kept.shares, [[1, 0], [0, 1], [0.3, 0.7]], rtol=1e-6)


def test_without_wordnet_the_lexicon_is_empty_and_says_so(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        lexicon = read_lexicon(tmp_path)
    assert lexicon.words == ()
    assert lexicon.concepts == (*phrases(), NONE)
    assert "no WordNet" in caplog.text


def test_senses_are_given_for_every_concept():
    assert set(concept_senses()) == {*phrases(), NONE}


def test_every_sense_is_known_to_wordnet():
    if not (DEBIAN / "wordnet" / "data.noun").exists():
        pytest.skip("WordNet is not installed")
    wordnet = read_wordnet(DEBIAN / "wordnet")
    assert all(wordnet.find(sense) for senses in concept_senses().values() for sense in senses)
