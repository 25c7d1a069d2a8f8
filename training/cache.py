"""Spectrograms on disk, so that an epoch reads no audio.

One corpus is two files: `<name>.npy`, float16 [frames of all utterances, 161], the log spectrogram before
standardisation; and `<name>.json`, a list of {id, text, offset, frames}.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpora import Utterance
from features import BINS, log_spectrogram, read_audio


@dataclass(frozen=True)
class CachedUtterance:
    """A spectrogram float16 [frames, 161] (a view of a memory map) with its transcript."""

    id: str
    text: str
    spectrogram: np.ndarray

    @property
    def frames(self) -> int:
        """Length in frames of 10 ms."""
        return len(self.spectrogram)


def write_cache(folder: Path, name: str, utterances: list[Utterance]) -> None:
    """Compute the spectrograms of a corpus and write its two files."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks, index, offset = [], [], 0
    for utterance in utterances:
        block = log_spectrogram(read_audio(utterance.audio)).astype(np.float16)
        index.append({"id": utterance.id, "text": utterance.text, "offset": offset, "frames": len(block)})
        offset += len(block)
        blocks.append(block)
    np.save(folder / f"{name}.npy", np.concatenate(blocks) if blocks else np.zeros((0, BINS), np.float16))
    (folder / f"{name}.json").write_text(json.dumps(index))


def read_cache(folder: Path, name: str) -> list[CachedUtterance]:
    """The utterances of a cached corpus, in the order they were written."""
    frames = np.load(folder / f"{name}.npy", mmap_mode="r")
    index = json.loads((folder / f"{name}.json").read_text())
    return [
        CachedUtterance(row["id"], row["text"], frames[row["offset"] : row["offset"] + row["frames"]]) for row in index
    ]


def ensure_cache(folder: Path, corpora: dict[str, list[Utterance]]) -> dict[str, list[CachedUtterance]]:
    """Read every corpus, computing first those whose cached list of utterances is not the one asked for."""
    cached = {}
    for name, utterances in corpora.items():
        index = folder / f"{name}.json"
        wanted = [(utterance.id, utterance.text) for utterance in utterances]
        have = [(row["id"], row["text"]) for row in json.loads(index.read_text())] if index.exists() else None
        if have != wanted:
            write_cache(folder, name, utterances)
        cached[name] = read_cache(folder, name)
    return cached
