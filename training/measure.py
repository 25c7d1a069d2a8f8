"""Measure an exported model through ONNX Runtime: WER and CER, float and dynamically quantized.

    python measure.py --corpora DIR --run runs/deepspeech2-lstm

Reads audio (no cache) one utterance at a time, decodes greedily without a language model, and writes `results.json`
beside the model. The quantized model is made by ONNX Runtime's own tool (int8.py).
"""

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

import telemetry  # noqa: F401
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper

from architectures import load_average, shape_from
from card import BEAM_SETS
from corpora import Utterance, apart, in_vocabulary, load_judged, load_trained, read_manifest, write_manifest
from features import read_audio
from front_ends import FRONT_ENDS, FrontEnd
from int8 import quantize
from transcripts import decode_greedy
from wer import ErrorRate, character_errors, word_errors

BATCH_SIZES_CHECKED = (2, 5)


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """A CPU session of a model file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def infer(session: onnxruntime.InferenceSession, features: np.ndarray, lengths: np.ndarray) -> tuple:
    """Log-probabilities float32 [N, T', 29] and their lengths int64 [N] of padded features [N, T, bins]."""
    return session.run(["log_probabilities", "output_lengths"], {"features": features, "lengths": lengths})


def transcribe(session: onnxruntime.InferenceSession, features: np.ndarray) -> str:
    """Greedy text of one utterance's features [T, bins]."""
    log_probabilities, _ = infer(session, features[None], np.array([len(features)]))
    return decode_greedy(log_probabilities[0].argmax(axis=1).tolist())


def describe(rate: ErrorRate) -> dict:
    """A rate with its edits, reference length and 95 % bootstrap interval, as plain values."""
    low, high = rate.interval()
    return {"rate": round(rate.rate, 4), "interval95": [round(low, 4), round(high, 4)],
            "edits": int(rate.edits.sum()), "length": int(rate.lengths.sum())}


def measure(session: onnxruntime.InferenceSession, sets: dict[str, list[Utterance]], features: dict) -> tuple:
    """WER and CER of each set, and every transcript; `features` holds each utterance's [T, bins] by its id."""
    texts = {identity: transcribe(session, block) for identity, block in features.items()}
    report = {}
    for name, utterances in sets.items():
        references = [utterance.text for utterance in utterances]
        hypotheses = [texts[utterance.id] for utterance in utterances]
        report[name] = {
            "utterances": len(utterances),
            "wer": describe(word_errors(references, hypotheses)),
            "cer": describe(character_errors(references, hypotheses)),
        }
    return report, texts


def batch_difference(session: onnxruntime.InferenceSession, blocks: list[np.ndarray], sizes) -> float:
    """Largest difference in log-probability between a padded batch and its single utterances."""
    worst = 0.0
    for size in sizes:
        chosen = blocks[:size]
        lengths = np.array([len(block) for block in chosen])
        padded = np.zeros((size, lengths.max(), chosen[0].shape[1]), np.float32)
        for row, block in zip(padded, chosen):
            row[: len(block)] = block
        together, steps = infer(session, padded, lengths)
        for row, block, count in zip(together, chosen, steps):
            alone, _ = infer(session, block[None], np.array([len(block)]))
            worst = max(worst, float(np.abs(row[:count] - alone[0]).max()))
    return worst


def pytorch_difference(session: onnxruntime.InferenceSession, checkpoint: Path, blocks: list[np.ndarray]) -> float:
    """Largest difference in log-probability between the file and the PyTorch weights before the rounding of weights."""
    model, _ = load_average(checkpoint)
    worst = 0.0
    for block in blocks:
        got, _ = infer(session, block[None], np.array([len(block)]))
        with torch.inference_mode():
            expected, _ = model(torch.from_numpy(block[None]), torch.tensor([len(block)]))
        worst = max(worst, float(np.abs(got - expected.numpy()).max()))
    return worst


def count_parameters(path: Path) -> int:
    """Float weights of a model file (BatchNorm already folded)."""
    arrays = [numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer]
    return sum(array.size for array in arrays if array.dtype == np.float32 and array.size > 1)


def load_sets(corpora: Path, prompts: Path) -> dict[str, list[Utterance]]:
    """The judged sets, two parts of the hold-out among them: in vocabulary, and apart from the training prompts.

    In vocabulary are the prompts whose words all occur in some prompt outside the hold-out (the development prompts'
    words counted, as all figures of this set do): 57 prompts, 367 words. Apart are those that differ from each training prompt in
    more than a quarter of their words: 118 prompts.
    """
    sets = load_judged(corpora, prompts)
    trained = read_manifest(prompts / "train.jsonl")
    sets["prompts-holdout-in-vocabulary"] = in_vocabulary(sets["prompts-holdout"], [trained, sets["prompts-dev"]])
    sets["prompts-holdout-apart"] = apart(sets["prompts-holdout"], trained)
    return sets


def extract(utterances: list[Utterance], front_end: FrontEnd) -> dict[str, np.ndarray]:
    """Features float32 [T, bins] of recordings as the model takes them, by id."""
    return {u.id: front_end.standardise(front_end.analyse(read_audio(u.audio))) for u in utterances}


def main() -> None:
    """Read the options, measure both models, write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, help="folder with an4, mini-librispeech, ljspeech-part")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder that prepare.py filled")
    parser.add_argument("--run", type=Path, required=True, help="folder with model.onnx and the checkpoint it is from")
    parser.add_argument("--checkpoint", default="best.pt")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-synthetic", action="store_true", help="the run left synthetic speech out")
    options = parser.parse_args()

    model = options.run / "model.onnx"
    prompts = options.data / "prompts"
    sets = load_sets(options.corpora, prompts)
    state = torch.load(options.run / options.checkpoint, map_location="cpu", weights_only=False)
    front_end = FRONT_ENDS[shape_from(state).front_end]
    features = extract([utterance for part in sets.values() for utterance in part], front_end)
    session = open_session(model, options.threads)
    float_report, float_texts = measure(session, sets, features)
    holdout = [features[utterance.id] for utterance in sets["prompts-holdout"]]

    calibration = extract(read_manifest(prompts / "calibration.jsonl"), front_end)
    with tempfile.TemporaryDirectory() as folder:
        quantized = Path(folder) / "model.int8.onnx"
        tool = quantize(model, quantized, list(calibration.values()))
        quantized_bytes = quantized.stat().st_size
        quantized_report, _ = measure(open_session(quantized, options.threads), sets, features)

    synthetic = None if options.no_synthetic else options.data / "synthetic"
    trained = load_trained(options.corpora, prompts, synthetic)
    results = {
        "model": options.run.name,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "size_bytes": model.stat().st_size,
        "parameters": count_parameters(model),
        "architecture": state.get("architecture", "lstm"),
        "shape": state["shape"],
        "continuation": {name: state.get(name) for name in ("started_from", "teacher", "grid", "sparsity", "units_kept")},
        "device": state.get("device", "cpu"),
        "updates": state["updates"],
        "hours_of_training": round(state["elapsed_s"] / 3600, 3),
        "hours_of_speech": {name: round(sum(u.duration_s for u in part) / 3600, 3) for name, part in trained.items()},
        "hours_heard": {name: round(frames / 360_000, 2) for name, frames in state["trained_frames"].items()},
        "decoder": "greedy, no language model",
        "runtime": f"onnxruntime {onnxruntime.__version__}, CPU, one utterance at a time",
        "float32": float_report,
        "int8": {"tool": tool, "size_bytes": quantized_bytes, "sets": quantized_report},
        "checks": {
            "largest_difference_from_pytorch": pytorch_difference(session, options.run / options.checkpoint, holdout[:8]),
            "largest_difference_batch_single": batch_difference(session, holdout, BATCH_SIZES_CHECKED),
        },
    }
    for name in BEAM_SETS:
        write_manifest(options.run / f"{name}.jsonl", sets[name])
    (options.run / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    with open(options.run / "transcripts.jsonl", "w", encoding="utf-8") as transcripts:
        for name, utterances in sets.items():
            for u in utterances:
                line = {"set": name, "id": u.id, "text": u.text, "greedy": float_texts[u.id]}
                transcripts.write(json.dumps(line) + "\n")
    for name, row in float_report.items():
        small = quantized_report[name]
        print(f"{name:32} WER {row['wer']['rate']:.3f} {row['wer']['interval95']} CER {row['cer']['rate']:.3f}"
              f" | int8 WER {small['wer']['rate']:.3f} CER {small['cer']['rate']:.3f}")
    print(results["checks"])


if __name__ == "__main__":
    main()
