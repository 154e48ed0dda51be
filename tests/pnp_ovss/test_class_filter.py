from __future__ import annotations

import pytest

from pnp_ovss import parse_reply

NAMES = ["wall", "window", "door", "roof"]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("[1: wall, 3: door], [95%, 71%]", [0, 2]),
        ("[1: wall, 3: door], [95%, 70%]", [0]),
        ("[4: roof, 2: window]\n\n[80.5, 99]", [3, 1]),
        ("[2: window], [2: 90%]", [1]),
        ("[2: window, 2: window], [90, 90]", [1]),
        ("[2: window, 9: moat], [90, 90]", [1]),
        ("[3: door]", [2]),
        ("[3: door], [sure]", [0]),
        ("no idea", [0]),
        ("", [0]),
    ],
)
def test_replies(reply: str, expected: list[int]) -> None:
    assert parse_reply(reply, NAMES) == expected


def test_identifiers_of_ones_own() -> None:
    assert parse_reply("[44: a, 7: b], [90, 90]", NAMES, [7, 11, 44, 90]) == [2, 0]


def test_each_class_needs_an_identifier() -> None:
    with pytest.raises(ValueError, match="one identifier a class, got 2 for 4 classes"):
        parse_reply("", NAMES, [1, 2])
