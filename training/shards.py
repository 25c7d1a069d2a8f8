"""Gradients on the processor's cores: each update is cut into shards, each computed by a thread of its own.

On a small busy machine that is quicker than sharing every product: threads meet once an update instead of hundreds of
times.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from batches import Realiser, Sampler
from network import Network
from objective import Distillation, Recognition


class Shard:
    """One thread's part of each update: a replica that shares the model's parameters but not its running statistics."""

    def __init__(self, model: Network, seed: int):
        self.replica = model.replicate(model.dropout)
        for (path, parameter), shared in zip(list(self.replica.named_parameters()), model.parameters()):
            owner, _, name = path.rpartition(".")
            setattr(self.replica.get_submodule(owner), name, shared)
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


class CoreEngine:
    """Computes updates in as many threads as there are shards."""

    def __init__(
        self, model: Network, sampler: Sampler, realiser: Realiser, objective: Recognition | Distillation,
        threads: int, seed: int,
    ):
        self.model, self.sampler, self.realiser, self.objective = model, sampler, realiser, objective
        self.shards = [Shard(model, seed + index) for index in range(threads)]
        self.pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))

    def state(self) -> list:
        """Random state of each shard."""
        return [shard.state() for shard in self.shards]

    def restore(self, states: list) -> None:
        """Continue from `state`; the model has its weights back already."""
        for shard, saved in zip(self.shards, states, strict=True):
            shard.restore(saved)
            shard.replica.load_state_dict(self.model.state_dict())

    def _gradients(self, shard: Shard, group: list) -> tuple[list, float, int]:
        batch = self.realiser.realise(group, shard.rng, shard.replica.generator)
        loss = self.objective.loss(shard.replica, batch)
        trained = [parameter for parameter in shard.replica.parameters() if parameter.requires_grad]
        gradients = torch.autograd.grad(loss, trained)
        return gradients, float(loss.detach()), int(batch.target_lengths.sum())

    def gradients(self, progress: float) -> float:
        """Leave the gradients of an update in the model's parameters; returns the loss for each label in nats."""
        groups = [self.sampler.next_group(progress) for _ in self.shards]
        jobs = [self.pool.submit(self._gradients, shard, group) for shard, group in zip(self.shards, groups)]
        parts = [job.result() for job in jobs]
        labels = sum(count for _, _, count in parts)
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        for parameter, *gradients in zip(trained, *(part[0] for part in parts)):
            parameter.grad = sum(gradients).div_(labels)
        return sum(loss for _, loss, _ in parts) / labels

    def share_statistics(self) -> None:
        """Average the shards' BatchNorm statistics into the model and back."""
        buffers = [dict(shard.replica.named_buffers()) for shard in self.shards]
        for name, value in self.model.named_buffers():
            if value.dtype.is_floating_point:
                value.copy_(torch.stack([shard[name] for shard in buffers]).mean(dim=0))
            else:
                value.copy_(buffers[0][name])
            for shard in buffers:
                shard[name].copy_(value)
