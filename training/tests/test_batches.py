"""Mixture, buckets and the sampler's memory."""

import numpy as np
import pytest

from batches import Sampler, bucket, collate, mixture, plain_batches
from cache import CachedUtterance


def make_corpora() -> dict[str, list[CachedUtterance]]:
    rng = np.random.default_rng(5)
    return {
        name: [
            CachedUtterance(f"{name}-{index}", "yes", rng.random((rng.integers(20, 90), 161)).astype(np.float16))
            for index in range(12)
        ]
        for name in ("prompts", "an4")
    }


@pytest.mark.parametrize("progress", [0.0, 0.6, 1.0])
def test_shares_sum_to_one(progress):
    assert sum(mixture(progress, ("prompts", "an4", "synthetic")).values()) == pytest.approx(1)


def test_prompts_gain_share_during_training():
    names = ("prompts", "an4", "librispeech", "ljspeech", "synthetic")
    assert mixture(1.0, names)["prompts"] > mixture(0.0, names)["prompts"]


def test_buckets_keep_everything_and_their_size():
    lengths = [5, 90, 7, 8, 50, 51, 6]
    groups = bucket([(length, length) for length in lengths], 100)
    assert sorted(item for group in groups for item in group) == sorted(lengths)
    assert all(max(group) * len(group) <= 100 for group in groups)


def test_first_round_goes_from_short_to_long():
    sampler = Sampler(make_corpora(), batch_frames=200, round_frames=900, seed=1)
    first = sampler.next_group(0.0)
    longest = [max(sampler.corpora[name][index].frames for name, index in group)
               for group in [first, *reversed(sampler.groups)]]
    assert longest == sorted(longest)


def test_every_utterance_of_a_corpus_before_any_again():
    sampler = Sampler(make_corpora(), batch_frames=200, round_frames=900, seed=1)
    drawn = [sampler._next_index("an4") for _ in range(24)]
    assert sorted(drawn[:12]) == sorted(drawn[12:]) == list(range(12))


def test_restored_sampler_draws_the_same_groups():
    sampler = Sampler(make_corpora(), batch_frames=200, round_frames=900, seed=1)
    for _ in range(3):
        sampler.next_group(0.0)
    state = sampler.state()
    state = {**state, "groups": list(state["groups"]), "queues": {k: list(v) for k, v in state["queues"].items()},
             "trained_frames": dict(state["trained_frames"])}
    expected = [sampler.next_group(0.5) for _ in range(20)]
    other = Sampler(make_corpora(), batch_frames=200, round_frames=900, seed=99)
    other.restore(state)
    assert [other.next_group(0.5) for _ in range(20)] == expected


def test_collate_pads_with_zeros():
    batch = collate([np.ones((3, 161), np.float32), np.ones((5, 161), np.float32)], ["ab", "c"])
    assert batch.features.shape == (2, 5, 161)
    assert batch.features[0, 3:].abs().sum() == 0
    assert batch.lengths.tolist() == [3, 5] and batch.target_lengths.tolist() == [2, 1]


def test_plain_batches_visit_each_utterance_once():
    utterances = make_corpora()["an4"]
    visited = [index for indices, _ in plain_batches(utterances, 200) for index in indices]
    assert sorted(visited) == list(range(len(utterances)))
