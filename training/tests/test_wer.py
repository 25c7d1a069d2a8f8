"""Error rates; jiwer 4.0 gives the expected values."""

import jiwer
import numpy as np
import pytest

from wer import character_errors, edit_distance, word_errors

REFERENCES = ["press one to send this message", "yes", "the conference is locked", "a b c"]
HYPOTHESES = ["press one to send his message now", "", "the the conference is lockd", "a b c"]


def test_rates_equal_jiwer():
    assert word_errors(REFERENCES, HYPOTHESES).rate == pytest.approx(jiwer.wer(REFERENCES, HYPOTHESES))
    assert character_errors(REFERENCES, HYPOTHESES).rate == pytest.approx(jiwer.cer(REFERENCES, HYPOTHESES))


def test_rate_sums_edits_over_the_corpus():
    rate = word_errors(["a b c d", "e"], ["a b c d", "f"])
    assert rate.rate == pytest.approx(1 / 5)


@pytest.mark.parametrize(("first", "second", "distance"), [("", "", 0), ("", "ab", 2), ("kitten", "sitting", 3)])
def test_edit_distance(first, second, distance):
    assert edit_distance(first, second) == edit_distance(second, first) == distance


def test_interval_contains_the_rate_and_is_repeatable():
    rate = word_errors(REFERENCES * 10, HYPOTHESES * 10)
    low, high = rate.interval()
    assert low < rate.rate < high
    assert np.allclose(rate.interval(), (low, high))
