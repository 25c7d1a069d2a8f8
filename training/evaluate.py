"""Greedy transcripts of a trained model and how wrong they are."""

import torch

from architectures import front_end_of
from batches import plain_batches
from cache import CachedUtterance
from network import Network
from transcripts import decode_greedy

BATCH_FRAMES = 20_000


@torch.inference_mode()
def transcribe(model: Network, utterances: list[CachedUtterance]) -> list[str]:
    """Greedy transcripts, one an utterance, in their order; no language model."""
    texts = [""] * len(utterances)
    device = next(model.parameters()).device
    for indices, batch in plain_batches(utterances, BATCH_FRAMES, front_end_of(model)):
        log_probabilities, lengths = model(batch.features.to(device), batch.lengths.to(device))
        best = log_probabilities.argmax(dim=2).cpu()
        for row, (index, steps) in enumerate(zip(indices, lengths.tolist())):
            texts[index] = decode_greedy(best[row, :steps].tolist())
    return texts
