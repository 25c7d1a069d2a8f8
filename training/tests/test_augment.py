"""Augmentation of padded batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from augment import Augmentation, augment, draw, interpolate
from front_ends import FRONT_ENDS, LogSpectrogram

LENGTHS = [120, 90]
NOTHING = Augmentation(gain_db=0, tilt_db=0, telephone_probability=0, noise_probability=0, stretch=(1, 1),
                       frequency_warp=(1, 1), bands=0, gap_frames=0)


def spectra(front_end) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(6)
    padded = torch.zeros(2, 120, front_end.bins)
    for row, length in zip(padded, LENGTHS):
        samples = rng.standard_normal(160 * length).astype(np.float32) / 9
        row[:length] = torch.from_numpy(front_end.analyse(samples)[:length])
    return padded, torch.tensor(LENGTHS)


def apply(front_end, options: Augmentation, seed: int = 7, wide_band: bool = True):
    plan = draw(np.random.default_rng(seed), front_end, LENGTHS, [wide_band] * 2, options)
    return augment(*spectra(front_end), plan, front_end, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_nothing_drawn_leaves_the_front_ends_features(front_end):
    features, lengths = apply(front_end, NOTHING)
    padded, _ = spectra(front_end)
    assert lengths.tolist() == LENGTHS
    for row, raw, length in zip(features, padded, LENGTHS):
        expected = front_end.standardise(raw[:length].numpy())
        assert np.abs(row[:length].numpy() - expected).max() < 2e-3
        assert row[length:].abs().sum() == 0


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_powers_and_back(front_end):
    padded, _ = spectra(front_end)
    assert torch.allclose(front_end.from_power(front_end.to_power(padded)), padded, atol=1e-3)


def test_is_repeatable_and_changes_with_the_seed():
    first, again, other = (apply(LogSpectrogram, Augmentation(), seed)[0] for seed in (7, 7, 8))
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.equal(first, other)


def test_an_utterance_alone_is_augmented_as_in_a_batch():
    options = replace(NOTHING, tilt_db=6, stretch=(0.9, 0.9), frequency_warp=(1.05, 1.05))
    plan = draw(np.random.default_rng(1), LogSpectrogram, LENGTHS, [True, True], options)
    padded, lengths = spectra(LogSpectrogram)
    both, frames = augment(padded, lengths, plan, LogSpectrogram, torch.Generator())
    assert frames.tolist() == [108, 81]
    alone = type(plan)(*(getattr(plan, name)[1:] for name in ("response", "noise", "frames", "positions", "bands", "gaps")))
    single, _ = augment(padded[1:, :90], lengths[1:], alone, LogSpectrogram, torch.Generator())
    assert torch.allclose(both[1, :81], single[0, :81], atol=1e-5)


def test_narrow_band_recordings_get_no_noise_above_their_band():
    plan = draw(np.random.default_rng(1), LogSpectrogram, LENGTHS, [False, False], replace(NOTHING, noise_probability=1))
    assert plan.noise[:, :79].min() > 0 and plan.noise[:, 79:].max() == 0


def test_rows_between_positions():
    x = torch.arange(4.0).view(1, 4, 1)
    assert interpolate(x, torch.tensor([[0.0, 0.5, 2.25, 3.0]])).flatten().tolist() == [0.0, 0.5, 2.25, 3.0]
