"""jiwer's side of the scoring bench: `python jiwer_peer.py PAIRS.json`."""

import json
import sys
import time
from importlib.metadata import version

import jiwer

with open(sys.argv[1], encoding="utf8") as file:
    pairs = json.load(file)
references, hypotheses = [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def score(process):
    start = time.perf_counter()
    out = process(references, hypotheses)
    seconds = time.perf_counter() - start
    return seconds, [out.substitutions, out.deletions, out.insertions, out.hits]


words_seconds, words = score(jiwer.process_words)
characters_seconds, characters = score(jiwer.process_characters)
result = {"wordsSeconds": words_seconds, "words": words, "charactersSeconds": characters_seconds, "characters": characters}
print(json.dumps({**result, "version": version("jiwer")}))
