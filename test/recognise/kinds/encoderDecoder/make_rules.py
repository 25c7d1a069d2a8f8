"""What openai-whisper (20250625) allows next, how it cuts windows, how text compresses, and its captions; written as rules.json.

    python make_rules.py > rules.json
"""

import io
import json
import math
import types

import numpy as np
import torch
import whisper
from whisper.decoding import ApplyTimestampRules, DecodingResult, SuppressBlank, SuppressTokens
from whisper.utils import WriteSRT, WriteVTT, compression_ratio

# A small vocabulary: text 0–19, the end 20, steering tokens 21–29, timestamps 30–129.
TEXT, END, NO_TIMESTAMPS, FIRST, SIZE = 20, 20, 29, 30, 130
SUPPRESSED = [3, 7, 21, 22, 23]
tokenizer = types.SimpleNamespace(eot=END, no_timestamps=NO_TIMESTAMPS, timestamp_begin=FIRST, encode=lambda _: [5])


def logits_of(seed: int, lift: float) -> torch.Tensor:
    """The same in the test: 4 sin(100 seed + 1.7 i), timestamps lifted."""
    values = [4 * math.sin(100 * seed + 1.7 * i) + (lift if i >= FIRST else 0) for i in range(SIZE)]
    return torch.tensor([values], dtype=torch.float32)


def allowed(said: list[int], seed: int, lift: float, timed: bool) -> list[int]:
    opening = [21]
    tokens, logits = torch.tensor([opening + said]), logits_of(seed, lift)
    filters = [SuppressBlank(tokenizer, len(opening)), SuppressTokens(SUPPRESSED)]
    if timed:
        filters.append(ApplyTimestampRules(tokenizer, len(opening), 50))
    for one in filters:
        one.apply(logits, tokens)
    return np.flatnonzero(np.isfinite(logits[0].numpy())).tolist()


def rules() -> list[dict]:
    histories = [[], [30], [35], [30, 1], [35, 1, 2], [35, 1, 40], [35, 1, 40, 40], [35, 1, 40, 45], [35, 1, 40, 45, 2], [30, 30], [1, 2, 4]]
    cases = []
    for said in histories:
        for seed, lift in ((1, -6), (2, 0), (3, -2.5), (4, 3)):
            timed = [True] if said and said[0] >= FIRST else [True, False] if not said else [False]
            for one in timed:
                cases.append({"said": said, "seed": seed, "lift": lift, "timed": one, "allowed": allowed(said, seed, lift, one)})
    return cases


T = 50363  # the first timestamp of tiny.en


def windows() -> list[dict]:
    """`transcribe` over a model that says what a script says."""
    script = [
        # two segments and the beginning of a third: the next window begins at 20 s
        ([T, 345, 760, T + 500, T + 500, 290, T + 1000, T + 1000, 355], -0.2, 0.01),
        # one timestamp at the end: the whole window is heard
        ([T + 10, 314, T + 600, T + 620, 423, T + 1400], -0.2, 0.01),
        # nothing said
        ([T, 11, T + 100], -1.5, 0.9),
        # no pair
        ([T, 1813, 345, T + 700], -0.3, 0.7),
        # no second timestamp
        ([T + 5, 6617], -0.3, 0.01),
        # an instant, and a segment without text
        ([T, 11, T + 50, T + 50, T + 100, T + 100, 314, T + 200, T + 200], -0.3, 0.01),
        # doubtful at 0 … 0.4: drawn at 0.6, so no guide
        ([T, 262, T + 900, T + 900, 6000, T + 1500], -0.3, 0.01, 0.6),
        ([T, 28506, T + 900], -0.3, 0.01),
    ]
    calls, found = [], iter(script)
    current = None

    def decode(_, options):
        nonlocal current
        if options.temperature == 0:
            current = next(found)
            calls.append({"prompt": list(options.prompt)})
        tokens, logprob, no_speech, *hot = current
        if hot and options.temperature < hot[0]:
            logprob = -2.0
        return DecodingResult(audio_features=None, language="en", tokens=tokens, avg_logprob=logprob, no_speech_prob=no_speech,
                              temperature=options.temperature, compression_ratio=1.0)

    model = types.SimpleNamespace(
        dims=types.SimpleNamespace(n_mels=80, n_audio_ctx=1500, n_text_ctx=448), device=torch.device("cpu"),
        is_multilingual=False, num_languages=99, decode=decode)
    result = whisper.transcribe(model, np.zeros(16_000 * 175, np.float32), fp16=False)
    segments = [{"seek": s["seek"], "start": round(s["start"], 2), "end": round(s["end"], 2), "tokens": s["tokens"]} for s in result["segments"]]
    assert next(found, None) is None
    return {"script": [[s[0], s[1], s[2], s[3] if len(s) > 3 else 0] for s in script], "calls": calls, "segments": segments,
            "lengthS": 175}


def repetitions() -> list[dict]:
    texts = ["", "you", "the the the the the the the the the the the the the the", "Ja, natürlich – jeden Tag dasselbe. " * 3]
    return [{"text": text, "ratio": compression_ratio(text)} for text in texts]


def captions() -> dict:
    segments = [
        {"start": 0.0, "end": 2.5, "text": " please enter"},
        {"start": 59.9996, "end": 61.25, "text": " a --> b"},
        {"start": 3599.5, "end": 3661.004, "text": " Grüße, こんにちは "},
        {"start": 360_000.0, "end": 360_000.5, "text": "late"},
    ]
    texts = {}
    for name, writer in (("srt", WriteSRT), ("vtt", WriteVTT)):
        file = io.StringIO()
        writer(".").write_result({"segments": segments}, file)
        texts[name] = file.getvalue()
    return {"segments": segments, **texts}


print(json.dumps({"rules": rules(), "windows": windows(), "repetitions": repetitions(), "captions": captions()}, separators=(",", ":")))
