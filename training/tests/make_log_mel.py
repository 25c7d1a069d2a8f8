"""Makes fixtures/log-mel.npz: what the log-mel front end must give, computed by others' code.

    pip install librosa==0.11.0     # beside this project's environment: its filters alone are used
    python tests/make_log_mel.py

`samples` float32 [4,000] at 16 kHz: a seeded sum of tones, noise and silence. `filters` float32 [257, 128] are
librosa 0.11.0's `filters.mel` (Slaney's scale and normalisation); `log_mel` float32 [26, 128] is from PyTorch 2.15's
`torch.stft`; `features` the same with each bin standardised as NeMo's `normalize_batch("per_feature")` does: deviation
over frames - 1, plus 1e-5.
"""

from pathlib import Path

import librosa.filters
import numpy as np
import torch

SAMPLES = 4000


def main() -> None:
    """Write the fixture."""
    rng = np.random.default_rng(16)
    seconds = np.arange(SAMPLES) / 16_000
    tones = 0.3 * np.sin(2 * np.pi * 440 * seconds) + 0.1 * np.sin(2 * np.pi * (1000 + 6000 * seconds) * seconds)
    samples = (tones + 0.01 * rng.standard_normal(SAMPLES)).astype(np.float32)
    samples[3000:3400] = 0
    spectrum = torch.stft(
        torch.from_numpy(samples).double(), n_fft=512, hop_length=160, win_length=400,
        window=torch.hann_window(400, periodic=True, dtype=torch.float64), center=True, pad_mode="constant",
        return_complex=True,
    )
    filters = librosa.filters.mel(sr=16_000, n_fft=512, n_mels=128, fmin=0, fmax=8000, dtype=np.float64)
    log_mel = torch.log(torch.from_numpy(filters) @ spectrum.abs().square() + 2.0**-24).T
    features = (log_mel - log_mel.mean(dim=0)) / (log_mel.std(dim=0) + 1e-5)
    folder = Path(__file__).with_name("fixtures")
    folder.mkdir(exist_ok=True)
    arrays = {"samples": samples, "filters": filters.T, "log_mel": log_mel.numpy(), "features": features.numpy()}
    np.savez_compressed(folder / "log-mel.npz", **{name: np.float32(array) for name, array in arrays.items()})


if __name__ == "__main__":
    main()
