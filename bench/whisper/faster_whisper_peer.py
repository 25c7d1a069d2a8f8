"""faster-whisper: python faster_whisper_peer.py FOLDER float32|int8 THREADS, FOLDER as CTranslate2 writes it."""

import sys

import ctranslate2
import faster_whisper
import numpy as np
from worker import serve_texts

folder, kind, threads = sys.argv[1:4]
model = faster_whisper.WhisperModel(
    folder, device="cpu", compute_type=kind, cpu_threads=int(threads), num_workers=1, local_files_only=True
)


def hear(samples: np.ndarray) -> str:
    segments, _ = model.transcribe(
        samples,
        language="en",
        beam_size=1,
        best_of=1,
        temperature=[0.0],
        without_timestamps=True,
        condition_on_previous_text=False,
        # Nothing is heard twice or left out, as in the other conditions.
        compression_ratio_threshold=None,
        log_prob_threshold=None,
        no_speech_threshold=None,
    )
    return "".join(segment.text for segment in segments)


serve_texts(hear, f"faster-whisper {faster_whisper.__version__}, ctranslate2 {ctranslate2.__version__}")
