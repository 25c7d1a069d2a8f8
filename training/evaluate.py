"""Greedy transcripts of a trained model and how wrong they are."""

import torch

from batches import plain_batches
from cache import CachedUtterance
from model import DeepSpeech2
from transcripts import decode_greedy

BATCH_FRAMES = 20_000


@torch.inference_mode()
def transcribe(model: DeepSpeech2, utterances: list[CachedUtterance]) -> list[str]:
    """Greedy transcripts, one an utterance, in their order; no language model."""
    texts = [""] * len(utterances)
    for indices, batch in plain_batches(utterances, BATCH_FRAMES):
        log_probabilities, lengths = model(batch.features, batch.lengths)
        best = log_probabilities.argmax(dim=2)
        for row, (index, steps) in enumerate(zip(indices, lengths.tolist())):
            texts[index] = decode_greedy(best[row, :steps].tolist())
    return texts
