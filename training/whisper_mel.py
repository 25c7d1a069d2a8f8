"""Whisper's log-mel front end, of the recorded part alone.

As openai-whisper has it: 16 kHz mono; 200 samples reflected at both ends; frames of 400 samples every 160, periodic Hann
window; power of the real FFT; 80 triangular filters on Slaney's mel scale, 0 to 8,000 Hz, of area 1; log10 of at least
1e-10; the last frame dropped. Then no value below the utterance's greatest minus 8, plus 4, over 4. Only the zeros that
fill a window of 30 s are left out: the network appends the little silence that it wants (whisper.py).
"""

import numpy as np

from features import HOP_SAMPLES, SAMPLE_RATE_HZ
from log_mel import filter_centres_hz, independent_lines, mel_filters

FFT_SAMPLES = 400
BINS = 80
POWER_FLOOR = 1e-10
RANGE_DECADES = 8.0
SHIFT = SCALE = 4.0

FILTERS = mel_filters(FFT_SAMPLES, BINS)
CENTRES_HZ = filter_centres_hz(BINS)
LINES = independent_lines(FILTERS)
_WINDOW = np.hanning(FFT_SAMPLES + 1)[:-1]


def log_mel(samples: np.ndarray) -> np.ndarray:
    """log10 of mel powers, float32 [frames, 80], of 16 kHz samples, 160 or more; frames = samples // 160."""
    padded = np.pad(np.asarray(samples, dtype=np.float32), FFT_SAMPLES // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SAMPLES)[::HOP_SAMPLES][:-1]
    power = np.square(np.abs(np.fft.rfft(frames * _WINDOW, axis=1)))
    return np.log10(np.maximum(power @ FILTERS, POWER_FLOOR)).astype(np.float32)


def standardise(spectrum: np.ndarray) -> np.ndarray:
    """What Whisper reads of a spectrum of log10 powers, same shape."""
    return (np.maximum(spectrum, spectrum.max() - RANGE_DECADES) + SHIFT) / SCALE


def card() -> dict:
    """`frontEnd` of a model card."""
    return {
        "kind": "log-mel", "sampleRateHz": SAMPLE_RATE_HZ, "fftSamples": FFT_SAMPLES, "windowSamples": FFT_SAMPLES,
        "hopSamples": HOP_SAMPLES, "window": "hann-periodic", "padding": "reflect", "dropLastFrame": True, "bins": BINS,
        "melScale": "slaney", "logarithm": "decimal", "logGuard": POWER_FLOOR, "logGuardMode": "clamp",
        "normalisation": "whisper",
    }
