"""Augmentation of log spectra: every training utterance is heard differently each time.

Works on the spectrum before standardisation, where powers can still be scaled, filtered and mixed with noise, and on
whole padded batches, on the processor or a GPU. What is done to each utterance is drawn first (`draw`, NumPy, small),
then done to all of them (`augment`).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from front_ends import FrontEnd, inside

TOP_HZ = 8000.0
NARROW_BAND_HZ = 3950.0


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
    band_share: float = 0.125  # ... each up to this share of the bins
    gap_frames: int = 30  # and a gap in time for each `frames_a_gap` frames
    frames_a_gap: int = 300


@dataclass(frozen=True)
class Plan:
    """What is done to each of N utterances of a batch."""

    response: np.ndarray  # float32 [N, bins], amplitude that each bin is multiplied by
    noise: np.ndarray  # float32 [N, bins], amplitude of noise over the utterance's own level; 0 for none
    frames: np.ndarray  # int64 [N], new lengths
    positions: np.ndarray  # float32 [N, bins], where each new bin is read from
    bands: np.ndarray  # bool [N, bins], bins that are blanked
    gaps: np.ndarray  # bool [N, longest new length], frames that are blanked


def telephone_response(rng: np.random.Generator, hertz: np.ndarray) -> np.ndarray:
    """Amplitude of a telephone channel at given frequencies: passes to 3.4 ... 3.95 kHz, weak below 100-250 Hz."""
    high = 1 / (1 + np.exp((hertz - rng.uniform(3500, 3950)) / 40))
    low = 1 / (1 + np.exp(-(hertz - rng.uniform(0, 250)) / 40))
    return high * low


def draw(
    rng: np.random.Generator, front_end: FrontEnd, lengths: list[int], wide_band: list[bool], options: Augmentation
) -> Plan:
    """What to do to utterances of given lengths (frames).

    wide_band: whether each reaches beyond 4 kHz, so that cutting it to the telephone band changes it.
    """
    hertz, count = front_end.hertz, len(lengths)
    response, noise = np.empty((count, front_end.bins)), np.zeros((count, front_end.bins))
    positions, bands = np.empty((count, front_end.bins)), np.zeros((count, front_end.bins), bool)
    frames = np.maximum(np.rint(np.array(lengths) * rng.uniform(*options.stretch, count)).astype(np.int64), 2)
    gaps = np.zeros((count, frames.max()), bool)
    for row in range(count):
        gain_db = rng.uniform(-options.gain_db, options.gain_db)
        response[row] = 10 ** ((gain_db + rng.uniform(-options.tilt_db, options.tilt_db) * hertz / TOP_HZ) / 20)
        if rng.random() < options.noise_probability:
            noise_db = -rng.uniform(*options.noise_ratio_db) + rng.uniform(-20, 0) * hertz / TOP_HZ
            noise[row] = 10 ** (noise_db / 20) * (wide_band[row] | (hertz < NARROW_BAND_HZ))
        if wide_band[row] and rng.random() < options.telephone_probability:
            response[row] *= telephone_response(rng, hertz)
        positions[row] = front_end.position(hertz * rng.uniform(*options.frequency_warp))
        for _ in range(options.bands):
            width = rng.integers(0, round(options.band_share * front_end.bins) + 1)
            start = rng.integers(0, front_end.bins - width + 1)
            bands[row, start : start + width] = True
        for _ in range(frames[row] // options.frames_a_gap + 1):
            width = min(int(rng.integers(0, options.gap_frames + 1)), frames[row] // 4)
            start = rng.integers(0, frames[row] - width + 1)
            gaps[row, start : start + width] = True
    as_float = (array.astype(np.float32) for array in (response, noise))
    return Plan(*as_float, frames, np.clip(positions, 0, front_end.bins - 1).astype(np.float32), bands, gaps)


def interpolate(x: Tensor, positions: Tensor) -> Tensor:
    """Rows of each x [N, T, F] at fractional positions [N, T'], linearly interpolated: [N, T', F]."""
    below = positions.long().clamp_max(max(x.shape[1] - 2, 0))
    above = (below + 1).clamp_max(x.shape[1] - 1)
    row = torch.arange(len(x), device=x.device).unsqueeze(1)
    return torch.lerp(x[row, below], x[row, above], (positions - below).unsqueeze(2))


def augment(
    spectra: Tensor, lengths: Tensor, plan: Plan, front_end: FrontEnd, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Augmented, standardised features float32 [N, T', bins], zero where padded, and their lengths int64 [N].

    spectra: [N, T, bins] as `analyse` gives them; lengths: int64 [N]. `generator`, on the same device, draws the noise.
    """
    device = spectra.device
    response, noise, frames, columns, bands, gaps = (
        torch.from_numpy(getattr(plan, name)).to(device, non_blocking=True)
        for name in ("response", "noise", "frames", "positions", "bands", "gaps")
    )
    power = front_end.to_power(spectra.float()) * inside(lengths, spectra.shape[1]).unsqueeze(2)
    if len(noisy := torch.from_numpy(np.flatnonzero(plan.noise.any(axis=1))).to(device)):
        clean = power[noisy]
        level = clean.sum((1, 2)) / (lengths[noisy] * power.shape[2])
        # The power of complex Gaussian noise in one spectrum line is exponentially distributed; a bin that averages
        # several varies less, here as a mixture of its mean and one such line with the right variance.
        lines = torch.from_numpy(front_end.lines).to(device)
        drawn = 1 + (torch.empty_like(clean).exponential_(generator=generator) - 1) / lines.sqrt()
        power[noisy] = clean + (noise[noisy].square() * level.unsqueeze(1)).unsqueeze(1) * drawn
    x = front_end.from_power(power * response.square().unsqueeze(1))
    ratio = ((lengths - 1) / (frames - 1).clamp_min(1)).unsqueeze(1)
    steps = torch.arange(plan.gaps.shape[1], device=device)
    x = interpolate(x, torch.minimum(steps * ratio, (lengths - 1).unsqueeze(1)))
    x = interpolate(x.transpose(1, 2), columns).transpose(1, 2)
    features = front_end.standardise_batch(x, frames)
    return features.masked_fill(bands.unsqueeze(1) | gaps.unsqueeze(2), 0.0), frames
