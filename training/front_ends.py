"""The front ends that models read, by the name that their cards give them.

A front end has two steps, because augmentation works between them. For one utterance, in NumPy: `analyse` gives a
logarithmic spectrum float32 [frames, bins], 100 frames a second, and `standardise` what the network reads. For padded
batches, in PyTorch on any device: `to_power` and `from_power` lead from that spectrum to powers and back,
`standardise_batch` is the second step. `hertz` says where each bin lies, `lines` how many spectrum lines it averages.
"""

import numpy as np
import torch
from torch import Tensor

import features
import log_mel
import whisper_mel


def inside(lengths: Tensor, steps: int) -> Tensor:
    """Whether each step of a padded batch belongs to its utterance: bool [N, steps]; lengths: int64 [N]."""
    return torch.arange(steps, device=lengths.device) < lengths.unsqueeze(1)


def mel_position(hertz: np.ndarray, centres_hz: np.ndarray) -> np.ndarray:
    """Fractional mel bins at given frequencies; centres_hz: of the bins."""
    mels = log_mel.hertz_to_mel(centres_hz)
    return (log_mel.hertz_to_mel(hertz) - mels[0]) / (mels[1] - mels[0])


class LogSpectrogram:
    """The 161-bin log spectrogram of features.py, standardised over the whole utterance."""

    name = "log-spectrogram"
    bins = features.BINS
    hertz = np.arange(features.BINS) * (features.SAMPLE_RATE_HZ / features.WINDOW_SAMPLES)
    lines = np.ones(features.BINS, np.float32)
    analyse = staticmethod(features.log_spectrogram)
    standardise = staticmethod(features.standardise)

    @staticmethod
    def to_power(spectrum: Tensor) -> Tensor:
        """Powers of log(1 + magnitude)."""
        return spectrum.expm1().square()

    @staticmethod
    def from_power(power: Tensor) -> Tensor:
        """log(1 + magnitude) of powers."""
        return power.sqrt().log1p()

    @staticmethod
    def position(hertz: np.ndarray) -> np.ndarray:
        """Fractional bins at given frequencies."""
        return hertz / (features.SAMPLE_RATE_HZ / features.WINDOW_SAMPLES)

    @staticmethod
    def standardise_batch(spectrum: Tensor, lengths: Tensor) -> Tensor:
        """`standardise` of each utterance of [N, T, bins], zero where padded."""
        mask = inside(lengths, spectrum.shape[1]).unsqueeze(2)
        count = (lengths * spectrum.shape[2])[:, None, None]
        centred = (spectrum - (spectrum * mask).sum((1, 2), keepdim=True) / count) * mask
        deviation = (centred.square().sum((1, 2), keepdim=True) / count).sqrt()
        return centred / deviation.clamp_min(1e-6)

    @staticmethod
    def card() -> dict:
        """`frontEnd` of a model card."""
        return {
            "kind": "log-spectrogram", "sampleRateHz": features.SAMPLE_RATE_HZ,
            "windowSamples": features.WINDOW_SAMPLES, "hopSamples": features.HOP_SAMPLES, "window": "hamming",
            "padSamples": features.HOP_SAMPLES, "bins": features.BINS, "normalisation": "utterance",
        }


class LogMel:
    """The 128-bin log-mel spectrum of log_mel.py, each bin standardised over the utterance."""

    name = "log-mel"
    bins = log_mel.BINS
    hertz = log_mel.CENTRES_HZ
    lines = log_mel.LINES
    analyse = staticmethod(log_mel.log_mel)
    standardise = staticmethod(log_mel.standardise)
    card = staticmethod(log_mel.card)

    @staticmethod
    def to_power(spectrum: Tensor) -> Tensor:
        """Powers of log(power + 2^-24), none below zero."""
        return (spectrum.exp() - log_mel.LOG_GUARD).clamp_min(0)

    @staticmethod
    def from_power(power: Tensor) -> Tensor:
        """log(power + 2^-24) of powers."""
        return (power + log_mel.LOG_GUARD).log()

    @staticmethod
    def position(hertz: np.ndarray) -> np.ndarray:
        """Fractional bins at given frequencies."""
        return mel_position(hertz, log_mel.CENTRES_HZ)

    @staticmethod
    def standardise_batch(spectrum: Tensor, lengths: Tensor) -> Tensor:
        """`standardise` of each utterance of [N, T, bins], zero where padded."""
        mask = inside(lengths, spectrum.shape[1]).unsqueeze(2)
        centred = (spectrum - (spectrum * mask).sum(1, keepdim=True) / lengths[:, None, None]) * mask
        variance = centred.square().sum(1, keepdim=True) / (lengths - 1).clamp_min(1)[:, None, None]
        return centred / (variance.sqrt() + log_mel.DEVIATION_GUARD)


class WhisperLogMel:
    """The 80-bin log-mel spectrum of whisper_mel.py."""

    name = "whisper-log-mel"
    bins = whisper_mel.BINS
    hertz = whisper_mel.CENTRES_HZ
    lines = whisper_mel.LINES
    analyse = staticmethod(whisper_mel.log_mel)
    standardise = staticmethod(whisper_mel.standardise)
    card = staticmethod(whisper_mel.card)

    @staticmethod
    def to_power(spectrum: Tensor) -> Tensor:
        """Powers of log10(power), digital silence exactly zero."""
        return (10.0**spectrum - 1.001 * whisper_mel.POWER_FLOOR).clamp_min(0)

    @staticmethod
    def from_power(power: Tensor) -> Tensor:
        """log10 of powers."""
        return power.clamp_min(whisper_mel.POWER_FLOOR).log10()

    @staticmethod
    def position(hertz: np.ndarray) -> np.ndarray:
        """Fractional bins at given frequencies."""
        return mel_position(hertz, whisper_mel.CENTRES_HZ)

    @staticmethod
    def standardise_batch(spectrum: Tensor, lengths: Tensor) -> Tensor:
        """`standardise` of each utterance of [N, T, bins], zero where padded."""
        mask = inside(lengths, spectrum.shape[1]).unsqueeze(2)
        floor = spectrum.masked_fill(~mask, -torch.inf).amax((1, 2), keepdim=True) - whisper_mel.RANGE_DECADES
        return (torch.maximum(spectrum, floor) + whisper_mel.SHIFT) / whisper_mel.SCALE * mask


FRONT_ENDS = {front_end.name: front_end for front_end in (LogSpectrogram, LogMel, WhisperLogMel)}
FrontEnd = type[LogSpectrogram] | type[LogMel] | type[WhisperLogMel]
