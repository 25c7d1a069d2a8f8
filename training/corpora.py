"""The corpora and what of them may be trained on.

A manifest is JSON Lines, one utterance a line: `id`, `audio_filepath` (relative to the manifest), `duration` (s),
`text` (normalised), `speaker`. The shared corpora lie in one folder, given by an option:
`an4/`, `mini-librispeech/` and `ljspeech-part/`, each with `train.jsonl` and, the first two, `test.jsonl`.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from wer import edit_distance

AN4_DEV_SPEAKERS = 6
LIBRISPEECH_TEST_LONGEST_S = 15.0
# The longest prompts have 30 s; longer recordings only cost memory.
LONGEST_TRAINED_S = 31.0
# One output step of the models is 40 ms. A transcript must fit:
# one more between equal neighbours.
STEP_S = 0.04


@dataclass(frozen=True)
class Utterance:
    """One recording with its normalised transcript; `duration_s` in seconds."""

    id: str
    audio: Path
    duration_s: float
    text: str
    speaker: str


def read_manifest(path: Path) -> list[Utterance]:
    """Utterances of a JSON Lines manifest, in its order."""
    utterances = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        audio = path.parent / row["audio_filepath"]
        utterances.append(Utterance(row["id"], audio, row["duration"], row["text"], row["speaker"]))
    return utterances


def an4_dev_speakers(utterances: list[Utterance]) -> set[str]:
    """The AN4 training speakers left out for development: the first 6 by the MD5 of the speaker's id."""
    speakers = {utterance.speaker for utterance in utterances}
    return set(sorted(speakers, key=lambda name: hashlib.md5(name.encode()).hexdigest())[:AN4_DEV_SPEAKERS])


def load_judged(data: Path, prompts: Path) -> dict[str, list[Utterance]]:
    """The sets that models are judged on, never trained on, by name.

    data: folder of the shared corpora. prompts: folder of the prompts' manifests (see prompts.py).
    """
    an4_train = read_manifest(data / "an4" / "train.jsonl")
    dev_speakers = an4_dev_speakers(an4_train)
    librispeech = read_manifest(data / "mini-librispeech" / "test.jsonl")
    return {
        "an4-test": read_manifest(data / "an4" / "test.jsonl"),
        "an4-dev": [utterance for utterance in an4_train if utterance.speaker in dev_speakers],
        "prompts-holdout": read_manifest(prompts / "holdout.jsonl"),
        "prompts-dev": read_manifest(prompts / "dev.jsonl"),
        "librispeech-test": [u for u in librispeech if u.duration_s <= LIBRISPEECH_TEST_LONGEST_S],
    }


def load_trained(data: Path, prompts: Path, synthetic: Path | None) -> dict[str, list[Utterance]]:
    """What is trained on, by corpus, after every filter.

    No sentence of the prompts' hold-out or dev is kept in any corpus, whoever speaks it. Sentences of AN4's test and
    development sets are kept only in AN4's own training part, whose small grammar ("yes", single digits) repeats
    them; there the speakers are disjoint.
    """
    judged = load_judged(data, prompts)
    prompt_sentences = {u.text for part in ("prompts-holdout", "prompts-dev") for u in judged[part]}
    an4_sentences = {u.text for part in ("an4-test", "an4-dev") for u in judged[part]}
    an4_dev_ids = {u.id for u in judged["an4-dev"]}
    corpora = {
        "prompts": read_manifest(prompts / "train.jsonl"),
        "an4": [u for u in read_manifest(data / "an4" / "train.jsonl") if u.id not in an4_dev_ids],
        "librispeech": read_manifest(data / "mini-librispeech" / "train.jsonl"),
        "ljspeech": read_manifest(data / "ljspeech-part" / "train.jsonl"),
    }
    if synthetic is not None:
        corpora["synthetic"] = read_manifest(synthetic / "train.jsonl")
    kept = {}
    for name, utterances in corpora.items():
        # The prompts' training part was already split by the project's rule, which speaks of prompt sentences alone.
        forbidden = prompt_sentences if name in ("an4", "prompts") else prompt_sentences | an4_sentences
        kept[name] = [u for u in utterances if u.text not in forbidden and is_trainable(u)]
    return kept


def is_trainable(utterance: Utterance) -> bool:
    """Whether an utterance is short enough for a batch and long enough for its own transcript."""
    text = utterance.text
    steps_needed = len(text) + sum(first == second for first, second in zip(text, text[1:]))
    return bool(text) and utterance.duration_s <= LONGEST_TRAINED_S and steps_needed * STEP_S < utterance.duration_s


def in_vocabulary(judged: list[Utterance], vocabulary_parts: list[list[Utterance]]) -> list[Utterance]:
    """The utterances whose words all stand in at least one transcript of the given parts."""
    words = {word for part in vocabulary_parts for utterance in part for word in utterance.text.split()}
    return [utterance for utterance in judged if all(word in words for word in utterance.text.split())]


def apart(judged: list[Utterance], trained: list[Utterance]) -> list[Utterance]:
    """The utterances that stand near no trained one: of three words and more, fewer than three quarters are the same, in order."""
    sentences = {utterance.text for utterance in trained}

    def is_near(text: str) -> bool:
        words = text.split()
        return len(words) >= 3 and any(edit_distance(words, other.split()) <= len(words) / 4 for other in sentences)

    return [utterance for utterance in judged if not is_near(utterance.text)]


def write_manifest(path: Path, utterances: list[Utterance]) -> None:
    """The utterances as a manifest; recordings by their whole paths."""
    rows = [
        {"id": u.id, "audio_filepath": str(u.audio.resolve()), "duration": u.duration_s, "text": u.text, "speaker": u.speaker}
        for u in utterances
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
