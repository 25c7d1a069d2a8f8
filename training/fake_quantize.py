"""Weights and activations rounded to eight bits in training, so that a network learns to live with it.

The grids are those of `quantlab quantize`: int8 weights symmetric about zero over -127 ... 127 (one scale a tensor, or
one a row of outputs), uint8 activations from the range that they have at run time, stretched to include zero. Values
are rounded in the forward pass, gradients pass as if they were not (straight-through: Bengio et al. 2013; training as
in Jacob et al. 2018). The state of a recurrent layer, which is quantized at every step at run time, stays float here.
A convolution's activations have ranges from calibration at run time, from each utterance here.
"""

from typing import Literal

import torch
from torch import Tensor

Granularity = Literal["tensor", "channel"]


def weight_scale(weight: Tensor, granularity: Granularity) -> Tensor:
    """Scales [rows, 1 ...] or [1, 1 ...] of a weight whose first axis is its outputs."""
    axes = tuple(range(1 if granularity == "channel" else 0, weight.dim()))
    largest = weight.detach().abs().amax(dim=axes, keepdim=True)
    return torch.where(largest > 0, largest / 127, torch.ones_like(largest))


def on_weight_grid(weight: Tensor, granularity: Granularity) -> Tensor:
    """The nearest values that int8 with these scales represents."""
    scale = weight_scale(weight, granularity)
    return torch.round(weight / scale) * scale


def on_activation_grid(x: Tensor, utterances: int) -> Tensor:
    """The nearest values that uint8 represents with a range for each utterance of x; `utterances` is their axis."""
    axes = tuple(axis for axis in range(x.dim()) if axis != utterances)
    low = x.amin(dim=axes, keepdim=True).clamp_max(0)
    scale = ((x.amax(dim=axes, keepdim=True).clamp_min(0) - low) / 255).clamp_min(1e-12)
    zero = torch.round(-low / scale)
    return (torch.clamp(torch.round(x / scale) + zero, 0, 255) - zero) * scale


class Grid:
    """Rounds weights and activations in the forward pass alone."""

    def __init__(self, granularity: Granularity):
        self.granularity: Granularity = granularity

    def weight(self, weight: Tensor) -> Tensor:
        """A weight, rounded; its gradient passes unchanged."""
        return weight + (on_weight_grid(weight.detach(), self.granularity) - weight.detach())

    def activation(self, x: Tensor, utterances: int) -> Tensor:
        """An activation with one utterance at each place of an axis, rounded; its gradient passes unchanged."""
        return x + (on_activation_grid(x.detach().float(), utterances) - x.detach()).to(x.dtype)


class _NoGrid(Grid):
    """Rounds nothing."""

    def __init__(self):
        pass

    def weight(self, weight: Tensor) -> Tensor:
        return weight

    def activation(self, x: Tensor, utterances: int) -> Tensor:
        return x


NO_GRID = _NoGrid()


@torch.no_grad()
def round_weights(network: torch.nn.Module, granularity: Granularity) -> None:
    """Put every weight that was rounded in training on its grid, for good."""
    for module in network.modules():
        for name in getattr(module, "ROUNDED", ()):
            weight = module.get_parameter(name)
            weight.copy_(on_weight_grid(weight, granularity))


def set_grid(network: torch.nn.Module, granularity: Granularity) -> None:
    """Let every part of a network that can, round what `quantlab quantize` will.

    Such parts name the weights in `ROUNDED` and ask their `grid`.
    """
    for module in network.modules():
        if hasattr(module, "ROUNDED"):
            module.grid = Grid(granularity)
