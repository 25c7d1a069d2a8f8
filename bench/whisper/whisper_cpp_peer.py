"""whisper.cpp: python whisper_cpp_peer.py MODEL.bin THREADS, MODEL.bin from ggml_file.py."""

import sys
from importlib.metadata import version

import numpy as np
from pywhispercpp.model import Model
from worker import serve_texts

path, threads = sys.argv[1:3]
model = Model(path, params_sampling_strategy=0, redirect_whispercpp_logs_to=None)


def hear(samples: np.ndarray) -> str:
    segments = model.transcribe(
        samples,
        language="en",
        n_threads=int(threads),
        temperature=0.0,
        # Nothing is heard twice or left out, as in the other conditions.
        temperature_inc=0.0,
        no_timestamps=True,
        single_segment=True,
        no_context=True,
        suppress_blank=True,
        greedy={"best_of": 1},
        print_progress=False,
    )
    return " ".join(segment.text for segment in segments)


serve_texts(hear, f"pywhispercpp {version('pywhispercpp')}")
