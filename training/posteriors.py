"""What a teacher says of every training utterance, computed once and kept on disk beside the spectra.

The teacher listens to the recording as it is, with its own front end; the student learns to say the same of what
augmentation made of it. So a teacher costs its time once, however often the student hears, and need not share the
student's ears. Kept as the spectra are (see cache.py): float16 log-probabilities [steps of 40 ms, labels].
"""

import hashlib
from pathlib import Path

import numpy as np
import torch

from architectures import front_end_of, load_average
from batches import plain_batches
from cache import CachedUtterance, cache_folder, ensure_cache, ensure_kept
from network import Network

BATCH_FRAMES = 20_000


def listen(teacher: Network, utterances: list[CachedUtterance]) -> list[np.ndarray]:
    """Log-probabilities float16 [steps, labels] of each utterance, its spectrum being the teacher's."""
    blocks: list[np.ndarray] = [np.empty(0)] * len(utterances)
    device = next(teacher.parameters()).device
    with torch.inference_mode():
        for indices, batch in plain_batches(utterances, BATCH_FRAMES, front_end_of(teacher)):
            said, lengths = teacher(batch.features.to(device), batch.lengths.to(device))
            for row, (index, steps) in enumerate(zip(indices, lengths.tolist())):
                blocks[index] = said[row, :steps].float().cpu().numpy().astype(np.float16)
    return blocks


def ensure_posteriors(run: Path, data: Path, corpora: dict, dtype: torch.dtype, device: torch.device) -> dict[str, list]:
    """The posteriors of every corpus, each a list in its order; corpora: lists of utterances by name.

    Weights other than those that listened before listen again.
    """
    teacher, _ = load_average(run / "best.pt")
    teacher.compute_dtype = dtype
    front_end = front_end_of(teacher)
    heard = ensure_cache(cache_folder(data, front_end), corpora, front_end)
    weights = hashlib.sha256((run / "best.pt").read_bytes()).hexdigest()[:12]
    folder = data / f"posteriors-{run.name}-{weights}"
    teacher.on(device)
    kept = ensure_kept(folder, heard, lambda utterances: listen(teacher, utterances))
    return {name: [utterance.spectrogram for utterance in utterances] for name, utterances in kept.items()}
