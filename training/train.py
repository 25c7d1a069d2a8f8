"""Train a model for a given number of minutes.

    python train.py --corpora DIR --run runs/deepspeech2-lstm --minutes 100
    python train.py --corpora DIR --run runs/deepspeech2-gru --minutes 8 --device cuda
    python train.py --corpora DIR --run runs/deepspeech2-student --minutes 60 --teacher runs/deepspeech2-lstm
    python train.py --corpora DIR --run runs/deepspeech2-lstm-int8 --minutes 20 \\
        --start-from runs/deepspeech2-lstm --grid tensor

The run's name says which model it is unless --model does. The learning rate and the mixture of corpora follow the
clock, so a run ends in time on a busy machine (or the updates, with --updates). A checkpoint is written every few minutes and replaced atomically; the
same command continues from it, random state included. Only development sets are looked at: `best.pt` holds the
averaged weights with the lowest mean WER on them.
"""

import argparse
import json
import os
import time
from dataclasses import fields, replace
from pathlib import Path

import torch

from architectures import MODELS, load_shape
from cache import cache_folder, ensure_cache
from corpora import load_judged, load_trained
from device import choose_device
from fake_quantize import GRANULARITIES
from front_ends import FRONT_ENDS
from posteriors import ensure_posteriors
from run import Run
from whisper_weights import WEIGHTS

DEVELOPMENT_SETS = ("an4-dev", "prompts-dev")
# A GPU wants large batches, and with them larger steps and longer averages; it judges itself in seconds.
DEFAULTS = {
    "cpu": {"rate": 1.2e-3, "batch_frames": 6_000, "round_frames": 430_000, "average_decay": 0.99, "judge_minutes": 4.0},
    "cuda": {"rate": 2e-3, "batch_frames": 120_000, "round_frames": 2_000_000, "average_decay": 0.995,
             "judge_minutes": 0.5},
}
CONTINUED_RATE = 2e-4


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, help="folder with an4, mini-librispeech, ljspeech-part")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder that prepare.py filled")
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoints and log; continued if not empty")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="wall-clock length of the whole run")
    length.add_argument("--updates", type=int, help="length of the whole run where runs are compared: the same on a busy machine")
    parser.add_argument("--judge-minutes", type=float, help="time between judgements")
    parser.add_argument("--no-synthetic", action="store_true", help="leave synthetic speech out")
    network = parser.add_argument_group("network")
    network.add_argument("--model", choices=MODELS, help="default: what the run's name begins with, or deepspeech2-lstm")
    network.add_argument("--channels", type=int, help="of the convolutions")
    network.add_argument("--units", type=int, help="of a recurrent layer, a direction")
    network.add_argument("--layers", type=int, help="recurrent layers")
    network.add_argument("--front-end", help="log-spectrogram or log-mel")
    network.add_argument("--dropout", type=float, default=0.2)
    other = parser.add_argument_group("learning from another run")
    other.add_argument("--teacher", type=Path, help="run whose posteriors are soft targets (distillation)")
    other.add_argument("--teacher-weight", type=float, default=0.5, help="of the soft targets; the rest is CTC")
    other.add_argument("--temperature", type=float, default=2.0)
    other.add_argument("--start-from", type=Path, help="run whose weights are trained further")
    other.add_argument("--grid", choices=GRANULARITIES, help="train for `quantlab quantize`, --per-channel, or --recipe bits-4")
    other.add_argument("--sparsity", type=float, help="share of each large matrix to be zero in the end, 0 ... 1")
    other.add_argument("--units-kept", type=int, help="recurrent units of each layer to be left in the end")
    learning = parser.add_argument_group("learning")
    learning.add_argument("--rate", type=float, help="peak learning rate")
    learning.add_argument("--batch-frames", type=int, help="padded frames of 10 ms in an update")
    learning.add_argument("--round-frames", type=int)
    learning.add_argument("--average-decay", type=float, help="of the exponential moving average of weights")
    learning.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16")
    learning.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    learning.add_argument("--threads", type=int, default=os.cpu_count())
    learning.add_argument("--seed", type=int, default=20261)
    options = parser.parse_args(arguments)
    if (options.grid or options.sparsity or options.units_kept) and not options.start_from:
        parser.error("--grid, --sparsity and --units-kept continue a trained model: --start-from RUN is required")
    if options.sparsity and options.units_kept:
        parser.error("--sparsity or --units-kept was required, got both")
    return complete(options)


def complete(options: argparse.Namespace) -> argparse.Namespace:
    """Options with the defaults of their device, the network's shape as `shape`, weights to begin with as `pretrained`."""
    for name, value in DEFAULTS[options.device].items():
        if getattr(options, name) is None:
            setattr(options, name, CONTINUED_RATE if name == "rate" and options.start_from else value)
    names = [name for name in MODELS if options.run.name.startswith(name)]
    options.model = options.model or (max(names, key=len) if names else "deepspeech2-lstm")
    options.pretrained = options.data / WEIGHTS if options.model == "whisper-ctc" else None
    shape = MODELS[options.model]
    sizes = {field.name for field in fields(shape)}
    asked = {name: getattr(options, name) for name in ("channels", "units", "layers", "front_end")}
    options.shape = replace(shape, **{name: value for name, value in asked.items() if value is not None and name in sizes})
    return options


def main() -> None:
    """Load what prepare.py made, continue a checkpoint if there is one, train."""
    options = parse_options()
    choose_device(options.device)
    torch.set_num_threads(options.threads)
    options.run.mkdir(parents=True, exist_ok=True)
    if options.start_from:
        options.shape = load_shape(options.start_from)
    front_end = FRONT_ENDS[options.shape.front_end]
    prompts_folder = options.data / "prompts"
    synthetic = None if options.no_synthetic else options.data / "synthetic"
    folder = cache_folder(options.data, front_end)
    trained = load_trained(options.corpora, prompts_folder, synthetic)
    corpora = ensure_cache(folder, trained, front_end)
    judged = load_judged(options.corpora, prompts_folder)
    development = ensure_cache(folder, {name: judged[name] for name in DEVELOPMENT_SETS}, front_end)
    begun_s, posteriors = time.monotonic(), None
    if options.teacher:
        dtype, device = getattr(torch, options.dtype), torch.device(options.device)
        posteriors = ensure_posteriors(options.teacher, options.data, trained, dtype, device)
    run = Run(options, corpora, development, posteriors)
    # The teacher's listening is part of the run's minutes.
    run.elapsed_s = time.monotonic() - begun_s
    checkpoint = options.run / "checkpoint.pt"
    if checkpoint.exists():
        run.restore(torch.load(checkpoint, map_location="cpu", weights_only=False))
    parameters = sum(parameter.numel() for parameter in run.model.parameters())
    print(json.dumps({"model": options.model, "parameters": parameters, "updates": run.updates}), flush=True)
    run.train()


if __name__ == "__main__":
    main()
