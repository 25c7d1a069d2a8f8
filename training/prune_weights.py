"""Magnitude pruning on a cubic schedule (Zhu & Gupta 2017, arXiv:1710.01878): ever more of the smallest weights to zero.

Each matrix loses the same share. Every few updates the smallest weights are chosen anew; in between, those chosen stay
zero, in the trained weights and in their average.
"""

import torch
from torch import Tensor

from network import Network

UPDATES_A_CHOICE = 10
# Share of the run over which the share of zeros grows; the rest of the run heals.
GROWTH = 0.6
SMALLEST_MATRIX = 16_384


def cubic_share(target: float, progress: float) -> float:
    """Share to be gone when `progress` (0 ... 1) of the run is over: target * (1 - (1 - progress / GROWTH)^3)."""
    left = 1 - min(max(progress / GROWTH, 0.0), 1.0)
    return target * (1 - left**3)


def prunable(network: Network) -> dict[str, Tensor]:
    """Parameters that are matrices (or 1x1 convolutions) large enough to be worth it, by name."""
    return {
        name: parameter
        for name, parameter in network.named_parameters()
        if parameter.dim() >= 2 and parameter[0, 0].numel() == 1 and parameter.numel() >= SMALLEST_MATRIX
    }


class WeightPruner:
    """Keeps a growing share of each matrix at zero."""

    def __init__(self, network: Network, target: float):
        self.target = target
        self.masks = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in prunable(network).items()}

    def state(self) -> dict:
        """What a continued run needs."""
        return {"masks": self.masks}

    def restore(self, state: dict) -> None:
        """Continue from `state`."""
        for name, mask in state["masks"].items():
            self.masks[name].copy_(mask)

    @torch.no_grad()
    def apply(self, weights: dict[str, Tensor], average: dict[str, Tensor], updates: int, progress: float) -> None:
        """Zero what is to be zero after an update, in the weights and in their average, in place."""
        share = cubic_share(self.target, progress)
        for name, mask in self.masks.items():
            if updates % UPDATES_A_CHOICE == 0 or progress >= 1:
                count = int(share * mask.numel())
                smallest = weights[name].abs().flatten().topk(count, largest=False, sorted=False).indices
                mask.fill_(True).view(-1)[smallest] = False
            weights[name].mul_(mask)
            average[name].mul_(mask)
