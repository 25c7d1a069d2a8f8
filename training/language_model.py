"""Write what the language model may be trained on: the transcripts of training, one sentence a line.

    python language_model.py --corpora DIR --out FOLDER

Writes `<corpus>.txt` for each corpus that train.py uses, by the same filters (corpora.py). Beyond these no sentence of
AN4's test or development speakers or of the LibriSpeech test is written at all: for a language model, whoever speaks a
sentence, it is the same sentence.
"""

import argparse
from pathlib import Path

from corpora import load_judged, load_trained


def main() -> None:
    """Write the texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    prompts = options.data / "prompts"
    synthetic = options.data / "synthetic"
    judged = {u.text for part in load_judged(options.corpora, prompts).values() for u in part}
    trained = load_trained(options.corpora, prompts, synthetic if synthetic.exists() else None)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, utterances in trained.items():
        kept = [utterance.text for utterance in utterances if utterance.text not in judged]
        (options.out / f"{name}.txt").write_text("".join(f"{text}\n" for text in kept), encoding="utf-8")
        print(f"{name}: {len(kept)} of {len(utterances)} sentences, {sum(len(text.split()) for text in kept)} words")


if __name__ == "__main__":
    main()
