"""Measures a model on an NVIDIA GPU with ONNX Runtime for Python, and writes a run as `quantlab experiment` does.

For machines where ONNX Runtime for Node has no CUDA library. The weights are the same file, the front end is that of the
card (`features.py`), and the trials are alike: one utterance each for latency, a batch for throughput, every utterance
once for accuracy; each used equally often; warm-up runs first, 10 on a GPU. Needs `onnxruntime-gpu` for CUDA.

    quantlab model unpack deepspeech2-lstm /tmp/lstm
    python measure_gpu.py --model /tmp/lstm/model.onnx --out ../data/results/gpu
    python measure_gpu.py ... --device cpu --trials 30 --throughput-trials 5          # without a GPU

`run.json` and `observations.jsonl` have the form of `src/experiment/schema.ts`.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import telemetry  # noqa: F401
import numpy as np
import onnxruntime
import soundfile

import features

SCHEMA = "quantlab.results/1"
TIMING_VERSION = 1
WARM_UP_RUNS = {"gpu": 10, "cpu": 3}
INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}


class Recognizer:
    """Front end, session and greedy decoder: waveforms in, texts out, with the share of each in milliseconds."""

    def __init__(self, model: Path, card: dict, device: str, threads: int):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(model), options, providers=[PROVIDERS[device]])
        if self.session.get_providers()[0] != PROVIDERS[device]:
            raise SystemExit(f"{device}: its execution provider was required, got {self.session.get_providers()}")
        self.card = card

    def trial(self, utterances: list[dict]) -> dict:
        """One timed call: an observation without its place in the run."""
        tensors = self.card["tensors"]
        cpu_before = time.process_time()
        started = time.perf_counter()
        spectrograms = [
            features.standardise(features.log_spectrogram(features.resample(one["samples"], one["rate_hz"])))
            for one in utterances
        ]
        lengths = np.array([len(one) for one in spectrograms], dtype=np.int64)
        batch = np.zeros((len(spectrograms), lengths.max(), spectrograms[0].shape[1]), dtype=np.float32)
        for row, one in zip(batch, spectrograms):
            row[: len(one)] = one
        featured = time.perf_counter()
        # Results come back to the processor's memory: the GPU has finished when this returns.
        scores, steps = self.session.run(
            [tensors["logProbabilities"], tensors["outputLengths"]],
            {tensors["features"]: batch, tensors["lengths"]: lengths},
        )
        inferred = time.perf_counter()
        texts = [self.decode(row[:length].argmax(axis=1)) for row, length in zip(scores, steps)]
        ended = time.perf_counter()
        return {
            "utterances": [one["id"] for one in utterances],
            "audioS": sum(len(one["samples"]) / one["rate_hz"] for one in utterances),
            "totalMs": 1000 * (ended - started),
            "featuresMs": 1000 * (featured - started),
            "inferenceMs": 1000 * (inferred - featured),
            "decodingMs": 1000 * (ended - inferred),
            "cpuMs": 1000 * (time.process_time() - cpu_before),
            "texts": texts,
        }

    def decode(self, indices) -> str:
        """Text of a best path: repeats joined, then blanks dropped (Graves et al. 2006, section 3.1), spaces joined."""
        labels, previous, characters = self.card["labels"], None, []
        for index in indices:
            if index != previous and index != self.card["blank"]:
                characters.append(labels[index])
            previous = index
        return " ".join("".join(characters).split())


def read_manifest(path: Path) -> list[dict]:
    """Utterances of a manifest (NeMo's form) with their sound as mono float32."""
    utterances = []
    for line in path.read_text(encoding="utf8").splitlines():
        if line.strip():
            entry = json.loads(line)
            samples, rate_hz = soundfile.read(path.parent / entry["audio_filepath"], dtype="float32", always_2d=True)
            utterances.append({**entry, "samples": samples.mean(axis=1), "rate_hz": rate_hz})
    return utterances


def balanced_order(count: int, size: int, seed: int) -> list[int]:
    """`count` indices below `size`: permutations one behind another, so that each is used equally often to within one."""
    random = np.random.default_rng(seed)
    return np.concatenate([random.permutation(size) for _ in range(-(-count // size))])[:count].tolist()


def plan_trials(arguments, size: int) -> dict[str, list[list[int]]]:
    """Utterances of each trial, by phase."""
    batch = arguments.batch_size
    batched = balanced_order(arguments.throughput_trials * batch, size, arguments.seed + 1)
    return {
        "latency": [[index] for index in balanced_order(arguments.trials, size, arguments.seed)],
        "throughput": [batched[start : start + batch] for start in range(0, len(batched), batch)],
        "accuracy": [[index] for index in range(size)],
    }


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_environment() -> dict:
    """The machine, as `src/measure/machine/environment.ts` describes it; Python stands where Node would."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf8")
    except OSError:
        info = ""
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    cores = {block for block in zip(*(_values(info, key) for key in ("physical id", "core id")))}
    architecture = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "cpu": fields.get("model name", platform.machine()),
        "physicalCores": len(cores) or None,
        "logicalCores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "instructionSets": [name for name in INSTRUCTION_SETS if name in flags],
        "memoryBytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "platform": f"{sys.platform} {platform.release()} {architecture}",
        "node": f"none: Python {platform.python_version()}",
        "packages": {"onnxruntime (Python)": onnxruntime.__version__, "numpy (Python)": np.__version__, **read_gpu()},
        "commit": read_commit(),
        "loadBefore": os.getloadavg()[0],
        "load": {"lastMinute": os.getloadavg()[0], "cpuPressure": None, "memoryPressure": None, "ioPressure": None, "warning": None},
        "frequency": None,
        "confinement": {"hypervisor": None, "container": None, "cpuLimit": None, "memoryLimitBytes": None},
    }


def _values(info: str, key: str) -> list[str]:
    return [line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith(f"{key}\t")]


def read_gpu() -> dict:
    """Name and driver of the first NVIDIA GPU, or nothing."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        name, driver = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split("\n")[0].split(", ")
        return {"GPU": name, "NVIDIA driver": driver}
    except (OSError, subprocess.CalledProcessError, ValueError):
        return {}


def read_commit() -> str | None:
    """Commit of the working tree, or None."""
    command = ["git", "-C", str(Path(__file__).resolve().parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def write_record(folder: Path, record: dict) -> None:
    """Writes run.json as a whole."""
    temporary = folder / "run.json.partial"
    temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf8")
    temporary.replace(folder / "run.json")


def now() -> str:
    """ISO 8601, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def measure(arguments) -> None:
    """Runs all trials and writes the run."""
    here = Path(__file__).resolve().parents[1]
    model: Path = arguments.model
    card = json.loads((arguments.card or model.parent / "model.json").read_text(encoding="utf8"))
    manifest = arguments.manifest or here / "data/speech/holdout.jsonl"
    utterances = read_manifest(manifest)
    kind = "gpu" if arguments.device == "cuda" else "cpu"
    title = f"{kind.upper()} float32, Python"
    condition = {
        "id": f"{kind}-float32-python",
        "title": title,
        "model": card["id"],
        "recipe": "none",
        "device": kind,
        "threads": arguments.threads,
    }
    record = {
        "schema": SCHEMA,
        "startedAt": now(),
        "finishedAt": None,
        "protocol": {
            "manifest": manifest.stem,
            "manifestSha256": sha256(manifest),
            "latencyTrials": arguments.trials,
            "throughputTrials": arguments.throughput_trials,
            "batchSize": arguments.batch_size,
            "warmUpRuns": WARM_UP_RUNS,
            "seed": arguments.seed,
        },
        "conditions": [condition],
        "environment": read_environment(),
        "outcomes": {},
        "inputs": {condition["id"]: {"modelSha256": sha256(model), "recipeSha256": None, "variantSha256": sha256(model)}},
        # One condition: there is no other to be kept apart from.
        "turns": "stopped",
        # How times are taken, as `src/measure/latency/timingVersion.ts` counts it.
        "timingVersion": TIMING_VERSION,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    observations = arguments.out / "observations.jsonl"
    if observations.exists() or (arguments.out / "run.json").exists():
        raise SystemExit(f"{arguments.out}: a folder without a run was required, got one; choose another")
    started = time.perf_counter()
    recognizer = Recognizer(model, card, arguments.device, arguments.threads)
    load_ms = 1000 * (time.perf_counter() - started)
    write_record(arguments.out, record)
    by_length = sorted(range(len(utterances)), key=lambda index: -len(utterances[index]["samples"]))
    first_run_ms = 0.0
    for run in range(WARM_UP_RUNS[kind]):
        trial = recognizer.trial([utterances[by_length[run % len(by_length)]]])
        first_run_ms = first_run_ms or trial["totalMs"]
    with observations.open("a", encoding="utf8") as file:
        for phase, trials in plan_trials(arguments, len(utterances)).items():
            if trials:
                recognizer.trial([utterances[index] for index in trials[0]])
            for number, indices in enumerate(trials):
                trial = recognizer.trial([utterances[index] for index in indices])
                said = {"references": [utterances[index]["text"] for index in indices]} if phase == "accuracy" else {}
                line = {"condition": condition["id"], "phase": phase, "trial": number, **trial, **said}
                file.write(json.dumps(line) + "\n")
                file.flush()
            print(f"{phase}: {len(trials)} trials", file=sys.stderr)
    outcome = {
        "status": "measured",
        "executionProvider": arguments.device,
        "loadMs": load_ms,
        "firstRunMs": first_run_ms,
        "sizeBytes": model.stat().st_size,
        "modelSha256": sha256(model),
    }
    write_record(arguments.out, {**record, "finishedAt": now(), "outcomes": {condition["id"]: outcome}})


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", type=Path, required=True, help="an .onnx file, as `quantlab model unpack` writes it")
    parser.add_argument("--card", type=Path, help="its card (default: model.json beside it)")
    parser.add_argument("--manifest", type=Path, help="default: the embedded hold-out")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; there must be none in it")
    parser.add_argument("--device", choices=sorted(PROVIDERS), default="cuda")
    parser.add_argument("--threads", type=int, default=1, help="threads of one operator on the processor")
    parser.add_argument("--trials", type=int, default=300, help="trials of latency")
    parser.add_argument("--throughput-trials", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--seed", type=int, default=20261121)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    measure(parse())
