"""Weights and activations rounded in training, so that a network learns to live with it.

The grids are those of `quantlab quantize`: int8 weights symmetric about zero over -127 ... 127 (one scale a tensor, or
one a row of outputs), or weights of four bits (recipe `bits-4`: a range for each 128 weights of a row), uint8 activations from the range that they have at run time, stretched to include zero. Values
are rounded in the forward pass, gradients pass as if they were not (straight-through: Bengio et al. 2013; training as
in Jacob et al. 2018). The state of a recurrent layer, which is quantized at every step at run time, stays float here.
A convolution's activations have ranges from calibration at run time, from each utterance here.
"""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

Granularity = Literal["tensor", "channel", "bits-4"]
GRANULARITIES: tuple[Granularity, ...] = get_args(Granularity)
BLOCK = 128


def weight_scale(weight: Tensor, granularity: Granularity) -> Tensor:
    """Scales [rows, 1 ...] or [1, 1 ...] of a weight whose first axis is its outputs."""
    axes = tuple(range(1 if granularity == "channel" else 0, weight.dim()))
    largest = weight.detach().abs().amax(dim=axes, keepdim=True)
    return torch.where(largest > 0, largest / 127, torch.ones_like(largest))


def on_weight_grid(weight: Tensor, granularity: Granularity) -> Tensor:
    """The nearest values that are represented: int8 with these scales, or four bits a block."""
    if granularity == "bits-4":
        return on_four_bits(weight)
    scale = weight_scale(weight, granularity)
    return torch.round(weight / scale) * scale


def on_four_bits(weight: Tensor) -> Tensor:
    """The nearest of 16 values whose range spans zero and the block, BLOCK inputs of a row; weight [rows, inputs]."""
    rows, inputs = weight.shape
    padded = F.pad(weight, (0, -inputs % BLOCK))
    return on_spanned_grid(padded.view(rows, -1, BLOCK), (2,), 15).reshape(rows, -1)[:, :inputs]


def on_spanned_grid(x: Tensor, axes: tuple[int, ...], top: int) -> Tensor:
    """The nearest of top + 1 values over zero and the range of x along some axes."""
    low = x.amin(dim=axes, keepdim=True).clamp_max(0)
    scale = ((x.amax(dim=axes, keepdim=True).clamp_min(0) - low) / top).clamp_min(1e-12)
    zero = torch.round(-low / scale)
    return (torch.clamp(torch.round(x / scale) + zero, 0, top) - zero) * scale


def on_activation_grid(x: Tensor, utterances: int) -> Tensor:
    """The nearest values that uint8 represents with a range for each utterance of x; `utterances` is their axis."""
    return on_spanned_grid(x, tuple(axis for axis in range(x.dim()) if axis != utterances), 255)


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
