"""Transcripts as the models spell them: lower case a-z, apostrophe and space.

The labels of every model: 0 is the CTC blank, then space, apostrophe, a ... z.
"""

import re

LABELS = ["<blank>", " ", "'"] + [chr(code) for code in range(ord("a"), ord("z") + 1)]
BLANK = 0
INDEX_OF = {character: index for index, character in enumerate(LABELS) if index != BLANK}

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()


def spell_number(digits: str) -> str:
    """Spell a run of digits: up to 99 as a number, a longer run digit by digit.

    >>> spell_number("42"), spell_number("600")
    ('forty two', 'six zero zero')
    """
    value = int(digits)
    if len(digits) > 2:
        return " ".join(_UNITS[int(digit)] for digit in digits)
    if value < 20:
        return _UNITS[value]
    tens, units = divmod(value, 10)
    return _TENS[tens] if units == 0 else f"{_TENS[tens]} {_UNITS[units]}"


def normalise(text: str) -> str:
    """Bring a transcript to the alphabet of the labels.

    Lower-cased, "&" to "and", digits spelled out, everything but a-z and apostrophe to space (so "A.M." is "a m", as
    in the reference transcripts of the hold-out), runs of spaces joined.

    >>> normalise("Press 1, or dial 600 & say: re-record!")
    'press one or dial six zero zero and say re record'
    """
    text = text.lower().replace("&", " and ")
    text = re.sub(r"\d+", lambda match: f" {spell_number(match.group())} ", text)
    return " ".join(re.sub(r"[^a-z']", " ", text).split())


def encode(text: str) -> list[int]:
    """Label indices of a normalised transcript."""
    return [INDEX_OF[character] for character in text]


def decode_greedy(indices) -> str:
    """Text of a best path: repeats joined, then blanks dropped (Graves et al. 2006, section 3.1), spaces joined.

    indices: label indices, one a step.
    """
    characters, previous = [], BLANK
    for index in indices:
        if index != previous and index != BLANK:
            characters.append(LABELS[index])
        previous = index
    return " ".join("".join(characters).split())
