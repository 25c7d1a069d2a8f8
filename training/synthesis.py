"""Synthetic speech: sentences spoken by the synthesisers of Debian (flite, espeak-ng).

It widens the vocabulary where real recordings are few. flite's `slt`, `rms` and `awb` were built from recordings of
real speakers; rate and pitch vary from one utterance to the next. The audio is read by the same front end as every
other corpus.
"""

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import soundfile

from sentences import compose, string_words
from transcripts import normalise

# Voice and its share. slt (a US woman) is nearest to the prompts' speaker and the clearest.
FLITE_VOICES = {"slt": 0.55, "rms": 0.15, "awb": 0.1, "kal16": 0.08}
ESPEAK_VARIANTS = ("f2", "f3", "f4", "m1", "m3", "m7")
# Share of utterances that are single words in a row instead of sentences.
WORD_STRINGS = 0.4


def speak(text: str, path: Path, rng: random.Random) -> str:
    """Write `text` spoken by a random voice to a WAV file, unless it is there; returns the voice."""
    draw = rng.random()
    for voice, share in FLITE_VOICES.items():
        if draw < share:
            # Median pitch of the voices: about 170 Hz for slt, 110 Hz for the men.
            pitch_hz = rng.uniform(150, 215) if voice == "slt" else rng.uniform(90, 150)
            options = [f"duration_stretch={rng.uniform(0.85, 1.3):.3f}", f"int_f0_target_mean={pitch_hz:.1f}"]
            settings = [word for option in options for word in ("--setf", option)]
            run_unless_made(path, ["flite", "-voice", voice, *settings, "-t", text, "-o"])
            return f"flite-{voice}"
        draw -= share
    variant = rng.choice(ESPEAK_VARIANTS)
    words_a_minute, pitch = rng.randint(130, 190), rng.randint(35, 65)
    run_unless_made(path, ["espeak-ng", "-v", f"en-us+{variant}", "-s", str(words_a_minute), "-p", str(pitch), text, "-w"])
    return f"espeak-{variant}"


def run_unless_made(path: Path, command: list[str]) -> None:
    """Run a synthesiser whose last argument is the file it writes; the file appears whole or not at all."""
    if not path.exists():
        partial = path.with_suffix(".partial.wav")
        subprocess.run([*command, str(partial)], check=True)
        partial.rename(path)


def choose_texts(count: int, words: list[str], seed: int) -> list[str]:
    """Distinct normalised sentences to be spoken; `words` is the list that strings of words are drawn from."""
    rng = random.Random(seed)
    texts: dict[str, None] = {}
    while len(texts) < count:
        text = string_words(rng, words) if rng.random() < WORD_STRINGS else compose(rng)
        texts[normalise(text)] = None
    return list(texts)


def synthesise(folder: Path, texts: list[str], seed: int, workers: int = 2) -> float:
    """Speak every text into `folder/audio` and write `folder/train.jsonl`; returns the seconds of speech made.

    What an earlier, shorter set of the same seed has spoken already is kept: text and voice of an index never change.
    """
    (folder / "audio").mkdir(parents=True, exist_ok=True)

    def make(index: int) -> dict:
        rng = random.Random(f"{seed}-{index}")
        audio = f"audio/{index:05d}.wav"
        voice = speak(texts[index], folder / audio, rng)
        duration_s = soundfile.info(folder / audio).duration
        return {"id": f"synthetic-{index:05d}", "audio_filepath": audio, "duration": round(duration_s, 3),
                "text": texts[index], "speaker": voice}

    with ThreadPoolExecutor(workers) as pool:
        rows = list(pool.map(make, range(len(texts))))
    with open(folder / "train.jsonl", "w", encoding="utf-8") as manifest:
        manifest.writelines(json.dumps(row) + "\n" for row in rows)
    return sum(row["duration"] for row in rows)
