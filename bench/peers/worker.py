"""A peer that stays alive: reads the path of a recording a line, hears it, answers a line of JSON.

The recording is raw float32 numbers, samples at 16 kHz or features, so that reading sound is in nobody's time.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from peak_memory import peak_memory_mb

Given = TypeVar("Given")

# What libraries print goes where errors go: the answers alone are on the standard output.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def answer(**fields: object) -> None:
    print(json.dumps(fields), file=answers, flush=True)


def serve(hear: Callable[[np.ndarray], Given], version: str, tell: Callable[[Given], dict[str, object]], **ready: object) -> None:
    """Answers until the input ends; `hear` is timed, `tell` makes the answer's fields of what it gave."""
    answer(version=version, **ready)
    for line in sys.stdin:
        numbers = np.fromfile(line.strip(), np.float32)
        started, used = time.perf_counter(), time.process_time()
        given = hear(numbers)
        elapsed, processor = time.perf_counter() - started, time.process_time() - used
        peak = round(peak_memory_mb() * 2**20)
        answer(ms=elapsed * 1000, processorMs=processor * 1000, peakBytes=peak, **tell(given))


def serve_texts(hear: Callable[[np.ndarray], str], version: str) -> None:
    """The same where what is heard is the text."""
    serve(hear, version, lambda text: {"text": text})
