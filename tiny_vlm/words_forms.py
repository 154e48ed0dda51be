"""Other forms of a word for training: inflected by its ending, mistyped, or no word at all."""

import random

_RUSSIAN = (  # ending of the dictionary form, endings it may have instead; the first that fits is taken
    ("ый", ("ая", "ое", "ые", "ого", "ому", "ым", "ой", "ую", "ых", "ыми")),
    ("ий", ("ая", "ее", "ие", "его", "ему", "им", "ой", "ую", "их", "ими")),
    ("ая", ("ой", "ую", "ые", "ых", "ыми", "ый")),
    ("ое", ("ого", "ому", "ым", "ые", "ых")),
    ("ия", ("ии", "ию", "ией", "ий", "иям", "иях")),
    ("ие", ("ия", "ию", "ием", "ии", "ий", "иям")),
    ("ка", ("ки", "ке", "ку", "кой", "ок", "ками", "ках")),
    ("а", ("ы", "е", "у", "ой", "ам", "ами", "ах", "")),
    ("я", ("и", "е", "ю", "ей", "ям", "ями", "ях")),
    ("о", ("а", "у", "ом", "е", "ам", "ами", "ах", "")),
    ("е", ("я", "ю", "ем", "ей", "ям", "ями", "ях")),
    ("ы", ("", "ов", "ам", "ами", "ах")),
    ("и", ("ь", "ей", "ям", "ями", "ях")),
    ("ь", ("и", "ю", "ем", "ью", "ей", "ям", "ями", "ях")),
    ("й", ("я", "ю", "ем", "е", "и", "ев", "ям", "ями")),
    ("", ("а", "у", "ом", "е", "ы", "ов", "ам", "ами", "ах")),
)
_LATIN = {"en": ("s", "es"), "de": ("e", "en", "n", "s", "er"), "fr": ("s",), "es": ("s", "es")}
_LETTERS = {"ru": "абвгдежзийклмнопрстуфхцчшщыьэюя"}
_LATIN_LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHORTEST_STEM = 3  # letters


def inflect(phrase: str, language: str, rng: random.Random) -> str:
    """Give the last word of ``phrase`` an ending it may have; languages without rules stay as they are."""
    first, space, last = phrase.rpartition(" ")
    if language == "ru":
        return first + space + _inflect_russian(last, rng)
    if language == "en" and last.endswith("y") and len(last) > SHORTEST_STEM:
        return f"{phrase[:-1]}ies"
    return phrase + rng.choice(_LATIN[language]) if language in _LATIN else phrase


def mistype(phrase: str, language: str, rng: random.Random) -> str:
    """Swap, drop, double or replace one letter; phrases of under four letters stay as they are."""
    if len(phrase) < 4:
        return phrase
    place = rng.randrange(1, len(phrase) - 1)
    head, letter, tail = phrase[:place], phrase[place], phrase[place + 1 :]
    other = rng.choice(_LETTERS.get(language, _LATIN_LETTERS))
    return rng.choice(
        (head + tail[0] + letter + tail[1:], head + tail, head + 2 * letter + tail, head + other + tail)
    )


def random_letters(rng: random.Random) -> str:
    """A string that is no word: 2 to 12 letters, Latin or Cyrillic."""
    letters = rng.choice((_LATIN_LETTERS, _LETTERS["ru"]))
    return "".join(rng.choices(letters, k=rng.randint(2, 12)))


def _inflect_russian(word: str, rng: random.Random) -> str:
    for ending, others in _RUSSIAN:
        stem = word.removesuffix(ending)
        if word.endswith(ending) and len(stem) >= SHORTEST_STEM:
            return stem + rng.choice(others)
    return word
