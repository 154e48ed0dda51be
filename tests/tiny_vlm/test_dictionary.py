import gzip

import pytest

from tiny_vlm.dictionary import read_articles, read_wordnet, translations

LICENCE = "  1 This software and database is being provided to you, the LICENSEE, by  \n"
NOUNS = (  # data.noun: offset lexfile type words (word id)* pointers (symbol offset type source)* | gloss
    "00000100 03 n 01 entity 0 000 | that which exists  \n"
    '00000200 06 n 02 building 0 edifice 0 001 @ 00000100 n 0000 | a structure with walls; "a tall one"  \n'
    "00000300 06 n 01 house 0 002 @ 00000200 n 0000 %p 00000400 n 0000 | a dwelling  \n"
    "00000400 06 n 01 front_door 0 001 @ 00000100 n 0000 | the door at the front  \n"
    "00000500 06 n 01 White_House 0 001 @i 00000300 n 0000 | a house in Washington  \n"
)
INDEX = (
    "building n 1 1 @ 1 1 00000200  \n"
    "edifice n 1 1 @ 1 0 00000200  \n"
    "entity n 1 0 1 1 00000100  \n"
    "front_door n 1 1 @ 1 0 00000400  \n"
    "house n 2 2 @ %p 2 1 00000300 00000100  \n"
    "white_house n 1 1 @i 1 0 00000500  \n"
)
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def base64(value):
    return (base64(value // 64) if value >= 64 else "") + DIGITS[value % 64]


@pytest.fixture
def wordnet(tmp_path):
    (tmp_path / "data.noun").write_text(LICENCE + NOUNS, encoding="utf-8")
    (tmp_path / "index.noun").write_text(LICENCE + INDEX, encoding="utf-8")
    return read_wordnet(tmp_path)


def write_dictionary(stem, articles):
    """A dictionary as dictfmt writes it: articles in a row, and their places in base 64."""
    text, index = b"", ""
    for head, article in articles:
        body = article.encode()
        index += f"{head}\t{base64(len(text))}\t{base64(len(body))}\n"
        text += body
    stem.with_name(f"{stem.name}.dict.dz").write_bytes(gzip.compress(text))
    stem.with_name(f"{stem.name}.index").write_text(index, encoding="utf-8")
    return stem


def test_synsets_have_their_words_parents_and_parts(wordnet):
    house = wordnet.synsets[300]
    assert (house.words, house.parents, house.parts) == (("house",), (200,), (400,))
    assert wordnet.synsets[200].words == ("building", "edifice")
    assert wordnet.synsets[200].gloss == "a structure with walls"
    assert wordnet.synsets[400].words == ("front door",)


def test_names_of_single_things_are_left_out(wordnet):
    assert 500 not in wordnet.synsets
    assert wordnet.senses["white house"] == (0,)


def test_senses_are_found_by_number(wordnet):
    assert wordnet.senses["house"] == (300, 100)
    assert wordnet.find("front door 1") == 400
    with pytest.raises(ValueError, match=r"no noun sense 'house 3'; it has 2 senses of 'house'"):
        wordnet.find("house 3")


def test_articles_are_cut_out_at_their_places(tmp_path):
    long = "окно\n   1) window\n" + "x" * 5000 + "\n"
    articles = [("00databaseinfo", "about"), ("окно", long), ("дверь", "дверь\n   door\n")]
    stem = write_dictionary(tmp_path / "some-lang", articles)
    assert list(read_articles(stem)) == [("окно", long), ("дверь", "дверь\n   door\n")]


def test_russian_translations_are_the_cyrillic_parts():
    article = (
        "car\n   [kɑ:] _n.\n   1) автомобиль, машина\n   2) вагон (трамвая, _ам. тж. железнодорожный);"
        " hand car дрезина\n   3) тележка; повозка\n"
    )
    assert translations(article, cyrillic=True) == ["автомобиль", "машина", "вагон", "тележка", "повозка"]


def test_definitions_in_the_language_of_the_headword_are_skipped():
    article = "Palast /paˈlast/ <n, masc>\nдворец\ngroßes, meist repräsentatives Wohngebäude; auf Burgen\n"
    assert translations(article, cyrillic=True) == ["дворец"]


def test_latin_translations_end_where_the_examples_begin():
    article = (
        "Abblättern /ˈapblɛtɜn/ <neut, n, sg>\nflaking <n>\n         Note: off, peeling <n>, scaling off\n"
        '      "Abblättern der Oberfläche"  - surface peeling\n   Synonyms: {Abplatzen}\n'
    )
    assert translations(article, cyrillic=False) == ["flaking", "peeling", "scaling off"]


def test_numbered_translations_lose_their_numbers():
    assert translations("coche /kˈotʃe/\n1. car\n2. carriage, coach\n", cyrillic=False) == [
        "car",
        "carriage",
        "coach",
    ]
