"""The rules of the splits, on small made-up lists; check_lists.py runs the same checks on the real ones."""

from pathlib import Path

import pytest

from check_lists import check
from corpora import Utterance, an4_dev_speakers, apart, in_vocabulary, is_trainable, read_manifest, write_manifest
from prompts import split_candidates


def utterance(identity: str, text: str, speaker: str = "someone", duration_s: float = 3.0) -> Utterance:
    return Utterance(identity, Path(f"{identity}.wav"), duration_s, text, speaker)


def make_candidates() -> dict[str, str]:
    candidates = {f"prompt-{index}": f"sentence {index}" for index in range(200)}
    return {**candidates, "copy-of-holdout": "sentence 1"}


def test_parts_are_disjoint_and_holdout_sentences_are_not_trained():
    parts = split_candidates(make_candidates(), ["prompt-0", "prompt-1"])
    assert len(parts["dev"]) == len(parts["calibration"]) == 64
    assert not set(parts["dev"]) & set(parts["calibration"])
    assert not (set(parts["dev"]) | {"prompt-0", "prompt-1", "copy-of-holdout"}) & set(parts["train"])


def test_unknown_holdout_name_is_refused():
    with pytest.raises(ValueError, match="candidate"):
        split_candidates(make_candidates(), ["no-such-prompt"])


def test_six_an4_speakers_are_left_out():
    speakers = an4_dev_speakers([utterance(str(i), "yes", speaker=f"speaker{i}") for i in range(20)])
    assert len(speakers) == 6


def judged_lists() -> dict[str, list[Utterance]]:
    return {
        "an4-test": [utterance("t", "go", "tester")], "an4-dev": [utterance("d", "stop", "developer")],
        "prompts-holdout": [utterance("h", "held out")], "prompts-dev": [utterance("p", "for development")],
        "librispeech-test": [utterance("l", "a chapter", "reader")],
    }


def test_clean_lists_pass_and_shared_an4_sentences_are_counted():
    trained = {"an4": [utterance("a", "go", "other")], "librispeech": [utterance("b", "a book", "another")],
               "prompts": [utterance("c", "hello")]}
    assert list(check(trained, judged_lists()).values()) == [3, 1]


@pytest.mark.parametrize(
    ("corpus", "leak"),
    [
        ("librispeech", utterance("x", "held out", "nobody")),
        ("an4", utterance("x", "for development", "nobody")),
        ("librispeech", utterance("x", "go", "nobody")),
        ("an4", utterance("x", "fine", "tester")),
        ("prompts", utterance("h", "another sentence")),
    ],
)
def test_leaks_are_found(corpus, leak):
    trained = {"an4": [], "librispeech": [], "prompts": []}
    trained[corpus] = [leak]
    with pytest.raises(ValueError, match="disjoint"):
        check(trained, judged_lists())


def test_too_short_for_its_text():
    assert not is_trainable(utterance("x", "far too many letters", duration_s=0.5))
    # 5 letters and the blank that "ll" needs: 6 steps of 40 ms.
    assert is_trainable(utterance("x", "hello", duration_s=0.25))
    assert not is_trainable(utterance("x", "hello", duration_s=0.23))


def test_in_vocabulary():
    judged = [utterance("1", "press one"), utterance("2", "press elephant")]
    assert in_vocabulary(judged, [[utterance("3", "one to press")]]) == judged[:1]


def test_apart():
    trained = [utterance("t", "press seven to undelete this message"), utterance("u", "press one")]
    # One of six words differs; two of four do; of two words one says nothing.
    judged = [utterance("1", "press seven to delete this message"), utterance("2", "press one or seven"), utterance("3", "press two")]
    assert apart(judged, trained) == judged[1:]


def test_manifests_come_back(tmp_path):
    written = [utterance("1", "press one")]
    write_manifest(tmp_path / "set.jsonl", written)
    assert [(u.id, u.text, u.duration_s, u.audio.is_absolute()) for u in read_manifest(tmp_path / "set.jsonl")] == [
        ("1", "press one", written[0].duration_s, True)
    ]
