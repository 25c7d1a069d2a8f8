"""Word and character error rates: edits summed over the corpus, over the reference's words or characters."""

from dataclasses import dataclass

import numpy as np


def edit_distance(reference, hypothesis) -> int:
    """Fewest substitutions, deletions and insertions that turn `reference` into `hypothesis` (Levenshtein)."""
    row = list(range(len(hypothesis) + 1))
    for i, expected in enumerate(reference, start=1):
        diagonal, row[0] = row[0], i
        for j, got in enumerate(hypothesis, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (expected != got))
    return row[-1]


@dataclass(frozen=True)
class ErrorRate:
    """Edits and reference length of a corpus, by utterance (int64 [utterances] each)."""

    edits: np.ndarray
    lengths: np.ndarray

    @property
    def rate(self) -> float:
        """Edits over the reference's length, as a fraction; it can exceed 1."""
        return float(self.edits.sum() / self.lengths.sum())

    def interval(self, samples: int = 2000, seed: int = 0) -> tuple[float, float]:
        """95 % percentile bootstrap interval of the rate, utterances drawn with replacement."""
        drawn = np.random.default_rng(seed).integers(0, len(self.edits), (samples, len(self.edits)))
        rates = self.edits[drawn].sum(axis=1) / self.lengths[drawn].sum(axis=1)
        low, high = np.quantile(rates, [0.025, 0.975])
        return float(low), float(high)


def word_errors(references: list[str], hypotheses: list[str]) -> ErrorRate:
    """Errors in words."""
    return _errors([text.split() for text in references], [text.split() for text in hypotheses])


def character_errors(references: list[str], hypotheses: list[str]) -> ErrorRate:
    """Errors in characters, spaces counted."""
    return _errors(references, hypotheses)


def _errors(references, hypotheses) -> ErrorRate:
    edits = [edit_distance(reference, hypothesis) for reference, hypothesis in zip(references, hypotheses, strict=True)]
    return ErrorRate(np.array(edits), np.array([len(reference) for reference in references]))
