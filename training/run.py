"""One training run: model, average, optimizer, sampler and counters, saved and restored together."""

import argparse
import json
import math
import os
import signal
import threading
import time
from pathlib import Path

import torch

from architectures import architecture_of, build, front_end_of, load_average, shape_from
from batches import Realiser, Sampler, mixture
from device import DeviceEngine, DeviceRealiser
from evaluate import transcribe
from fake_quantize import set_grid
from fold import fold
from model import DeepSpeech2
from network import Network
from objective import Distillation, Recognition
from prune_units import UnitPruner
from prune_weights import WeightPruner
from separable import SeparableNetwork
from shards import CoreEngine
from wer import character_errors, word_errors

WARM_UP_UPDATES = 200
GRADIENT_NORM_LIMIT = 1.0
WEIGHT_DECAY = 1e-4


def learning_rate(peak: float, updates: int, progress: float) -> float:
    """Linear warm-up over updates, then a cosine over the finished fraction of the run down to a hundredth."""
    warm = min(1.0, (updates + 1) / WARM_UP_UPDATES)
    return peak * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def update_average(average: dict, model: Network, updates: int, longest: float) -> None:
    """Move the exponential moving average of weights and running statistics towards the model, in place."""
    decay = min(longest, (1 + updates) / (10 + updates))
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


class Run:
    """Trains the network that `options` describe; see train.py for them."""

    def __init__(self, options: argparse.Namespace, corpora: dict, development: dict, posteriors: dict | None = None):
        torch.manual_seed(options.seed)
        self.options, self.development = options, development
        self.device = torch.device(options.device)
        self.started_from: dict | None = None
        self.model = self._first_model()
        self.judge = self.model.replicate()
        if options.grid:
            for network in (self.model, self.judge):
                set_grid(network, options.grid)
        self.average = {name: value.clone() for name, value in self.model.state_dict().items()}
        groups = [{"params": parameters} for parameters, _ in self.model.rates(0.0)]
        self.optimizer = torch.optim.AdamW(
            groups, lr=options.rate, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.98), fused=True
        )
        self.pruner = self._make_pruner()
        self.engine = self._make_engine(corpora, posteriors)
        self.updates, self.elapsed_s, self.best = 0, 0.0, math.inf

    def _first_model(self) -> Network:
        """A new network, or the averaged weights of another run."""
        options = self.options
        if options.start_from is None:
            model = build(options.shape, options.dropout)
            if options.pretrained:
                model.load_encoder(options.pretrained)
        else:
            start, state = load_average(options.start_from / "best.pt")
            self.started_from = {"run": options.start_from.name, "hours": state["elapsed_s"] / 3600,
                                 "trained_frames": state["trained_frames"]}
            if options.grid:
                start = self._foldable(start)
            model = build(start.shape, options.dropout)
            model.load_state_dict(start.state_dict())
        model.compute_dtype = getattr(torch, options.dtype)
        return model.on(self.device)

    def _foldable(self, start: Network) -> Network:
        """A network whose rounded weights are those that are exported."""
        if isinstance(start, DeepSpeech2) and not start.shape.ranks:
            return fold(start)
        if isinstance(start, SeparableNetwork) and self.options.grid == "channel":
            return start
        raise ValueError(
            "--grid: an LSTM network of whole weights, or separable convolutions with `channel`, was required, "
            f"got {architecture_of(start.shape)} with `{self.options.grid}`"
        )

    def _make_pruner(self) -> WeightPruner | UnitPruner | None:
        if self.options.sparsity:
            return WeightPruner(self.model, self.options.sparsity)
        return UnitPruner(self.model, self.options.units_kept) if self.options.units_kept else None

    def _make_engine(self, corpora: dict, posteriors: dict | None) -> CoreEngine | DeviceEngine:
        options, front_end = self.options, front_end_of(self.model)
        objective = Distillation(options.teacher_weight, options.temperature) if posteriors else Recognition()
        shards = options.threads if self.device.type == "cpu" else 1
        self.sampler = Sampler(corpora, options.batch_frames // shards, options.round_frames, options.seed)
        if options.start_from:
            self.sampler.rounds = 1  # no short-to-long round for weights that can already listen
        if self.device.type == "cpu":
            realiser = Realiser(corpora, front_end, posteriors)
            return CoreEngine(self.model, self.sampler, realiser, objective, shards, options.seed)
        realiser = DeviceRealiser(corpora, front_end, self.device, posteriors)
        return DeviceEngine(self.model, self.sampler, realiser, objective, options.seed)

    def description(self) -> dict:
        """What the weights are, in every checkpoint."""
        return {
            "architecture": architecture_of(self.model.shape), "shape": self.model.shape.as_dict(),
            "grid": self.options.grid, "units_kept": self.options.units_kept, "sparsity": self.options.sparsity,
            "teacher": self.options.teacher and self.options.teacher.name, "started_from": self.started_from,
            "updates": self.updates, "elapsed_s": self.elapsed_s, "device": self.options.device,
        }

    def state(self) -> dict:
        """Everything a continued run needs."""
        return {
            **self.description(), "model": self.model.state_dict(), "average": self.average,
            "optimizer": self.optimizer.state_dict(), "sampler": self.sampler.state(),
            "shards": self.engine.state(), "pruner": self.pruner and self.pruner.state(), "best": self.best,
        }

    def restore(self, state: dict) -> None:
        """Continue a saved run."""
        if shape_from(state) != self.model.shape:
            raise ValueError(f"checkpoint: shape {self.model.shape} was required, got {shape_from(state)}")
        if state.get("device", "cpu") != self.options.device:
            raise ValueError(
                f"checkpoint: one of --device {self.options.device} was required, got one of {state.get('device', 'cpu')}; "
                "start a run of another name from it with --start-from"
            )
        self.model.load_state_dict(state["model"])
        self.average = {name: value.to(self.device) for name, value in state["average"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        self.sampler.restore(state["sampler"])
        self.engine.restore(state["shards"])
        if self.pruner:
            self.pruner.restore(state["pruner"])
        self.updates, self.elapsed_s, self.best = state["updates"], state["elapsed_s"], state["best"]

    def stage(self, progress: float) -> float:
        """Progress as the mixture of corpora and what is frozen see it: a continuation is where the first run ended."""
        return 1.0 if self.options.start_from else progress

    def step(self, progress: float) -> tuple[float, float]:
        """One update; returns the loss for each label (nats) and the gradient's norm."""
        rate = learning_rate(self.options.rate, self.updates, progress)
        for group, (parameters, share) in zip(self.optimizer.param_groups, self.model.rates(self.stage(progress))):
            group["lr"] = rate * share
            for parameter in parameters:
                parameter.requires_grad_(share > 0)
        loss = self.engine.gradients(self.stage(progress))
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_NORM_LIMIT)
        # A single bad batch must not end a run of hours.
        if torch.isfinite(norm):
            self.optimizer.step()
            self.engine.share_statistics()
            update_average(self.average, self.model, self.updates, self.options.average_decay)
        if self.pruner:
            self.pruner.apply(self.model.state_dict(), self.average, self.updates, progress)
        self.updates += 1
        return loss, float(norm)

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

    def may_be_best(self, progress: float) -> bool:
        """Whether weights of this moment may be kept: a pruned run's only once everything that is to go is gone."""
        return self.pruner is None or progress >= 1

    def train(self) -> None:
        """Update until the minutes, or the updates, are over, with a judgement and a checkpoint every few minutes; SIGTERM saves and ends."""
        options, folder = self.options, self.options.run
        started_s = time.monotonic() - self.elapsed_s
        judged_s, losses, norms = self.elapsed_s, [], []
        asked_to_stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
        while True:
            self.elapsed_s = time.monotonic() - started_s
            progress = self.updates / options.updates if options.updates else self.elapsed_s / (options.minutes * 60)
            if progress < 1:
                loss, norm = self.step(progress)
                losses.append(loss)
                norms.append(norm)
            if asked_to_stop.is_set():
                save_atomically(self.state(), folder / "checkpoint.pt")
                return
            if progress >= 1 or self.elapsed_s - judged_s > options.judge_minutes * 60:
                judged_s = self.elapsed_s
                if progress >= 1 and self.pruner:
                    self.pruner.apply(self.model.state_dict(), self.average, self.updates, progress)
                self._judge_and_save(progress, losses, norms)
                losses, norms = [], []
            if progress >= 1:
                return

    def _judge_and_save(self, progress: float, losses: list[float], norms: list[float]) -> None:
        folder, development = self.options.run, self.judge_average()
        mean_wer = sum(row["wer"] for row in development.values()) / max(len(development), 1)
        if mean_wer <= self.best and self.may_be_best(progress):
            self.best = mean_wer
            kept = {**self.description(), "average": self.average, "trained_frames": self.sampler.trained_frames}
            save_atomically(kept, folder / "best.pt")
        save_atomically(self.state(), folder / "checkpoint.pt")
        shares = mixture(self.stage(progress), self.sampler.corpora)
        line = {
            "minutes": round(self.elapsed_s / 60, 1), "updates": self.updates,
            "loss": round(sum(losses) / max(len(losses), 1), 4),
            "gradient_norm": round(sum(norms) / max(len(norms), 1), 3),
            "learning_rate": learning_rate(self.options.rate, self.updates, progress),
            "hours_heard": {name: round(frames / 360_000, 2) for name, frames in self.sampler.trained_frames.items()},
            "mixture": {name: round(share, 3) for name, share in shares.items()},
            "development": development,
        }
        with open(folder / "log.jsonl", "a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
