"""Whisper's front end and weights, and when parts of the encoder are trained."""

import struct

import numpy as np
import pytest
import torch

from batches import pad
from front_ends import FRONT_ENDS
from whisper import ENCODER_RATE, SILENCE, WINDOW, WhisperCTC, WhisperShape, append_silence, position_encodings
from whisper_mel import FILTERS, log_mel, standardise
from whisper_weights import read_variables

TINY = WhisperShape(width=24, heads=6, encoder_layers=4, units=16)


def openai_log_mel(samples: np.ndarray) -> np.ndarray:
    """`log_mel_spectrogram` of openai-whisper's audio.py, the filters apart."""
    stft = torch.stft(torch.from_numpy(samples), 400, 160, window=torch.hann_window(400), return_complex=True)
    magnitudes = stft[..., :-1].abs() ** 2
    filters = torch.from_numpy(FILTERS.astype(np.float32))
    log_spec = torch.clamp(filters.T @ magnitudes, min=1e-10).log10()
    log_spec = torch.maximum(log_spec, log_spec.max() - 8.0)
    return ((log_spec + 4.0) / 4.0).T.numpy()


def test_filters_are_librosas():
    # librosa.filters.mel(sr=16000, n_fft=400, n_mels=80) of librosa 0.11, which openai-whisper's own file of filters came from.
    assert FILTERS.shape == (201, 80) and (FILTERS > 0).sum() == 391
    assert FILTERS.sum() == pytest.approx(1.9990242, rel=1e-6) and FILTERS[1, 0] == pytest.approx(0.02486259, rel=1e-6)
    assert FILTERS[:, 40].argmax() == 43 and FILTERS[43, 40] == pytest.approx(0.014735566, rel=1e-6)
    assert FILTERS[:, 79].max() == pytest.approx(0.0031647119, rel=1e-6)


@pytest.mark.parametrize("count", [4000, 16_000, 16_123])
def test_features_are_openais(count):
    rng = np.random.default_rng(1)
    samples = (rng.standard_normal(count) * np.linspace(1e-3, 0.3, count)).astype(np.float32)
    ours, theirs = standardise(log_mel(samples)), openai_log_mel(samples)
    assert ours.shape == theirs.shape == (count // 160, 80)
    assert np.abs(ours - theirs).max() < 1e-4


def test_silence_has_no_power_even_from_a_cache_in_float16():
    front_end = FRONT_ENDS["whisper-log-mel"]
    spectrum = torch.from_numpy(front_end.analyse(np.zeros(3200, np.float32)).astype(np.float16)).float()
    assert front_end.to_power(spectrum).max() == 0


def string(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def write_model(path, variables: dict[str, np.ndarray], version: int = 6) -> None:
    """A `model.bin` as CTranslate2 writes it."""
    parts = [struct.pack("<I", version), string("WhisperSpec"), struct.pack("<II", 3, len(variables))]
    for name, values in variables.items():
        dimensions = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        parts += [string(name), dimensions, struct.pack("<BI", 4, values.nbytes), values.tobytes()]
    path.write_bytes(b"".join(parts))


def encoder_variables() -> dict[str, np.ndarray]:
    rng, width = np.random.default_rng(2), TINY.width
    shapes = {}
    layer = {"self_attention/linear_0": 3 * width, "self_attention/linear_1": width, "ffn/linear_0": 4 * width}
    for name, inputs in (("conv1", 80), ("conv2", width)):
        shapes |= {f"{name}/weight": (width, inputs, 3), f"{name}/bias": (width,)}
    norms = ["layer_norm"]
    for index in range(TINY.encoder_layers):
        for name, outputs in layer.items():
            shapes |= {f"layer_{index}/{name}/weight": (outputs, width), f"layer_{index}/{name}/bias": (outputs,)}
        shapes |= {f"layer_{index}/ffn/linear_1/weight": (width, 4 * width), f"layer_{index}/ffn/linear_1/bias": (width,)}
        norms += [f"layer_{index}/self_attention/layer_norm", f"layer_{index}/ffn/layer_norm"]
    for name in norms:
        shapes |= {f"{name}/gamma": (width,), f"{name}/beta": (width,)}
    return {f"encoder/{name}": rng.standard_normal(shape).astype(np.float16) for name, shape in shapes.items()}


def test_weights_of_a_model_bin_are_the_encoders(tmp_path):
    variables = encoder_variables()
    write_model(tmp_path / "model.bin", variables)
    network = WhisperCTC(TINY)
    network.load_encoder(tmp_path / "model.bin")
    assert read_variables(tmp_path / "model.bin").keys() == variables.keys()
    layer = network.encoder.layers[2]
    for ours, its in ((layer.attention_in.weight, "layer_2/self_attention/linear_0/weight"), (layer.feed_norm.bias, "layer_2/ffn/layer_norm/beta")):
        assert np.array_equal(ours.detach().numpy(), variables[f"encoder/{its}"].astype(np.float32))


def test_positions_are_openais():
    # `sinusoids` of openai-whisper's model.py, in its float32.
    increment = np.log(10_000) / (384 // 2 - 1)
    times = np.arange(1500, dtype=np.float32)[:, None] * np.exp(-increment * np.arange(192, dtype=np.float32))[None]
    expected = np.concatenate([np.sin(times), np.cos(times)], axis=1)
    assert np.abs(position_encodings(384)[:1500].numpy() - expected).max() < 3e-4


def test_another_version_of_the_file_is_refused(tmp_path):
    write_model(tmp_path / "model.bin", {}, version=5)
    with pytest.raises(ValueError, match="version 6 was required, got 5"):
        read_variables(tmp_path / "model.bin")


def test_the_head_settles_before_the_encoder_thaws_from_the_top():
    network = WhisperCTC(TINY)
    rates = [[rate for _, rate in network.rates(progress)] for progress in (0.0, 0.1, 1.0)]
    assert rates[0] == [1, 0, 0, 0, 0, 0]
    assert rates[1][1] == ENCODER_RATE and 0 < rates[1][2] < rates[1][1] and rates[1][3:] == [0, 0, 0]
    assert all(above > below for above, below in zip(rates[2], rates[2][1:4])) and rates[2][3] > 0 == rates[2][4] == rates[2][5]
    grouped = [parameter for parameters, _ in network.rates(0.0) for parameter in parameters]
    assert len(grouped) == len(list(network.parameters())) == len({id(parameter) for parameter in grouped})


def test_silence_follows_each_utterance_as_the_front_end_would_hear_it():
    rng, front_end = np.random.default_rng(4), FRONT_ENDS["whisper-log-mel"]
    recordings = [(rng.standard_normal(count) / 9).astype(np.float32) for count in (16_000, 12_000)]
    features, lengths = pad([front_end.standardise(front_end.analyse(samples)) for samples in recordings])
    appended = append_silence(features, lengths)
    for row, samples, length in zip(appended, recordings, lengths.tolist()):
        expected = front_end.standardise(front_end.analyse(np.pad(samples, (0, 8000))))
        assert len(expected) == length + SILENCE
        # Frames that reach over the end hear its reflection instead of silence.
        heard = np.r_[0 : length - 2, length + 2 : length + SILENCE]
        assert np.abs(row[: length + SILENCE].numpy() - expected)[heard].max() < 1e-4
        assert row[length + SILENCE :].abs().sum() == 0


def test_what_follows_30_s_is_a_window_of_its_own():
    torch.manual_seed(5)
    encoder = WhisperCTC(TINY).encoder.eval()
    features = torch.randn(1, 2 * WINDOW + 400, 80)
    changed = features.clone()
    changed[:, 2 * WINDOW + 100 :] += 1
    lengths = torch.tensor([features.shape[1]])
    with torch.no_grad():
        whole, other = (encoder(x, lengths, torch.float32)[0] for x in (features, changed))
    assert torch.equal(whole[:, :WINDOW], other[:, :WINDOW]) and not torch.allclose(whole[:, WINDOW:], other[:, WINDOW:])
