"""Write the card of a measured run: everything of `model.json` but what `quantlab model pack` computes from the file.

    python card.py --run runs/deepspeech2-lstm
    quantlab model pack runs/deepspeech2-lstm/model.onnx --card runs/deepspeech2-lstm/card.json --out data/models/deepspeech2-lstm
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from architectures import ARCHITECTURES, MODELS
from front_ends import FRONT_ENDS
from transcripts import LABELS

SETS = {
    "an4-test": "AN4 test",
    "prompts-holdout": "prompts hold-out, all",
    "prompts-holdout-in-vocabulary": "prompts hold-out, in vocabulary",
    "prompts-holdout-apart": "prompts hold-out, without those near a training prompt",
    "librispeech-test": "mini-LibriSpeech test, 15 s and shorter",
    "an4-dev": "AN4 dev",
    "prompts-dev": "prompts dev",
}
# Where `quantlab evaluate` measures what the beam search reaches; measure.py writes their manifests.
BEAM_SETS = ("prompts-holdout", "an4-test", "librispeech-test")
SOURCES = {
    "an4": "AN4, training part without 6 speakers (CMU, free for any purpose)",
    "librispeech": "Mini LibriSpeech, train-clean-5 without 2 speakers (CC BY 4.0)",
    "ljspeech": "LJ Speech 1.1, first part (public domain)",
    "prompts": "Asterisk core sounds, English, speaker Allison Smith, neither hold-out nor `dev` (CC BY-SA 3.0)",
    "synthetic": "sentences of our own, spoken by flite and espeak-ng (made by training/prepare.py)",
}


WHISPER = (
    "Whisper tiny.en's encoder (OpenAI, MIT licence), whose own training data are not public: 438,000 h of English speech from "
    "the web (Radford et al. 2022, arXiv:2212.04356)"
)


def describe_network(architecture: str, shape: dict) -> str:
    """The network in one sentence."""
    if architecture == "lstm":
        return (
            f"2 convolutions ({shape['channels']} channels, 41×11 and 21×11, both with strides 2×2, clipped ReLU), "
            f"{shape['layers']} bidirectional LSTM layers of {shape['units']} units with directions added, one linear "
            "layer to 29 classes, CTC; batch normalisation folded"
        )
    if architecture == "residual-gru":
        return (
            f"a 3×3 convolution with strides 2×2, {shape['blocks']} residual blocks of two 3×3 convolutions "
            f"({shape['channels']} channels) after LayerNorm and GELU, a linear layer, {shape['layers']} bidirectional "
            f"GRU layers of {shape['units']} units with directions beside each other, two linear layers to 29 classes, CTC"
        )
    if architecture == "whisper":
        return (
            f"Whisper's encoder as tiny.en has it (2 convolutions, {shape['encoder_layers']} layers of {shape['width']} units and "
            f"{shape['heads']} heads, GELU), its outputs two by two into one bidirectional LSTM layer of {shape['units']} units "
            "with directions added, one linear layer to 29 classes, CTC"
        )
    return (
        f"time-channel separable convolutions as QuartzNet: 5 residual blocks of {shape['repeats']} layers of "
        f"{shape['channels']} channels, kernels {', '.join(map(str, shape['kernels']))}, one of {shape['wide']} "
        "channels with dilation 2, two 1×1 convolutions to 29 classes, CTC; batch normalisation folded"
    )


def describe_title(model: str, continuation: dict) -> str:
    """A name for people."""
    kind = max((name for name in MODELS if model.startswith(name)), key=len, default="deepspeech2-lstm")
    title = {
        "deepspeech2-lstm": "DeepSpeech 2 with LSTMs",
        "deepspeech2-gru": "DeepSpeech 2 with residual convolutions and GRUs",
        "deepspeech2-student": "Small DeepSpeech 2",
        "deepspeech2-efficient": "Separable convolutions instead of recurrences",
        "whisper-ctc": "Whisper's ears with CTC",
    }[kind]
    if continuation["teacher"]:
        title += f", taught by {continuation['teacher']}"
    if continuation["grid"]:
        title += f", trained for {'four' if continuation['grid'] == 'bits-4' else 'eight'} bits"
    if continuation["sparsity"]:
        title += f", {100 * continuation['sparsity']:.0f} % of the large matrices zero"
    if continuation["units_kept"]:
        title += f", pruned to {continuation['units_kept']} units"
    return title


def describe_training(results: dict) -> list[str]:
    """A line for each corpus, with its hours and the hours heard of it, and one for how it was trained."""
    heard, continuation = results["hours_heard"], results["continuation"]
    lines = [
        f"{SOURCES[name]}: {hours:.2f} h, heard {heard.get(name, 0):.1f} h in all"
        for name, hours in results["hours_of_speech"].items()
    ]
    if results["architecture"] == "whisper":
        lines.append(f"{WHISPER}; trained further here, from the top")
    where = "one GPU" if results["device"] == "cuda" else "two CPU cores shared with other work"
    summary = (
        f"Trained for {results['hours_of_training']:.2f} h by the clock on {where}: {results['updates']} updates, "
        f"{sum(heard.values()):.0f} h of speech heard with augmentation"
    )
    if continuation["started_from"]:
        start = continuation["started_from"]
        before = sum(start["trained_frames"].values()) / 360_000
        summary += f", after {start['hours']:.2f} h and {before:.0f} h of speech as {start['run']}"
    if continuation["teacher"]:
        summary += f"; half of its objective are the softened posteriors of {continuation['teacher']} (Hinton et al. 2015)"
    return [*lines, summary]


def describe_limits(results: dict) -> str:
    """What the weights cannot do, from what was measured."""
    report = results["float32"]
    read, prompts = report["librispeech-test"]["wer"]["rate"], report["prompts-holdout"]["wer"]["rate"]
    hours = sum(results["hours_of_speech"].values())
    heard = f"Trained on {hours:.1f} h of speech, where published models have thousands: it does not transcribe free speech"
    if results["architecture"] == "whisper":
        heard = (
            f"Begins as {WHISPER}: whether recordings that it is judged on here were among them, nobody outside can tell. "
            f"Its letters were learnt from {hours:.1f} h of speech: it does not transcribe free speech as Whisper does"
        )
    return (
        f"{heard} (word error rate {100 * read:.0f} % on read books by unseen speakers) and gets {100 * prompts:.0f} % of the words "
        "of unseen prompts wrong. English, letters only; no punctuation, no digits. Weights were chosen on AN4 dev and "
        "prompts dev. 25 of AN4's 130 test sentences are said by other speakers in its training part; the calibration "
        "prompts are part of the training data"
    )


def figure(name: str, row: dict, method: str, precision: str, decoder: str = "greedy") -> dict:
    """What was measured of one set in one way."""
    return {
        "set": SETS[name], "utterances": row["utterances"], "words": row["wer"]["length"], "precision": precision,
        "decoder": decoder, "wer": row["wer"]["rate"], "interval95": row["wer"]["interval95"], "cer": row["cer"]["rate"],
        "method": method,
    }


def figures(results: dict, beam: Mapping[str, Sequence[dict]]) -> list[dict]:
    """Error rates of each judged set: float32, int8, and with a beam search where `quantlab evaluate` measured them."""
    how = f"{results['decoder']}, {results['runtime']}; interval: bootstrap over utterances"
    eight = results["int8"]
    rows = [figure(name, results["float32"][name], how, "float32") for name in SETS]
    rows += [figure(name, eight["sets"][name], f"{eight['tool']}; {how}", "int8") for name in SETS]
    for name, precision, record in (
        (name, precision, record) for name in BEAM_SETS for precision, record in zip(("float32", "int8"), beam.get(name, ()))
    ):
        row = {
            "utterances": record["utterances"],
            "wer": {"rate": record["wer"], "interval95": record["interval"]["wer"], "length": record["words"]},
            "cer": {"rate": record["cer"]},
        }
        made = "" if precision == "float32" else "`quantlab quantize` as in training/finish.sh, "
        method = f"{made}beam search with the language model {record['languageModel']}, `quantlab evaluate`; interval: bootstrap over utterances"
        rows.append(rounded(figure(name, row, method, precision, "beam")))
    return rows


def rounded(row: dict) -> dict:
    """Rates to four places, as `measure.py` writes them."""
    return {**row, "wer": round(row["wer"], 4), "cer": round(row["cer"], 4),
            "interval95": [round(bound, 4) for bound in row["interval95"]]}


def training(results: dict) -> dict:
    """How the weights came to be, in numbers."""
    continuation = results["continuation"]
    start = continuation["started_from"]
    before = sum(start["trained_frames"].values()) / 360_000 if start else 0
    numbers = {
        "hours": results["hours_of_training"],
        "hoursOfSpeech": round(sum(results["hours_of_speech"].values()), 2),
        "hoursHeard": round(sum(results["hours_heard"].values()) + before, 1),
    }
    names = {"teacher": continuation["teacher"], "continues": start and start["run"]}
    return {**numbers, **{key: value for key, value in names.items() if value}}


def make_card(results: dict, beam: Mapping[str, Sequence[dict]] = MappingProxyType({})) -> dict:
    """The whole draft; files and parameters are replaced when the model is packed.

    beam: by set, the records of `quantlab evaluate`, float32 and int8.
    """
    network_class, shape_class = ARCHITECTURES[results["architecture"]]
    file = {"path": "model.onnx", "sha256": results["sha256"], "sizeBytes": results["size_bytes"]}
    return {
        "schema": "quantlab.model-card/1",
        "id": results["model"],
        "title": describe_title(results["model"], results["continuation"]),
        "network": describe_network(results["architecture"], results["shape"]),
        "parameters": results["parameters"],
        "files": {"stored": file, "float": file},
        "frontEnd": FRONT_ENDS[shape_class(**results["shape"]).front_end].card(),
        "tensors": {"features": "features", "lengths": "lengths", "logProbabilities": "log_probabilities",
                    "outputLengths": "output_lengths"},
        "labels": ["", *LABELS[1:]],
        "blank": 0,
        "timeStride": network_class.time_stride,
        "licence": "MIT",
        "trainingData": describe_training(results),
        "training": training(results),
        "intendedUse": "Measuring what compression gains and costs on a recogniser that really recognises; spelled words, "
                       "numbers and short telephone prompts like those it was trained on",
        "limits": describe_limits(results),
        "figures": figures(results, beam),
    }


def main() -> None:
    """Read `results.json` of a run, and `beam-SET.json` where they are, and write `card.json` beside them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    options = parser.parse_args()
    results = json.loads((options.run / "results.json").read_text())
    measured = {name: options.run / f"beam-{name}.json" for name in BEAM_SETS}
    beam = {name: json.loads(path.read_text()) for name, path in measured.items() if path.exists()}
    card = options.run / "card.json"
    card.write_text(json.dumps(make_card(results, beam), indent=2, ensure_ascii=False) + "\n")
    print(card)


if __name__ == "__main__":
    main()
