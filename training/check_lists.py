"""Prove that nothing a model is judged on was trained on.

    python check_lists.py --corpora DIR [--data data]

Raises at the first violation; prints what was compared.
"""

import argparse
from itertools import combinations
from pathlib import Path

from corpora import Utterance, load_judged, load_trained, read_manifest

PROMPT_PARTS = ("prompts-holdout", "prompts-dev")
# Speakers of the prompts and of LJ Speech are one person each; only these corpora are split by speaker.
SPLIT_BY_SPEAKER = (("an4", "an4-test"), ("an4", "an4-dev"), ("librispeech", "librispeech-test"))


def require_disjoint(what: str, first: set[str], second: set[str]) -> None:
    """Raise when two sets share an element."""
    if shared := first & second:
        raise ValueError(f"{what}: must be disjoint, got {len(shared)} in both, for example {sorted(shared)[:3]}")


def check(trained: dict[str, list[Utterance]], judged: dict[str, list[Utterance]]) -> dict[str, int]:
    """Check every rule; returns counts worth reporting.

    Rules: no recording in two sets; no sentence of the prompts' hold-out or dev in any training corpus; no sentence
    of AN4's test or development set outside AN4 and the prompts; speakers disjoint where a corpus is split by speaker.
    """
    sets = {**trained, **judged}
    for (first, first_part), (second, second_part) in combinations(sets.items(), 2):
        recordings = [{str(utterance.audio.resolve()) for utterance in part} for part in (first_part, second_part)]
        require_disjoint(f"recordings of {first} and {second}", *recordings)
    sentences = {name: {utterance.text for utterance in part} for name, part in sets.items()}
    for name in trained:
        for part in PROMPT_PARTS:
            require_disjoint(f"sentences of {name} and {part}", sentences[name], sentences[part])
        if name not in ("an4", "prompts"):
            for part in ("an4-test", "an4-dev"):
                require_disjoint(f"sentences of {name} and {part}", sentences[name], sentences[part])
    for first, second in SPLIT_BY_SPEAKER:
        speakers = [{utterance.speaker for utterance in sets[name]} for name in (first, second)]
        require_disjoint(f"speakers of {first} and {second}", *speakers)
    heard = sentences["an4"] | sentences["prompts"]
    return {
        "training utterances": sum(len(part) for part in trained.values()),
        "an4-test utterances whose sentence other speakers say in training": sum(
            utterance.text in heard for utterance in judged["an4-test"]
        ),
    }


def main() -> None:
    """Check the lists that train.py would use."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("data"))
    options = parser.parse_args()
    prompts = options.data / "prompts"
    synthetic = options.data / "synthetic"
    trained = load_trained(options.corpora, prompts, synthetic if synthetic.exists() else None)
    counts = check(trained, load_judged(options.corpora, prompts))
    parts = {part: {u.id for u in read_manifest(prompts / f"{part}.jsonl")} for part in ("holdout", "dev", "calibration")}
    for first, second in combinations(parts, 2):
        require_disjoint(f"prompts of {first} and {second}", parts[first], parts[second])
    print("disjoint:", ", ".join(f"{value} {name}" for name, value in counts.items()))


if __name__ == "__main__":
    main()
