"""What every network here has in common: a shape, dropout that is repeatable in threads, a type to compute in."""

import torch
from torch import Tensor, nn


class Network(nn.Module):
    """Features to log-probabilities of labels; see `forward` of the architectures.

    `compute_dtype` is what products are computed in: bfloat16 halves the time of training on processors that have
    it; evaluation and export use float32.
    """

    # Frames of features for each output step.
    time_stride: int

    def __init__(self, shape, dropout: float = 0.0):
        super().__init__()
        self.shape = shape
        self.dropout = dropout
        self.compute_dtype = torch.float32
        # Dropout draws from here, so that several threads training shards of a batch stay repeatable.
        self.generator = torch.Generator()

    def on(self, device: torch.device) -> "Network":
        """Move weights and the source of dropout to a device."""
        self.to(device)
        self.generator = torch.Generator(device)
        return self

    def replicate(self, dropout: float = 0.0) -> "Network":
        """A network of the same shape and weights that shares nothing."""
        copy = type(self)(self.shape, dropout).on(next(self.parameters()).device)
        copy.load_state_dict(self.state_dict())
        copy.compute_dtype = self.compute_dtype
        for mine, its in zip(self.modules(), copy.modules()):
            if hasattr(mine, "ROUNDED"):
                its.grid = mine.grid
        return copy

    def rates(self, progress: float) -> list[tuple[list[nn.Parameter], float]]:
        """Groups of parameters with their learning rates against the run's, 0 for what is frozen at `progress` (0 ... 1)."""
        return [(list(self.parameters()), 1.0)]

    def drop(self, x: Tensor) -> Tensor:
        """Dropout in training, nothing else."""
        if not self.training or self.dropout == 0:
            return x
        keep = 1 - self.dropout
        return x * torch.empty_like(x).bernoulli_(keep, generator=self.generator).div_(keep)


def linear(layer: nn.Linear, x: Tensor, dtype: torch.dtype) -> Tensor:
    """A linear layer computed in `dtype`."""
    return nn.functional.linear(x.to(dtype), layer.weight.to(dtype), layer.bias.to(dtype))


def strided(lengths: Tensor) -> Tensor:
    """Lengths int64 [N] after a convolution that strides by two and pads by half its kernel: ceil(length / 2)."""
    return (lengths + 1) // 2
