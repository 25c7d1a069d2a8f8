"""A pack brings back every recording at its place, whatever its stream."""

import json

import numpy as np
import soundfile

from corpora import load_trained, read_manifest
from pack_speech import MANIFESTS, Place, pack_stream, split, unpack

RATE_HZ = 16_000


def make_corpora(folder):
    """One manifest for each of MANIFESTS, three tones of different pitch in each."""
    for target, _ in MANIFESTS.items():
        manifest = folder / target
        manifest.parent.mkdir(parents=True, exist_ok=True)
        rows = []
        for number in range(3):
            name = f"{manifest.stem}-{number}"
            seconds = np.arange(RATE_HZ * (number + 1)) / RATE_HZ
            tone = 0.3 * np.sin(2 * np.pi * 400 * (number + 1) * seconds).astype(np.float32)
            soundfile.write(manifest.parent / f"{name}.wav", tone, RATE_HZ)
            rows.append({"id": f"{target}-{number}", "audio_filepath": f"{name}.wav", "duration": number + 1.0,
                         "text": f"{target.replace('/', ' ')}", "speaker": f"s{number}"})
        manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))


def pitch_hz(samples) -> float:
    return np.abs(np.fft.rfft(samples)).argmax() * RATE_HZ / len(samples)


def test_stream_places_utterances_exactly(tmp_path):
    make_corpora(tmp_path)
    utterances = read_manifest(tmp_path / "corpora/an4/train.jsonl")
    places = pack_stream(tmp_path / "x.opus", utterances, 12_000)
    samples, _ = soundfile.read(tmp_path / "x.opus", dtype="float32")
    for number, utterance in enumerate(utterances):
        place = places[str(utterance.audio)]
        assert place.samples == RATE_HZ * (number + 1)
        part = samples[place.start : place.start + place.samples]
        assert abs(pitch_hz(part) - 400 * (number + 1)) < 5
        # The pause before it is quiet: nothing of its neighbour reaches in.
        if number:
            assert np.abs(samples[place.start - 500 : place.start - 100]).max() < 0.05


def test_split_keeps_order_and_length(tmp_path):
    make_corpora(tmp_path)
    utterances = read_manifest(tmp_path / "corpora/an4/train.jsonl")
    rows = split(utterances, longest_s=3.5)
    assert [[u.duration_s for u in row] for row in rows] == [[1.0, 2.0], [3.0]]


def test_unpacked_folders_are_read_like_prepared_ones(tmp_path):
    made, packed, there = tmp_path / "made", tmp_path / "pack", tmp_path / "there"
    make_corpora(made)
    packed.mkdir()
    index, places = {}, {}
    for number, target in enumerate(MANIFESTS):
        path = made / target
        if "test" not in target and "holdout" not in target:
            places |= pack_stream(packed / f"{number}.opus", read_manifest(path), 16_000)
        index[target] = [
            {**json.loads(line), "place": (place := places.get(str(u.audio))) and vars(place)}
            for line, u in zip(path.read_text().splitlines(), read_manifest(path))
        ]
    (packed / "index.json").write_text(json.dumps(index))
    assert unpack(packed, there) == 3 * 7
    trained = load_trained(there / "corpora", there / "data/prompts", there / "data/synthetic")
    for utterances in trained.values():
        for utterance in utterances:
            samples, rate_hz = soundfile.read(utterance.audio)
            assert rate_hz == RATE_HZ and len(samples) == RATE_HZ * utterance.duration_s
    assert isinstance(next(iter(places.values())), Place)
    assert not (there / "corpora/an4/test-0.wav").exists()
