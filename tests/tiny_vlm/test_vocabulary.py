import random

import pytest
import torch

from tiny_vlm.bpe import encode_batch, learn_merges, merge_pair, write_merges
from tiny_vlm.configs import MERGES_FILE, tokenizer
from tiny_vlm.facades import CLASSES
from tiny_vlm.spaces import all_spaces
from tiny_vlm.vocabulary import (
    GENERAL_CONCEPTS,
    LANGUAGES,
    SENTENCES,
    draw_phrase,
    fill_sentence,
    phrases,
)


def test_every_class_has_phrases_in_every_language():
    assert set(phrases()) == {*CLASSES, *GENERAL_CONCEPTS}
    for concept, languages in phrases().items():
        assert tuple(languages) == LANGUAGES, concept
        assert all(words and all(words) for words in languages.values()), concept


def test_every_concept_of_the_label_spaces_has_phrases():
    spaces = all_spaces(damage=True)
    assert {concept for space in spaces.values() for concept in space.concepts} <= set(phrases())


@pytest.mark.parametrize(("language", "least"), [("en", 7), ("ru", 7), ("de", 2), ("zh", 2)])
def test_english_and_russian_have_many_words(language, least):
    assert min(len(languages[language]) for languages in phrases().values()) >= least


def test_no_phrase_stands_for_two_classes_that_compete():
    seen: dict[str, str] = {}
    for concept in CLASSES:
        for word in {word for line in phrases()[concept].values() for word in line}:
            assert seen.setdefault(word, concept) == concept, word


def test_each_sentence_takes_one_phrase():
    assert all(sentence.count("{}") == 1 for sentence in SENTENCES)


def test_drawn_phrases_belong_to_their_concept():
    rng = random.Random(3)
    known = {word for line in phrases()["window"].values() for word in line}
    assert {draw_phrase("window", rng) for _ in range(300)} <= known
    assert any("окно" in fill_sentence("окно", SENTENCES, rng) for _ in range(5))


def test_merging_goes_from_left_to_right():
    assert merge_pair("aaab", ("a", "a")) == ("aa", "a", "b")


def test_most_frequent_pair_is_merged_first_and_rare_pairs_never():
    # "low" three times, "lot" once: l+o occurs four times, then lo+w</w> three times; lo+t</w> once only
    assert learn_merges(["low low low lot"], 10) == [("l", "o"), ("lo", "w</w>")]


def test_written_merges_are_read_back_and_do_not_change(tmp_path):
    merges = learn_merges(["стена стены стену wall walls"], 20)
    write_merges(merges, tmp_path / "a.gz")
    write_merges(merges, tmp_path / "b.gz")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert list(tokenizer(tmp_path / "a.gz").bpe_ranks) == merges


def test_learning_goes_on_from_given_merges():
    # "lo" is given; then low</w> (twice) is worth a merge, lot</w> (once) is not
    assert learn_merges(["low low lot"], 10, [("l", "o")]) == [("l", "o"), ("lo", "w</w>")]


def test_bundled_merges_join_bytes_or_earlier_merges_and_plain_words_are_one_token():
    tokens = tokenizer(MERGES_FILE)
    known = set(tokens.byte_encoder.values())
    known |= {f"{letter}</w>" for letter in known}
    for first, second in tokens.bpe_ranks:
        assert {first, second} <= known
        known.add(first + second)
    for concept in ("window", "door", "wall"):
        for language in ("en", "ru"):
            assert len(tokens.encode(phrases()[concept][language][0])) == 1


def test_batches_equal_the_tokenizer_where_no_merge_is_dropped():
    texts = ["кирпичная стена", "a photo of a window."]
    own = encode_batch(tokenizer(), texts, 0.0, random.Random(0))
    assert torch.equal(own, tokenizer()(texts)[:, : own.shape[1]])


def test_dropped_merges_change_the_ids_but_not_the_text():
    tokens, rng = tokenizer(), random.Random(0)
    plain = encode_batch(tokens, ["отслоение краски"], 0.0, rng)
    changed = [encode_batch(tokens, ["отслоение краски"], 0.6, rng) for _ in range(8)]
    assert any(ids.shape != plain.shape for ids in changed)
    assert {tokens.decode(ids[0, 1:].tolist()[: int(ids[0].argmax()) - 1]).strip() for ids in changed} == {
        "отслоение краски"
    }
