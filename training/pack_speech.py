"""Carry the speech to a machine that has none: some 45 MB of Opus instead of gigabytes of recordings.

    python pack_speech.py pack --corpora DIR [--data data] --to data/pack       # here
    python pack_speech.py unpack --pack data/pack --to DIR                      # there

`pack` writes what training and its judgements read, 16 kHz mono, as streams of up to half an hour each, and
`index.json` with all manifests. Streams can travel in several goes. `unpack` lays out the folders that prepare.py would
leave, `DIR/corpora` and `DIR/data`, so that `train.py --corpora DIR/corpora --data DIR/data` goes on from there. The
recordings of test sets and hold-out stay behind; their transcripts travel, so that the lists can still be proved
disjoint. Packing takes some 25 minutes of one core's time. Models trained on a pack have heard coded speech: say so on
their cards.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from corpora import Utterance, load_judged, load_trained, read_manifest
from features import SAMPLE_RATE_HZ, read_audio

STREAM_S = 1800
# Silence between utterances, so that the coder's memory of one does not reach into the next.
PAUSE = np.zeros(SAMPLE_RATE_HZ // 20, np.float32)
# libsndfile's Opus: compression level 0 ... 1 is 250 ... 6 kbit/s for each channel.
MOST_BITS, LEAST_BITS = 250_000, 6_000

# Where each manifest lies below the packed folder, and below which option's folder here.
MANIFESTS = {
    "corpora/an4/train.jsonl": ("corpora", "an4/train.jsonl"),
    "corpora/an4/test.jsonl": ("corpora", "an4/test.jsonl"),
    "corpora/mini-librispeech/train.jsonl": ("corpora", "mini-librispeech/train.jsonl"),
    "corpora/mini-librispeech/test.jsonl": ("corpora", "mini-librispeech/test.jsonl"),
    "corpora/ljspeech-part/train.jsonl": ("corpora", "ljspeech-part/train.jsonl"),
    "data/prompts/train.jsonl": ("data", "prompts/train.jsonl"),
    "data/prompts/dev.jsonl": ("data", "prompts/dev.jsonl"),
    "data/prompts/calibration.jsonl": ("data", "prompts/calibration.jsonl"),
    "data/prompts/holdout.jsonl": ("data", "prompts/holdout.jsonl"),
    "data/synthetic/train.jsonl": ("data", "synthetic/train.jsonl"),
}
HEARD_IN_TRAINING = ("an4-dev", "prompts-dev")


@dataclass(frozen=True)
class Place:
    """Where an utterance lies in a pack: which stream, first sample, number of samples."""

    stream: str
    start: int
    samples: int


def pack_stream(path: Path, utterances: list[Utterance], bits: int) -> dict[str, Place]:
    """Write recordings one after the other as Opus of some bits a second; returns each one's place by its path."""
    level = (MOST_BITS - bits) / (MOST_BITS - LEAST_BITS)
    places, start = {}, 0
    with soundfile.SoundFile(path, "w", SAMPLE_RATE_HZ, 1, format="OGG", subtype="OPUS", compression_level=level) as stream:
        for utterance in utterances:
            samples = read_audio(utterance.audio)
            stream.write(np.concatenate([samples, PAUSE]))
            places[str(utterance.audio)] = Place(path.name, start, len(samples))
            start += len(samples) + len(PAUSE)
    return places


def split(utterances: list[Utterance], longest_s: float) -> list[list[Utterance]]:
    """Utterances in rows of at most `longest_s` seconds."""
    rows, row, length_s = [], [], 0.0
    for utterance in utterances:
        if row and length_s + utterance.duration_s > longest_s:
            rows.append(row)
            row, length_s = [], 0.0
        row.append(utterance)
        length_s += utterance.duration_s
    return [*rows, row] if row else rows


def pack(corpora: Path, data: Path, folder: Path, bits: int, synthetic_bits: int) -> int:
    """Write a pack; returns its size in bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    synthetic = data / "synthetic"
    sets = load_trained(corpora, data / "prompts", synthetic if synthetic.exists() else None)
    judged = load_judged(corpora, data / "prompts")
    sets |= {name: judged[name] for name in HEARD_IN_TRAINING}
    places: dict[str, Place] = {}
    with ProcessPoolExecutor() as pool:
        jobs = []
        for name, utterances in sets.items():
            rate = synthetic_bits if name == "synthetic" else bits
            for number, row in enumerate(split(utterances, STREAM_S)):
                jobs.append(pool.submit(pack_stream, folder / f"{name}-{number:02d}.opus", row, rate))
        for job in jobs:
            places |= job.result()
    index = {}
    for target, (option, source) in MANIFESTS.items():
        path = (corpora if option == "corpora" else data) / source
        rows = []
        for line, utterance in zip(path.read_text(encoding="utf-8").splitlines(), read_manifest(path)):
            place = places.get(str(utterance.audio))
            rows.append({**json.loads(line), "place": place and vars(place)})
        index[target] = rows
    (folder / "index.json").write_text(json.dumps(index))
    return sum(file.stat().st_size for file in folder.iterdir())


def unpack(folder: Path, output: Path) -> int:
    """Lay out the folders that training reads; returns the number of recordings. Streams that are missing are said."""
    index = json.loads((folder / "index.json").read_text())
    streams: dict[str, list[tuple[Path, dict]]] = {}
    for target, rows in index.items():
        manifest = output / target
        manifest.parent.mkdir(parents=True, exist_ok=True)
        with open(manifest, "w", encoding="utf-8") as lines:
            for row in rows:
                place = row.pop("place")
                if place is not None:
                    row["audio_filepath"] = str(Path(row["audio_filepath"]).with_suffix(".wav"))
                    streams.setdefault(place["stream"], []).append((manifest.parent / row["audio_filepath"], place))
                lines.write(json.dumps(row) + "\n")
    missing = [name for name in streams if not (folder / name).exists()]
    if missing:
        raise SystemExit(f"{folder}: all streams of index.json are required, {len(missing)} are missing: {missing}")
    count = 0
    for name, files in streams.items():
        samples, _ = soundfile.read(folder / name, dtype="float32")
        for path, place in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = samples[place["start"] : place["start"] + place["samples"]]
            soundfile.write(path, part, SAMPLE_RATE_HZ, subtype="PCM_16")
            count += 1
    return count


def main() -> None:
    """Read the options and do one or the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("--corpora", type=Path, required=True, help="folder with an4, mini-librispeech, ljspeech-part")
    packing.add_argument("--data", type=Path, default=Path("data"), help="folder that prepare.py filled")
    packing.add_argument("--to", type=Path, default=Path("data/pack"))
    packing.add_argument("--bits", type=int, default=10_000, help="a second of recorded speech")
    packing.add_argument("--synthetic-bits", type=int, default=8_000, help="a second of synthetic speech")
    unpacking = commands.add_parser("unpack")
    unpacking.add_argument("--pack", type=Path, default=Path("data/pack"))
    unpacking.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    if options.command == "pack":
        size = pack(options.corpora, options.data, options.to, options.bits, options.synthetic_bits)
        print(f"{options.to}: {size / 1e6:.1f} MB")
    else:
        print(f"{options.to}: {unpack(options.pack, options.to)} recordings")


if __name__ == "__main__":
    main()
