"""Which utterances make a batch: a mixture of corpora that changes during training, bucketed by length.

Training proceeds in rounds. A round draws about `round_frames` of speech, each corpus by its share, forms batches of
similar lengths and visits them in random order; the first round goes from short to long (SortaGrad, Deep Speech 2
section 3.3). Inside a corpus every utterance is used once before any is used again.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from augment import Augmentation, augment
from cache import CachedUtterance
from features import standardise
from transcripts import encode

# Shares of speech by duration, at the start and at the end of training, and when the change begins and ends (as
# fractions of the run). Breadth first; then more of what the model is for: short commands and telephone prompts.
BREADTH = {"prompts": 0.09, "an4": 0.16, "librispeech": 0.36, "ljspeech": 0.10, "synthetic": 0.29}
FOCUS = {"prompts": 0.25, "an4": 0.32, "librispeech": 0.17, "ljspeech": 0.06, "synthetic": 0.20}
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
    """Padded features float32 [N, T, 161], lengths int64 [N], targets int64 [sum], target lengths int64 [N]."""

    features: Tensor
    lengths: Tensor
    targets: Tensor
    target_lengths: Tensor


def collate(features: list[np.ndarray], texts: list[str]) -> Batch:
    """Pad features with zeros to the longest and join the encoded transcripts."""
    lengths = torch.tensor([len(block) for block in features])
    padded = torch.zeros(len(features), int(lengths.max()), features[0].shape[1])
    for row, block in zip(padded, features):
        row[: len(block)] = torch.from_numpy(block)
    encoded = [encode(text) for text in texts]
    target_lengths = torch.tensor([len(labels) for labels in encoded])
    return Batch(padded, lengths, torch.tensor([label for labels in encoded for label in labels]), target_lengths)


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

    def realise(self, group: list[tuple[str, int]], rng: np.random.Generator, augmentation: Augmentation) -> Batch:
        """The augmented batch of a group."""
        features = [
            augment(self.corpora[name][index].spectrogram, rng, augmentation, wide_band=name not in NARROW_BAND)
            for name, index in group
        ]
        return collate(features, [self.corpora[name][index].text for name, index in group])


def plain_batches(utterances: list[CachedUtterance], batch_frames: int):
    """Batches without augmentation for evaluation: yields (indices into `utterances`, Batch)."""
    items = [(utterance.frames, index) for index, utterance in enumerate(utterances)]
    for group in bucket(items, batch_frames):
        features = [standardise(utterances[index].spectrogram.astype(np.float32)) for index in group]
        yield group, collate(features, [utterances[index].text for index in group])
