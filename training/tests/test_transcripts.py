"""Spelling rules, with cases of the kind that occur in the Debian prompts' transcripts."""

import pytest

from transcripts import LABELS, decode_greedy, encode, normalise


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Press 1 now.", "press one now"),
        ("the 13 of 42", "the thirteen of forty two"),
        ("dial 500", "dial five zero zero"),
        ("28.8 kilobit", "twenty eight eight kilobit"),
        ("A.M.", "a m"),
        ("re-record", "re record"),
        ("you & me", "you and me"),
        ("party's  name", "party's name"),
        ("3D audio", "three d audio"),
        ("...", ""),
    ],
)
def test_normalise(raw, expected):
    assert normalise(raw) == expected


def test_labels_are_those_of_the_card():
    assert LABELS == ["<blank>", " ", "'", *"abcdefghijklmnopqrstuvwxyz"]


def test_greedy_joins_repeats_and_keeps_letters_apart_that_a_blank_divides():
    h, e, l, o = encode("helo")
    assert decode_greedy([0, h, h, 0, e, l, 0, l, l, o, 0]) == "hello"


def test_greedy_trims_and_joins_spaces():
    space, a = encode(" a")
    assert decode_greedy([space, a, space, 0, space, a, space]) == "a a"
