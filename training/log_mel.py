"""The log-mel front end, as NeMo's models have it but for dither and pre-emphasis, of which there is none.

16 kHz mono; 256 zeros at both ends (`torch.stft` with center=True, pad_mode="constant"); frames of 512 samples every
160 (10 ms), under a periodic Hann window of 400 samples (25 ms) in their middle; power of the real FFT; 128 triangular
filters equally spaced from 0 to 8,000 Hz on Slaney's mel scale, each of area 1 over frequency in hertz (Slaney's
normalisation); log(power + 2^-24), natural logarithm; then, for each bin, minus its mean over the utterance and over
its standard deviation (divided by frames - 1) plus 1e-5.

Slaney's scale and normalisation: M. Slaney, Auditory Toolbox, Interval Technical Report 1998-010.
"""

import numpy as np

from features import HOP_SAMPLES, SAMPLE_RATE_HZ

FFT_SAMPLES = 512
WINDOW_SAMPLES = 400  # 25 ms
BINS = 128
LOG_GUARD = 2.0**-24
DEVIATION_GUARD = 1e-5

# Slaney's scale is linear to 1,000 Hz (15 mel) and logarithmic above.
_HERTZ_A_MEL = 200 / 3
_BREAK_MEL = 15.0
_BREAK_HERTZ = 1000.0
_LOG_STEP = np.log(6.4) / 27


def hertz_to_mel(hertz) -> np.ndarray:
    """Slaney's mel of frequencies in hertz."""
    hertz = np.asarray(hertz, dtype=np.float64)
    above = _BREAK_MEL + np.log(np.maximum(hertz, _BREAK_HERTZ) / _BREAK_HERTZ) / _LOG_STEP
    return np.where(hertz < _BREAK_HERTZ, hertz / _HERTZ_A_MEL, above)


def mel_to_hertz(mel) -> np.ndarray:
    """Frequencies in hertz of Slaney's mel."""
    mel = np.asarray(mel, dtype=np.float64)
    return np.where(mel < _BREAK_MEL, mel * _HERTZ_A_MEL, _BREAK_HERTZ * np.exp((mel - _BREAK_MEL) * _LOG_STEP))


def mel_edges_hz(bins: int) -> np.ndarray:
    """Where the triangular filters begin, peak and end, float64 [bins + 2], equally spaced in mel from 0 to 8,000 Hz."""
    return mel_to_hertz(np.linspace(0, hertz_to_mel(SAMPLE_RATE_HZ / 2), bins + 2))


def filter_centres_hz(bins: int) -> np.ndarray:
    """Where each filter peaks, float64 [bins]."""
    return mel_edges_hz(bins)[1:-1]


def mel_filters(fft_samples: int, bins: int) -> np.ndarray:
    """Weights float64 [fft_samples / 2 + 1, bins] of each spectrum line in each mel bin."""
    edges = mel_edges_hz(bins)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    line = np.linspace(0, SAMPLE_RATE_HZ / 2, fft_samples // 2 + 1)[:, None]
    triangle = np.minimum((line - lower) / (centre - lower), (upper - line) / (upper - centre))
    return np.maximum(triangle, 0) * (2 / (upper - lower))


def independent_lines(filters: np.ndarray) -> np.ndarray:
    """Independent spectrum lines that each bin averages, float32 [bins]: how much noise varies in it."""
    return (filters.sum(axis=0) ** 2 / np.square(filters).sum(axis=0)).astype(np.float32)


FILTERS = mel_filters(FFT_SAMPLES, BINS)
CENTRES_HZ = filter_centres_hz(BINS)
LINES = independent_lines(FILTERS)
_WINDOW = np.zeros(FFT_SAMPLES)
_MARGIN = (FFT_SAMPLES - WINDOW_SAMPLES) // 2
_WINDOW[_MARGIN : _MARGIN + WINDOW_SAMPLES] = np.hanning(WINDOW_SAMPLES + 1)[:-1]


def log_mel(samples: np.ndarray) -> np.ndarray:
    """log(power + 2^-24), float32 [frames, 128], of 16 kHz samples; frames = samples // 160 + 1."""
    padded = np.pad(np.asarray(samples, dtype=np.float32), FFT_SAMPLES // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SAMPLES)[::HOP_SAMPLES]
    power = np.square(np.abs(np.fft.rfft(frames * _WINDOW, axis=1)))
    return np.log(power @ FILTERS + LOG_GUARD).astype(np.float32)


def standardise(spectrum: np.ndarray) -> np.ndarray:
    """Each bin with zero mean and unit deviation over the utterance, same shape."""
    centred = spectrum - spectrum.mean(axis=0)
    deviation = np.sqrt(np.square(centred).sum(axis=0) / max(len(spectrum) - 1, 1))
    return centred / (deviation + DEVIATION_GUARD)


def card() -> dict:
    """`frontEnd` of a model card."""
    return {
        "kind": "log-mel", "sampleRateHz": SAMPLE_RATE_HZ, "fftSamples": FFT_SAMPLES,
        "windowSamples": WINDOW_SAMPLES, "hopSamples": HOP_SAMPLES, "window": "hann-periodic", "bins": BINS,
        "melScale": "slaney", "logGuard": LOG_GUARD, "normalisation": "per-feature",
    }
