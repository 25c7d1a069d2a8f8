"""Train a model for a given number of minutes.

    python train.py --corpora DIR --run runs/deepspeech2-lstm --minutes 100

The learning rate and the mixture of corpora follow the clock, so a run ends in time on a busy machine. A checkpoint
is written every few minutes and replaced atomically; the same command continues from it, random state included.
Only development sets are looked at: `best.pt` holds the averaged weights with the lowest mean WER on them.
"""

import argparse
import json
import math
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from augment import Augmentation
from batches import Sampler, mixture
from cache import ensure_cache
from corpora import load_judged, load_trained
from evaluate import transcribe
from model import DeepSpeech2, Shape
from wer import character_errors, word_errors

WARM_UP_UPDATES = 200
GRADIENT_NORM_LIMIT = 1.0
WEIGHT_DECAY = 1e-4
AVERAGE_DECAY = 0.99
DEVELOPMENT_SETS = ("an4-dev", "prompts-dev")


def learning_rate(peak: float, updates: int, progress: float) -> float:
    """Linear warm-up over updates, then a cosine over the finished fraction of the run down to a hundredth."""
    warm = min(1.0, (updates + 1) / WARM_UP_UPDATES)
    return peak * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def update_average(average: dict, model: DeepSpeech2, updates: int) -> None:
    """Move the exponential moving average of weights and running statistics towards the model, in place."""
    decay = min(AVERAGE_DECAY, (1 + updates) / (10 + updates))
    for name, value in model.state_dict().items():
        if value.dtype.is_floating_point:
            average[name].lerp_(value, 1 - decay)
        else:
            average[name].copy_(value)


def save_atomically(state: dict, path: Path) -> None:
    """Write a checkpoint beside its place and move it there, so that a reader never sees half of one."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


class Shard:
    """One thread's part of each update: a replica that shares the model's parameters but not its running statistics."""

    def __init__(self, model: DeepSpeech2, seed: int):
        self.replica = DeepSpeech2(model.shape, dropout=model.dropout)
        self.replica.load_state_dict(model.state_dict())
        for (path, parameter), shared in zip(list(self.replica.named_parameters()), model.parameters()):
            owner, _, name = path.rpartition(".")
            setattr(self.replica.get_submodule(owner), name, shared)
        self.replica.compute_dtype = model.compute_dtype
        self.replica.train()
        self.replica.generator.manual_seed(seed)
        self.rng = np.random.default_rng(seed)

    def state(self) -> dict:
        """Random state of augmentation and dropout."""
        return {"rng": self.rng.bit_generator.state, "generator": self.replica.generator.get_state()}

    def restore(self, state: dict) -> None:
        """Continue from `state`."""
        self.rng.bit_generator.state = state["rng"]
        self.replica.generator.set_state(state["generator"])

    def gradients(self, sampler: Sampler, group: list) -> tuple[list, float, int]:
        """Gradients of the summed CTC loss of a group, that loss in nats, and the number of labels."""
        batch = sampler.realise(group, self.rng, Augmentation())
        log_probabilities, lengths = self.replica(batch.features, batch.lengths)
        loss = F.ctc_loss(
            log_probabilities.transpose(0, 1), batch.targets, lengths, batch.target_lengths,
            reduction="sum", zero_infinity=True,
        )
        gradients = torch.autograd.grad(loss, list(self.replica.parameters()))
        return gradients, float(loss.detach()), int(batch.target_lengths.sum())


class Run:
    """One training run: model, average, optimizer, sampler and counters, saved and restored together.

    An update is cut into shards, each computed by a thread of its own that uses one core. On a small busy machine
    that is quicker than sharing every product: threads meet once an update instead of hundreds of times.
    """

    def __init__(self, options: argparse.Namespace, corpora: dict, development: dict):
        torch.manual_seed(options.seed)
        self.options, self.development = options, development
        self.model = DeepSpeech2(Shape(options.channels, options.units, options.layers), dropout=options.dropout)
        self.judge = DeepSpeech2(self.model.shape)
        for model in (self.model, self.judge):
            model.compute_dtype = getattr(torch, options.dtype)
        self.average = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=options.rate, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98), fused=True
        )
        self.sampler = Sampler(corpora, options.batch_frames // options.threads, options.round_frames, options.seed)
        self.shards = [Shard(self.model, options.seed + index) for index in range(options.threads)]
        self.pool = ThreadPoolExecutor(options.threads, initializer=torch.set_num_threads, initargs=(1,))
        self.updates, self.elapsed_s, self.best = 0, 0.0, math.inf

    def state(self) -> dict:
        """Everything a continued run needs."""
        return {
            "shape": self.model.shape.as_dict(), "model": self.model.state_dict(), "average": self.average,
            "optimizer": self.optimizer.state_dict(), "sampler": self.sampler.state(),
            "shards": [shard.state() for shard in self.shards],
            "updates": self.updates, "elapsed_s": self.elapsed_s, "best": self.best,
        }

    def restore(self, state: dict) -> None:
        """Continue a saved run."""
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.sampler.restore(state["sampler"])
        for shard, saved in zip(self.shards, state["shards"], strict=True):
            shard.restore(saved)
            shard.replica.load_state_dict(state["model"])
        self.updates, self.elapsed_s, self.best = state["updates"], state["elapsed_s"], state["best"]

    def _share_statistics(self) -> None:
        """Average the shards' BatchNorm statistics into the model and back."""
        buffers = [dict(shard.replica.named_buffers()) for shard in self.shards]
        for name, value in self.model.named_buffers():
            if value.dtype.is_floating_point:
                value.copy_(torch.stack([shard[name] for shard in buffers]).mean(dim=0))
            else:
                value.copy_(buffers[0][name])
            for shard in buffers:
                shard[name].copy_(value)

    def step(self, progress: float) -> tuple[float, float]:
        """One update; returns the CTC loss for each label (nats) and the gradient's norm."""
        groups = [self.sampler.next_group(progress) for _ in self.shards]
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.options.rate, self.updates, progress)
        jobs = [self.pool.submit(shard.gradients, self.sampler, group) for shard, group in zip(self.shards, groups)]
        parts = [job.result() for job in jobs]
        labels = sum(count for _, _, count in parts)
        for parameter, *gradients in zip(self.model.parameters(), *(part[0] for part in parts)):
            parameter.grad = sum(gradients).div_(labels)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_NORM_LIMIT)
        # A single bad batch must not end a run of hours.
        if torch.isfinite(norm):
            self.optimizer.step()
            self._share_statistics()
            update_average(self.average, self.model, self.updates)
        self.updates += 1
        return sum(loss for _, loss, _ in parts) / labels, float(norm)

    def judge_average(self) -> dict:
        """WER and CER of the averaged weights on each development set, and one example of each."""
        self.judge.load_state_dict(self.average)
        self.judge.eval()
        report = {}
        for name, utterances in self.development.items():
            hypotheses = transcribe(self.judge, utterances)
            references = [utterance.text for utterance in utterances]
            example = self.updates % len(references)
            report[name] = {
                "wer": round(word_errors(references, hypotheses).rate, 4),
                "cer": round(character_errors(references, hypotheses).rate, 4),
                "example": [references[example], hypotheses[example]],
            }
        return report

    def train(self) -> None:
        """Update until the minutes are over, with a judgement and a checkpoint every few minutes; SIGTERM saves and ends."""
        options, folder = self.options, self.options.run
        started_s = time.monotonic() - self.elapsed_s
        judged_s, losses, norms = self.elapsed_s, [], []
        asked_to_stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
        while True:
            self.elapsed_s = time.monotonic() - started_s
            progress = self.elapsed_s / (options.minutes * 60)
            if progress < 1:
                loss, norm = self.step(progress)
                losses.append(loss)
                norms.append(norm)
            if asked_to_stop.is_set():
                save_atomically(self.state(), folder / "checkpoint.pt")
                return
            if progress >= 1 or self.elapsed_s - judged_s > options.judge_minutes * 60:
                judged_s = self.elapsed_s
                development = self.judge_average()
                mean_wer = sum(row["wer"] for row in development.values()) / len(development)
                if mean_wer <= self.best:
                    self.best = mean_wer
                    save_atomically({"shape": self.model.shape.as_dict(), "average": self.average,
                                     "updates": self.updates, "elapsed_s": self.elapsed_s,
                                     "trained_frames": self.sampler.trained_frames}, folder / "best.pt")
                save_atomically(self.state(), folder / "checkpoint.pt")
                line = {
                    "minutes": round(self.elapsed_s / 60, 1), "updates": self.updates,
                    "loss": round(sum(losses) / max(len(losses), 1), 4),
                    "gradient_norm": round(sum(norms) / max(len(norms), 1), 3),
                    "learning_rate": learning_rate(options.rate, self.updates, progress),
                    "hours_heard": {name: round(frames / 360_000, 2)
                                    for name, frames in self.sampler.trained_frames.items()},
                    "mixture": {name: round(share, 3) for name, share in mixture(progress, self.sampler.corpora).items()},
                    "development": development,
                }
                with open(folder / "log.jsonl", "a", encoding="utf-8") as log:
                    log.write(json.dumps(line) + "\n")
                print(json.dumps(line), flush=True)
                losses, norms = [], []
            if progress >= 1:
                return


def parse_options() -> argparse.Namespace:
    """Command line of a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True, help="folder with an4, mini-librispeech, ljspeech-part")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder that prepare.py filled")
    parser.add_argument("--run", type=Path, required=True, help="folder of checkpoints and log; continued if not empty")
    parser.add_argument("--minutes", type=float, required=True, help="wall-clock length of the whole run")
    parser.add_argument("--judge-minutes", type=float, default=4.0, help="time between judgements")
    parser.add_argument("--no-synthetic", action="store_true", help="leave synthetic speech out")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--units", type=int, default=384)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--rate", type=float, default=1.2e-3, help="peak learning rate")
    parser.add_argument("--batch-frames", type=int, default=12_000, help="padded frames of 10 ms in an update")
    parser.add_argument("--round-frames", type=int, default=430_000)
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=20261)
    return parser.parse_args()


def main() -> None:
    """Load what prepare.py made, continue a checkpoint if there is one, train."""
    options = parse_options()
    torch.set_num_threads(options.threads)
    options.run.mkdir(parents=True, exist_ok=True)
    prompts_folder = options.data / "prompts"
    synthetic = None if options.no_synthetic else options.data / "synthetic"
    corpora = ensure_cache(options.data / "cache", load_trained(options.corpora, prompts_folder, synthetic))
    judged = load_judged(options.corpora, prompts_folder)
    development = ensure_cache(options.data / "cache", {name: judged[name] for name in DEVELOPMENT_SETS})
    run = Run(options, corpora, development)
    checkpoint = options.run / "checkpoint.pt"
    if checkpoint.exists():
        run.restore(torch.load(checkpoint, weights_only=False))
    parameters = sum(parameter.numel() for parameter in run.model.parameters())
    print(json.dumps({"parameters": parameters, "updates": run.updates}), flush=True)
    run.train()


if __name__ == "__main__":
    main()
