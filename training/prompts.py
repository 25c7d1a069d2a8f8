"""The Debian telephone prompts: where they come from, and how they are split.

Packages `asterisk-core-sounds-en` (transcripts) and `asterisk-core-sounds-en-wav` (8 kHz recordings of one
speaker, CC BY-SA 3.0). The split is the project's:

- candidates: prompts with a plain transcript (no "[" or "("), some text left after normalisation, and a recording;
- hold-out: the names listed in the project's hold-out list;
- the others by the MD5 of their name: the first 64 are `dev`, the next 64 `calibration`;
- training part: every candidate but hold-out and dev whose sentence is no hold-out and no dev sentence.
  Calibration prompts may be trained on.
"""

import gzip
import hashlib
import json
import subprocess
from pathlib import Path

import soundfile

from transcripts import normalise

PACKAGES = ("asterisk-core-sounds-en", "asterisk-core-sounds-en-wav")
TRANSCRIPTS = "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
RECORDINGS = "usr/share/asterisk/sounds/en_US_f_Allison"
DEV_SIZE = 64
CALIBRATION_SIZE = 64


def fetch_packages(folder: Path) -> None:
    """Download and unpack the two packages below `folder` with Debian's own tools; needs no root."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True)
    for package in sorted(folder.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package.name, "."], cwd=folder, check=True)


def read_transcripts(folder: Path) -> dict[str, str]:
    """Raw transcripts by prompt name (no extension, for example `digits/10`), in the order of the file."""
    raw = {}
    with gzip.open(folder / TRANSCRIPTS, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(";") or ":" not in line:
                continue
            name, text = line.split(":", 1)
            raw[name.strip()] = text.strip()
    return raw


def list_candidates(folder: Path) -> dict[str, str]:
    """Normalised transcripts of the prompts that may be used at all, by name."""
    candidates = {}
    for name, raw in read_transcripts(folder).items():
        text = normalise(raw)
        plain = "[" not in raw and "(" not in raw
        if plain and text and (folder / RECORDINGS / f"{name}.wav").exists():
            candidates[name] = text
    return candidates


def split_candidates(candidates: dict[str, str], holdout: list[str]) -> dict[str, list[str]]:
    """Names of each part: `holdout`, `dev`, `calibration`, `train` (`train` contains allowed calibration prompts)."""
    missing = [name for name in holdout if name not in candidates]
    if missing:
        raise ValueError(f"hold-out list: every name must be a candidate, got {missing}; check the packages' version")
    rest = sorted(set(candidates) - set(holdout), key=lambda name: hashlib.md5(name.encode()).hexdigest())
    dev = rest[:DEV_SIZE]
    calibration = rest[DEV_SIZE : DEV_SIZE + CALIBRATION_SIZE]
    judged = {candidates[name] for name in [*holdout, *dev]}
    train = [name for name in rest[DEV_SIZE:] if candidates[name] not in judged]
    return {"holdout": list(holdout), "dev": dev, "calibration": calibration, "train": train}


def write_manifests(folder: Path, holdout_list: Path) -> dict[str, int]:
    """Write `<part>.jsonl` beside the unpacked packages; returns the number of utterances of each part."""
    candidates = list_candidates(folder)
    parts = split_candidates(candidates, holdout_list.read_text().split())
    for part, names in parts.items():
        with open(folder / f"{part}.jsonl", "w", encoding="utf-8") as manifest:
            for name in names:
                audio = f"{RECORDINGS}/{name}.wav"
                line = {
                    "id": name,
                    "audio_filepath": audio,
                    "duration": round(soundfile.info(folder / audio).duration, 3),
                    "text": candidates[name],
                    "speaker": "allison",
                }
                manifest.write(json.dumps(line) + "\n")
    return {part: len(names) for part, names in parts.items()}
