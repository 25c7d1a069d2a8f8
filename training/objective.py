"""What training minimises: the CTC loss, or between that and a teacher's opinion."""

import torch
import torch.nn.functional as F
from torch import Tensor

from augment import interpolate
from batches import Batch
from network import Network

# Least probability of a label that a teacher gives: below it float16 has nothing to say.
SMALLEST = 1e-7


def ctc(log_probabilities: Tensor, lengths: Tensor, batch: Batch) -> Tensor:
    """CTC loss in nats, summed over a batch (Graves et al. 2006)."""
    return F.ctc_loss(
        log_probabilities.transpose(0, 1), batch.targets, lengths, batch.target_lengths,
        reduction="sum", zero_infinity=True,
    )


class Recognition:
    """The CTC loss alone."""

    def loss(self, network: Network, batch: Batch) -> Tensor:
        """Summed over the batch."""
        return ctc(*network(batch.features, batch.lengths), batch)


def stretched(posteriors: Tensor, lengths: Tensor, steps: Tensor, count: int) -> Tensor:
    """What a teacher said, at the pace of what the student heard: log-probabilities [N, count, V].

    posteriors: log-probabilities [N, T, V] of recordings of which augmentation made `steps` (int64 [N]) student's steps;
    lengths: int64 [N], the student's steps of the recordings as they were. Probabilities are interpolated, so that a label
    said between two steps is not lost. What a teacher says after the end (`whisper-ctc` appends silence) is left.
    """
    ratio = ((lengths - 1) / (steps - 1).clamp_min(1)).unsqueeze(1)
    positions = torch.minimum(torch.arange(count, device=steps.device) * ratio, (lengths - 1).unsqueeze(1))
    return interpolate(posteriors.float().exp(), positions).clamp_min(SMALLEST).log()


class Distillation:
    """Soft targets: (1 - weight) * CTC + weight * T^2 * KL(teacher || student), summed over the steps of a batch.

    Both posteriors are softened by the temperature T (Hinton et al. 2015, arXiv:1503.02531), frame by frame as in
    Takashima et al. 2018 ("An investigation of a knowledge distillation method for CTC acoustic models"). They found
    frame-level targets alone to mislead where teacher and student emit at different steps: hence the CTC part, and a
    student that hears both directions and starts its steps where the teacher does.
    """

    def __init__(self, weight: float, temperature: float):
        self.weight, self.temperature = weight, temperature

    def loss(self, network: Network, batch: Batch) -> Tensor:
        """Summed over the batch, which holds what the teacher said of it."""
        log_probabilities, lengths = network(batch.features, batch.lengths)
        recorded = network.output_lengths(batch.recorded)
        wanted = stretched(batch.posteriors, recorded, lengths, log_probabilities.shape[1])
        soft = (log_probabilities / self.temperature).log_softmax(dim=2)
        targets = (wanted / self.temperature).log_softmax(dim=2)
        divergence = F.kl_div(soft, targets, log_target=True, reduction="none").sum(dim=2)
        inside = torch.arange(divergence.shape[1], device=lengths.device) < lengths.unsqueeze(1)
        distilled = self.temperature**2 * (divergence * inside).sum()
        return (1 - self.weight) * ctc(log_probabilities, lengths, batch) + self.weight * distilled
