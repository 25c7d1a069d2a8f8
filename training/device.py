"""Gradients on one GPU: all spectra lie in its memory, augmentation happens there, an update is one large batch."""

import numpy as np
import torch
from torch import Tensor

from batches import Realiser, Sampler
from cache import CachedUtterance
from front_ends import FrontEnd
from network import Network
from objective import Distillation, Recognition


def choose_device(name: str) -> torch.device:
    """The device to train on; says what is missing when it is `cuda` and cannot be used."""
    if name != "cuda":
        return torch.device(name)
    if torch.version.cuda is None:
        raise SystemExit(f"--device cuda: a CUDA build of PyTorch is required, got {torch.__version__}; install one")
    if not torch.cuda.is_available():
        raise SystemExit(
            f"--device cuda: an NVIDIA GPU with a driver for CUDA {torch.version.cuda} is required, "
            "got none that PyTorch can use; look at nvidia-smi"
        )
    if not torch.backends.cudnn.is_available():
        raise SystemExit("--device cuda: cuDNN is required for the recurrent layers, got a PyTorch without it")
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    return torch.device("cuda")


class DeviceRealiser(Realiser):
    """Realiser whose spectra lie in the device's memory, float16, a row of frames for each corpus."""

    def __init__(
        self, corpora: dict[str, list[CachedUtterance]], front_end: FrontEnd, device: torch.device,
        posteriors: dict | None = None,
    ):
        super().__init__(corpora, front_end, posteriors)
        self.device = device
        self.frames: dict[str, Tensor] = {}
        self.offsets: dict[str, np.ndarray] = {}
        for name, utterances in corpora.items():
            blocks = [np.array(utterance.spectrogram) for utterance in utterances]
            self.offsets[name] = np.cumsum([0, *(len(block) for block in blocks)])
            self.frames[name] = torch.from_numpy(np.concatenate(blocks)).to(device)

    def gather(self, group: list[tuple[str, int]]) -> tuple[Tensor, Tensor]:
        """The padded spectra of a group, and their lengths, on the device."""
        lengths = torch.tensor([self.corpora[name][index].frames for name, index in group]).to(self.device)
        longest = max(self.corpora[name][index].frames for name, index in group)
        spectra = torch.zeros(len(group), longest, self.front_end.bins, dtype=torch.float16, device=self.device)
        for row, (name, index) in enumerate(group):
            start, end = self.offsets[name][index], self.offsets[name][index + 1]
            spectra[row, : end - start] = self.frames[name][start:end]
        return spectra, lengths


class DeviceEngine:
    """Computes updates on one device."""

    def __init__(
        self, model: Network, sampler: Sampler, realiser: DeviceRealiser, objective: Recognition | Distillation,
        seed: int,
    ):
        self.model, self.sampler, self.realiser, self.objective = model, sampler, realiser, objective
        self.rng = np.random.default_rng(seed)
        model.generator.manual_seed(seed)

    def state(self) -> list:
        """Random state of augmentation and dropout."""
        return [{"rng": self.rng.bit_generator.state, "generator": self.model.generator.get_state()}]

    def restore(self, states: list) -> None:
        """Continue from `state`."""
        [saved] = states
        self.rng.bit_generator.state = saved["rng"]
        self.model.generator.set_state(saved["generator"])

    def gradients(self, progress: float) -> float:
        """Leave the gradients of an update in the model's parameters; returns the loss for each label in nats."""
        batch = self.realiser.realise(self.sampler.next_group(progress), self.rng, self.model.generator)
        self.model.train()
        loss = self.objective.loss(self.model, batch) / batch.target_lengths.sum()
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        return float(loss.detach())

    def share_statistics(self) -> None:
        """Nothing to share: there is one model."""
