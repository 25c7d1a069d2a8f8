"""The front end on signals whose spectrogram is known."""

from pathlib import Path

import numpy as np
import pytest

import log_mel
from features import SAMPLE_RATE_HZ, log_spectrogram, resample, standardise
from front_ends import FRONT_ENDS


@pytest.mark.parametrize(("samples", "frames"), [(320, 3), (16_000, 101), (16_159, 101), (16_160, 102)])
def test_one_frame_for_each_10_ms_and_one_more(samples, frames):
    assert log_spectrogram(np.zeros(samples, np.float32)).shape == (frames, 161)


def test_a_tone_peaks_in_its_bin():
    hertz = 1500
    tone = np.sin(2 * np.pi * hertz * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ).astype(np.float32)
    spectrogram = log_spectrogram(tone)
    assert set(spectrogram[2:-2].argmax(axis=1)) == {hertz // 50}
    # Half the window's sum: the amplitude that a unit sine has in its bin.
    assert np.expm1(spectrogram[50].max()) == pytest.approx(np.hamming(320).sum() / 2, rel=1e-3)


def test_standardised_values_have_mean_0_and_deviation_1():
    features = standardise(np.random.default_rng(0).random((50, 161), np.float32))
    assert features.mean() == pytest.approx(0, abs=1e-4) and features.std() == pytest.approx(1, abs=1e-4)


def test_silence_stays_finite():
    assert np.isfinite(standardise(log_spectrogram(np.zeros(3200, np.float32)))).all()


def test_resample_doubles_8_khz():
    assert len(resample(np.zeros(8000, np.float32), 8000)) == SAMPLE_RATE_HZ


def test_log_mel_equals_librosas_filters_and_nemos_normalisation():
    # What the project's own front end is tested against, too: made by librosa 0.11, see make.py there.
    fixtures = Path(__file__).parents[2] / "test" / "fixtures" / "speech" / "frontEnds"
    expected = np.load(fixtures / "training.npy")
    features = log_mel.standardise(log_mel.log_mel(np.load(fixtures / "samples.npy")))
    assert features.shape == expected.shape == (96, 128)
    assert np.abs(features - expected).max() < 1e-4


@pytest.mark.parametrize("samples", [1, 159, 160])
def test_log_mel_of_the_shortest_recordings_is_finite(samples):
    spectrum = log_mel.log_mel(np.zeros(samples, np.float32))
    assert spectrum.shape == (samples // 160 + 1, 128)
    assert np.isfinite(log_mel.standardise(spectrum)).all()


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_positions_lead_back_to_the_bins(front_end):
    assert np.allclose(front_end.position(front_end.hertz), np.arange(front_end.bins))
