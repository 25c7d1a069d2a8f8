"""Spectra on disk, so that an epoch reads no audio.

One corpus is two files: `<name>.npy`, float16 [frames of all utterances, bins], the spectrum before standardisation;
and `<name>.json`, a list of {id, text, offset, frames}. Each front end has a folder of its own.
"""

import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from corpora import Utterance
from features import read_audio
from front_ends import FrontEnd, LogSpectrogram


@dataclass(frozen=True)
class CachedUtterance:
    """A spectrum float16 [frames, bins] (a view of a memory map) with its transcript."""

    id: str
    text: str
    spectrogram: np.ndarray

    @property
    def frames(self) -> int:
        """Length in frames of 10 ms."""
        return len(self.spectrogram)


def cache_folder(data: Path, front_end: FrontEnd) -> Path:
    """Where the spectra of a front end are kept below the folder that prepare.py filled."""
    return data / "cache" if front_end is LogSpectrogram else data / f"cache-{front_end.name}"


def _analyse(audio: Path, front_end: FrontEnd) -> np.ndarray:
    return front_end.analyse(read_audio(audio)).astype(np.float16)


def analyse_all(utterances: list[Utterance], front_end: FrontEnd) -> list[np.ndarray]:
    """The spectra of a corpus, by a process a core."""
    with ProcessPoolExecutor(min(os.cpu_count() or 1, 16)) as pool:
        paths = [utterance.audio for utterance in utterances]
        return list(pool.map(partial(_analyse, front_end=front_end), paths, chunksize=32))


def write_cache(folder: Path, name: str, utterances: list, blocks: list[np.ndarray]) -> None:
    """Write the two files of a corpus; the list comes last, so that what is half written counts as not there."""
    folder.mkdir(parents=True, exist_ok=True)
    index, offset = [], 0
    for utterance, block in zip(utterances, blocks, strict=True):
        index.append({"id": utterance.id, "text": utterance.text, "offset": offset, "frames": len(block)})
        offset += len(block)
    np.save(folder / f"{name}.npy", np.concatenate(blocks) if blocks else np.zeros((0, 1), np.float16))
    (folder / f"{name}.json").write_text(json.dumps(index))


def read_cache(folder: Path, name: str) -> list[CachedUtterance]:
    """The utterances of a cached corpus, in the order they were written."""
    frames = np.load(folder / f"{name}.npy", mmap_mode="r")
    index = json.loads((folder / f"{name}.json").read_text())
    return [
        CachedUtterance(row["id"], row["text"], frames[row["offset"] : row["offset"] + row["frames"]]) for row in index
    ]


def ensure_kept(folder: Path, corpora: dict[str, list], compute: Callable[[list], list[np.ndarray]]) -> dict[str, list]:
    """Read every corpus, computing first those whose kept list of utterances is not the one asked for."""
    cached = {}
    for name, utterances in corpora.items():
        index = folder / f"{name}.json"
        wanted = [(utterance.id, utterance.text) for utterance in utterances]
        have = [(row["id"], row["text"]) for row in json.loads(index.read_text())] if index.exists() else None
        if have != wanted:
            index.unlink(missing_ok=True)
            write_cache(folder, name, utterances, compute(utterances))
        cached[name] = read_cache(folder, name)
    return cached


def ensure_cache(
    folder: Path, corpora: dict[str, list[Utterance]], front_end: FrontEnd = LogSpectrogram
) -> dict[str, list[CachedUtterance]]:
    """The spectra of every corpus."""
    return ensure_kept(folder, corpora, lambda utterances: analyse_all(utterances, front_end))
