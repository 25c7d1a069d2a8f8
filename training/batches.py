"""Which utterances make a batch: a mixture of corpora that changes during training, bucketed by length.

Training proceeds in rounds. A round draws about `round_frames` of speech, each corpus by its share, forms batches of
similar lengths and visits them in random order; the first round goes from short to long (SortaGrad, Deep Speech 2
section 3.3). Inside a corpus every utterance is used once before any is used again.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from augment import Augmentation, augment, draw
from cache import CachedUtterance
from front_ends import FrontEnd, LogSpectrogram
from transcripts import encode

# Shares of speech by duration, at the start and at the end of training, and when the change begins and ends (as
# fractions of the run). Breadth first; then more of what the model is for: short commands and telephone prompts.
BREADTH = {"prompts": 0.09, "an4": 0.16, "librispeech": 0.36, "ljspeech": 0.10, "synthetic": 0.29}
FOCUS = {"prompts": 0.24, "an4": 0.14, "librispeech": 0.27, "ljspeech": 0.08, "synthetic": 0.27}
CHANGE = (0.35, 0.55)
NARROW_BAND = {"prompts"}


def mixture(progress: float, names) -> dict[str, float]:
    """Share of each named corpus (they sum to 1) when `progress` (0 ... 1) of the run is over."""
    focus = min(max((progress - CHANGE[0]) / (CHANGE[1] - CHANGE[0]), 0.0), 1.0)
    shares = {name: (1 - focus) * BREADTH[name] + focus * FOCUS[name] for name in names}
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


@dataclass(frozen=True)
class Batch:
    """Padded features float32 [N, T, bins], lengths int64 [N], targets int64 [sum], target lengths int64 [N].

    With a teacher also what it said of the recordings, log-probabilities [N, steps, labels], and how many frames these
    have as they were recorded, int64 [N].
    """

    features: Tensor
    lengths: Tensor
    targets: Tensor
    target_lengths: Tensor
    posteriors: Tensor | None = None
    recorded: Tensor | None = None


def pad(blocks: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Blocks [T, bins] as float32 [N, longest T, bins], zeros where they end, and their lengths int64 [N]."""
    lengths = torch.tensor([len(block) for block in blocks])
    padded = torch.zeros(len(blocks), int(lengths.max()), blocks[0].shape[1])
    for row, block in zip(padded, blocks):
        row[: len(block)] = torch.from_numpy(block)
    return padded, lengths


def encode_all(texts: list[str]) -> tuple[Tensor, Tensor]:
    """Targets int64 [sum] of all texts in a row, and the length of each, int64 [N]."""
    encoded = [encode(text) for text in texts]
    return torch.tensor([label for labels in encoded for label in labels]), torch.tensor([len(l) for l in encoded])


def collate(features: list[np.ndarray], texts: list[str]) -> Batch:
    """Pad features with zeros to the longest and join the encoded transcripts."""
    return Batch(*pad(features), *encode_all(texts))


def bucket(items: list[tuple[int, object]], max_frames: int) -> list[list[object]]:
    """Group items by length (their first element, frames) so that no padded group exceeds `max_frames`."""
    groups, group = [], []
    for frames, item in sorted(items, key=lambda pair: pair[0]):
        if group and frames * (len(group) + 1) > max_frames:
            groups.append(group)
            group = []
        group.append(item)
    return [*groups, group] if group else groups


class Sampler:
    """Draws groups of utterances for training; `state` and `restore` make a resumed run see the same ones."""

    def __init__(self, corpora: dict[str, list[CachedUtterance]], batch_frames: int, round_frames: int, seed: int):
        self.corpora = corpora
        self.batch_frames = batch_frames
        self.round_frames = round_frames
        self.rng = np.random.default_rng(seed)
        self.queues: dict[str, list[int]] = {name: [] for name in corpora}
        self.groups: list[list[tuple[str, int]]] = []
        self.rounds = 0
        self.trained_frames = {name: 0 for name in corpora}

    def state(self) -> dict:
        """Everything that decides the groups to come."""
        return {
            "rng": self.rng.bit_generator.state, "queues": self.queues, "groups": self.groups,
            "rounds": self.rounds, "trained_frames": self.trained_frames,
        }

    def restore(self, state: dict) -> None:
        """Continue where `state` was taken."""
        self.rng.bit_generator.state = state["rng"]
        self.queues, self.groups = state["queues"], state["groups"]
        self.rounds, self.trained_frames = state["rounds"], state["trained_frames"]

    def _next_index(self, name: str) -> int:
        if not self.queues[name]:
            self.queues[name] = self.rng.permutation(len(self.corpora[name])).tolist()
        return self.queues[name].pop()

    def _draw_round(self, progress: float) -> None:
        items = []
        for name, share in mixture(progress, self.corpora).items():
            frames = 0
            while frames < share * self.round_frames:
                index = self._next_index(name)
                length = self.corpora[name][index].frames
                frames += length
                items.append((length, (name, index)))
        groups = bucket(items, self.batch_frames)
        if self.rounds == 0:
            groups.reverse()  # `next_group` takes from the end: shortest first
        else:
            self.rng.shuffle(groups)
        self.groups = [list(group) for group in groups]
        self.rounds += 1

    def next_group(self, progress: float) -> list[tuple[str, int]]:
        """Corpus and index of each utterance of the next batch; `progress` is the finished fraction of the run."""
        if not self.groups:
            self._draw_round(progress)
        group = self.groups.pop()
        for name, index in group:
            self.trained_frames[name] += self.corpora[name][index].frames
        return group


class Realiser:
    """Makes augmented batches of groups, on the processor, from the cached spectra and, with a teacher, its posteriors."""

    def __init__(self, corpora: dict[str, list[CachedUtterance]], front_end: FrontEnd, posteriors: dict | None = None):
        self.corpora, self.front_end, self.posteriors = corpora, front_end, posteriors

    def gather(self, group: list[tuple[str, int]]) -> tuple[Tensor, Tensor]:
        """The padded spectra of a group, and their lengths."""
        # A copy: a tensor must not share memory with a file that is open for reading alone.
        return pad([self.corpora[name][index].spectrogram.astype(np.float32) for name, index in group])

    def realise(self, group: list[tuple[str, int]], rng: np.random.Generator, generator: torch.Generator) -> Batch:
        """The augmented batch of a group; `rng` draws what is done, `generator` the noise."""
        spectra, lengths = self.gather(group)
        wide_band = [name not in NARROW_BAND for name, _ in group]
        frames = [self.corpora[name][index].frames for name, index in group]
        plan = draw(rng, self.front_end, frames, wide_band, Augmentation())
        features, augmented = augment(spectra, lengths, plan, self.front_end, generator)
        targets, target_lengths = encode_all([self.corpora[name][index].text for name, index in group])
        batch = Batch(features, augmented, targets.to(features.device), target_lengths.to(features.device))
        if self.posteriors is None:
            return batch
        said, _ = pad([self.posteriors[name][index].astype(np.float32) for name, index in group])
        return replace(batch, posteriors=said.to(features.device), recorded=lengths)


def plain_batches(utterances: list[CachedUtterance], batch_frames: int, front_end: FrontEnd = LogSpectrogram):
    """Batches without augmentation for evaluation: yields (indices into `utterances`, Batch)."""
    items = [(utterance.frames, index) for index, utterance in enumerate(utterances)]
    for group in bucket(items, batch_frames):
        features = [front_end.standardise(utterances[index].spectrogram.astype(np.float32)) for index in group]
        yield group, collate(features, [utterances[index].text for index in group])
