"""Make everything that training reads: prompts unpacked and split, Whisper's weights, synthetic speech, cached spectrograms.

    python prepare.py --corpora DIR --holdout FILE [--data data] [--synthetic 18000]
"""

import argparse
import subprocess
from pathlib import Path

import prompts
from cache import ensure_cache
from corpora import load_judged, load_trained, read_manifest
from synthesis import choose_texts, synthesise
from whisper_weights import WEIGHTS, fetch_weights

WORD_LIST_PACKAGE = "wamerican-small"
WORD_LIST = "usr/share/dict/american-english-small"
# The words that real speakers of the training corpora say count more than the rest of the dictionary.
TRANSCRIPT_WEIGHT = 3


def read_words(folder: Path, corpora: Path) -> list[str]:
    """Words for strings of words: Debian's small American word list and, weighted, the read-speech transcripts."""
    if not (folder / WORD_LIST).exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", WORD_LIST_PACKAGE], cwd=folder, check=True)
        package = next(folder.glob(f"{WORD_LIST_PACKAGE}*.deb"))
        subprocess.run(["dpkg-deb", "-x", package.name, "."], cwd=folder, check=True)
    listed = (folder / WORD_LIST).read_text(encoding="utf-8").split()
    words = [word for word in listed if word.isascii() and word.isalpha() and word.islower() and len(word) > 1]
    read = [*read_manifest(corpora / "mini-librispeech/train.jsonl"), *read_manifest(corpora / "ljspeech-part/train.jsonl")]
    spoken = sorted({word for utterance in read for word in utterance.text.split()})
    return words + TRANSCRIPT_WEIGHT * spoken


def count_lines(path: Path) -> int:
    """Lines of a file, 0 of one that is not there."""
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def main() -> None:
    """Read the options and make what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, help="folder with an4, mini-librispeech, ljspeech-part")
    parser.add_argument("--holdout", type=Path, required=True, help="list of the prompts held out, a name a line")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where prompts, speech and caches are kept")
    parser.add_argument("--synthetic", type=int, default=18000, help="synthetic utterances to make (0 for none)")
    parser.add_argument("--seed", type=int, default=20260)
    options = parser.parse_args()

    prompts_folder = options.data / "prompts"
    if not (prompts_folder / prompts.TRANSCRIPTS).exists():
        prompts.fetch_packages(prompts_folder)
    print("prompts", prompts.write_manifests(prompts_folder, options.holdout))

    fetch_weights(options.data / WEIGHTS)
    synthetic = options.data / "synthetic" if options.synthetic else None
    if synthetic and count_lines(synthetic / "train.jsonl") != options.synthetic:
        words = read_words(options.data / "words", options.corpora)
        seconds = synthesise(synthetic, choose_texts(options.synthetic, words, options.seed), options.seed)
        print(f"synthetic {seconds / 3600:.2f} h")

    trained = load_trained(options.corpora, prompts_folder, synthetic)
    ensure_cache(options.data / "cache", {**trained, **load_judged(options.corpora, prompts_folder)})
    for name, utterances in trained.items():
        print(f"{name}: {len(utterances)} utterances, {sum(u.duration_s for u in utterances) / 3600:.2f} h")


if __name__ == "__main__":
    main()
