"""What training minimises: the CTC loss, or between that and a teacher's opinion."""

import torch
import torch.nn.functional as F
from torch import Tensor

from batches import Batch
from network import Network


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


def to_steps(log_probabilities: Tensor, steps: int, ratio: int) -> Tensor:
    """Log-probabilities [N, T, V] as means over `ratio` steps at a time, [N, steps, V]; the end is repeated."""
    if ratio == 1:
        return log_probabilities
    missing = steps * ratio - log_probabilities.shape[1]
    ends = log_probabilities[:, -1:].expand(-1, max(missing, 0), -1)
    padded = torch.cat([log_probabilities, ends], dim=1)[:, : steps * ratio]
    return padded.exp().unflatten(1, (steps, ratio)).mean(dim=2).log()


class Distillation:
    """Soft targets: (1 - weight) * CTC + weight * T^2 * KL(teacher || student), summed over the steps of a batch.

    Both posteriors are softened by the temperature T (Hinton et al. 2015, arXiv:1503.02531), frame by frame as in
    Takashima et al. 2018 ("An investigation of a knowledge distillation method for CTC acoustic models"). They found
    frame-level targets alone to mislead where teacher and student emit at different steps: hence the CTC part, and a
    student that hears both directions and starts its steps where the teacher does.
    """

    def __init__(self, teacher: Network, weight: float, temperature: float):
        self.teacher = teacher.eval().requires_grad_(False)
        self.weight, self.temperature = weight, temperature

    def loss(self, network: Network, batch: Batch) -> Tensor:
        """Summed over the batch."""
        log_probabilities, lengths = network(batch.features, batch.lengths)
        with torch.no_grad():
            wanted, _ = self.teacher(batch.features, batch.lengths)
        ratio = network.time_stride // self.teacher.time_stride
        wanted = to_steps(wanted, log_probabilities.shape[1], ratio)
        soft = (log_probabilities / self.temperature).log_softmax(dim=2)
        targets = (wanted / self.temperature).log_softmax(dim=2)
        divergence = F.kl_div(soft, targets, log_target=True, reduction="none").sum(dim=2)
        inside = torch.arange(divergence.shape[1], device=lengths.device) < lengths.unsqueeze(1)
        distilled = self.temperature**2 * (divergence * inside).sum()
        return (1 - self.weight) * ctc(log_probabilities, lengths, batch) + self.weight * distilled


def require_same_ears(student: Network, teacher: Network) -> None:
    """Raise when a teacher cannot judge what a student hears."""
    if student.shape.front_end != teacher.shape.front_end:
        raise ValueError(
            f"teacher: the student's front end ({student.shape.front_end}) was required, "
            f"got {teacher.shape.front_end}; give the student --front-end {teacher.shape.front_end}"
        )
    if student.time_stride % teacher.time_stride:
        raise ValueError(
            f"teacher: steps of the student's {student.time_stride} frames or a part of them were required, "
            f"got {teacher.time_stride}"
        )
