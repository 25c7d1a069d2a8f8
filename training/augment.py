"""Augmentation of log spectrograms: every training utterance is heard differently each time.

Works on the spectrogram before standardisation, where magnitudes can still be scaled, filtered and mixed with noise.
"""

from dataclasses import dataclass

import numpy as np

from features import BINS, standardise

BIN_HZ = 50.0


@dataclass(frozen=True)
class Augmentation:
    """How much is changed; probabilities in 0 ... 1."""

    gain_db: float = 6.0
    tilt_db: float = 6.0  # at 8 kHz against 0 Hz
    telephone_probability: float = 0.5  # of cutting a wide-band recording to the telephone band
    noise_probability: float = 0.5
    noise_ratio_db: tuple[float, float] = (8.0, 35.0)  # signal to noise
    stretch: tuple[float, float] = (0.87, 1.18)  # new length over old
    frequency_warp: tuple[float, float] = (0.92, 1.08)
    bands: int = 2  # SpecAugment (Park et al. 2019): bands of frequency ...
    band_bins: int = 20
    gap_frames: int = 30  # ... and a gap in time for each `frames_a_gap` frames
    frames_a_gap: int = 300


def interpolate_rows(x: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Rows of `x` at fractional positions, linearly interpolated; positions beyond the ends repeat the end row."""
    positions = np.clip(positions, 0, len(x) - 1)
    below = np.minimum(positions.astype(np.int64), max(len(x) - 2, 0))
    share = (positions - below).astype(np.float32)[:, None]
    above = np.minimum(below + 1, len(x) - 1)
    return x[below] * (1 - share) + x[above] * share


def telephone_response(rng: np.random.Generator) -> np.ndarray:
    """Amplitude of a telephone channel for each bin, float32 [161]: passes to 3.4 ... 3.95 kHz, weak below 100-250 Hz."""
    hertz = np.arange(BINS) * BIN_HZ
    high = 1 / (1 + np.exp((hertz - rng.uniform(3500, 3950)) / 40))
    low = 1 / (1 + np.exp(-(hertz - rng.uniform(0, 250)) / 40))
    return (high * low).astype(np.float32)


def augment(spectrogram: np.ndarray, rng: np.random.Generator, options: Augmentation, wide_band: bool) -> np.ndarray:
    """Augmented, standardised features float32 [frames', 161] of a log spectrogram [frames, 161].

    wide_band: whether the recording reaches beyond 4 kHz, so that cutting it to the telephone band changes it.
    """
    magnitude = np.expm1(spectrogram.astype(np.float32))
    level = float(np.sqrt(np.mean(np.square(magnitude)))) + 1e-6
    response = np.full(BINS, 10 ** (rng.uniform(-options.gain_db, options.gain_db) / 20), dtype=np.float32)
    tilt_db = rng.uniform(-options.tilt_db, options.tilt_db)
    response *= 10 ** (np.linspace(0, tilt_db, BINS, dtype=np.float32) / 20)
    if rng.random() < options.noise_probability:
        noise_tilt = 10 ** (np.linspace(0, rng.uniform(-20, 0), BINS, dtype=np.float32) / 20)
        if not wide_band:
            noise_tilt = noise_tilt * (np.arange(BINS) * BIN_HZ < 3950)
        noise_level = level * 10 ** (-rng.uniform(*options.noise_ratio_db) / 20) / np.sqrt(2)
        # The magnitude of complex Gaussian noise is Rayleigh distributed: the root of an exponential.
        power = rng.standard_exponential(magnitude.shape, dtype=np.float32)
        magnitude = np.sqrt(np.square(magnitude) + 2 * power * np.square(noise_level * noise_tilt, dtype=np.float32))
    if wide_band and rng.random() < options.telephone_probability:
        response = response * telephone_response(rng)
    warped = np.log1p(magnitude * response)

    frames = max(int(round(len(warped) * rng.uniform(*options.stretch))), 2)
    warped = interpolate_rows(warped, np.linspace(0, len(warped) - 1, frames))
    warp = rng.uniform(*options.frequency_warp)
    warped = np.ascontiguousarray(interpolate_rows(warped.T, np.arange(BINS) * warp).T)
    features = standardise(warped)

    for _ in range(options.bands):
        width = rng.integers(0, options.band_bins + 1)
        start = rng.integers(0, BINS - width + 1)
        features[:, start : start + width] = 0
    for _ in range(frames // options.frames_a_gap + 1):
        width = min(int(rng.integers(0, options.gap_frames + 1)), frames // 4)
        start = rng.integers(0, frames - width + 1)
        features[start : start + width] = 0
    return features
