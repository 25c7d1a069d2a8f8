"""The front end: waveform to log spectrogram, exactly as the model card says.

16 kHz mono in -1 ... 1 (other rates through SciPy's `resample_poly`); 160 samples reflected at both ends; frames of
320 samples every 160, symmetric Hamming window; log(1 + magnitude of the real FFT), 161 bins; then, for each
utterance, minus the mean and over the population standard deviation of all its values.

The two steps are apart, because augmentation works between them.
"""

import math

import numpy as np
import soundfile
from scipy.signal import resample_poly

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES = 320  # 20 ms
HOP_SAMPLES = 160  # 10 ms
BINS = WINDOW_SAMPLES // 2 + 1  # 161, 50 Hz apart
_WINDOW = np.hamming(WINDOW_SAMPLES).astype(np.float32)


def read_audio(path) -> np.ndarray:
    """Samples of an audio file as mono float32 [samples] at 16 kHz (WAV, FLAC, Ogg Opus: what libsndfile reads)."""
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return resample(samples.mean(axis=1), rate_hz)


def resample(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """Samples at 16 kHz, float32 [samples]."""
    if rate_hz == SAMPLE_RATE_HZ:
        return samples
    divisor = math.gcd(rate_hz, SAMPLE_RATE_HZ)
    return resample_poly(samples, SAMPLE_RATE_HZ // divisor, rate_hz // divisor).astype(np.float32)


def log_spectrogram(samples: np.ndarray) -> np.ndarray:
    """log(1 + magnitude), float32 [frames, 161], of 16 kHz samples; frames = samples // 160 + 1."""
    padded = np.pad(samples, HOP_SAMPLES, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::HOP_SAMPLES]
    return np.log1p(np.abs(np.fft.rfft(frames * _WINDOW, axis=1))).astype(np.float32)


def standardise(spectrogram: np.ndarray) -> np.ndarray:
    """Zero mean and unit variance over the whole utterance, same shape."""
    return (spectrogram - spectrogram.mean()) / max(float(spectrogram.std()), 1e-6)
