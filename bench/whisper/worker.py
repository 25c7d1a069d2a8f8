"""A peer that stays alive: reads the path of a recording a line, hears it, answers a line of JSON.

The recording is raw float32 samples at 16 kHz, so that reading sound is in nobody's time.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

# What libraries print goes where errors go: the answers alone are on the standard output.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def peak_memory_mb() -> float:
    """In megabytes of 2^20 bytes. `getrusage` would count the parent's, too, from before the program was loaded."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status: VmHWM was required; this bench runs on Linux")


def answer(**fields: object) -> None:
    print(json.dumps(fields), file=answers, flush=True)


def serve(hear: Callable[[np.ndarray], str], version: str) -> None:
    """Answers until the input ends."""
    answer(ready=True, version=version)
    for line in sys.stdin:
        samples = np.fromfile(line.strip(), np.float32)
        started, used = time.perf_counter(), time.process_time()
        text = hear(samples)
        elapsed, processor = time.perf_counter() - started, time.process_time() - used
        answer(ms=elapsed * 1000, processorMs=processor * 1000, text=text, peakMemoryMb=peak_memory_mb())
