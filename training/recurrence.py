"""Bidirectional recurrent layers that are quick to train.

PyTorch hands an LSTM over padded sequences to oneDNN only when nothing is packed and, on processors with bfloat16
instructions, is several times quicker in that type. So each direction is one plain LSTM over the padded batch: the
backward one reads every utterance reversed *within its own length*, which keeps the padding at the end, where it
touches no real step. Weights stay float32; they are rounded to the computing type for each batch. On a GPU the same
calls are cuDNN's.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import native
from fake_quantize import NO_GRID
from gru_steps import GRUSteps


def reversal_index(lengths: Tensor, steps: int) -> Tensor:
    """Index [T, N] that reverses each sequence within its length and leaves its padding where it is.

    lengths: int64 [N], in steps; steps: T.
    """
    position = torch.arange(steps, device=lengths.device).unsqueeze(1)
    return torch.where(position < lengths, lengths - 1 - position, position)


def recurrent_dtype(x: Tensor, dtype: torch.dtype) -> torch.dtype:
    """What PyTorch's recurrences compute in when products are to be in `dtype`.

    Not all versions hand bfloat16 recurrences to cuDNN; in float32 their products still use TF32 (see device.py).
    """
    return torch.float32 if x.is_cuda and dtype == torch.bfloat16 else dtype


class Direction(nn.Module):
    """Weights of one LSTM direction in PyTorch's layout: gates input, forget, cell, output; one bias."""

    ROUNDED = ("input_weight", "recurrent_weight")

    def __init__(self, inputs: int, units: int):
        super().__init__()
        self.units = units
        self.grid = NO_GRID
        self.input_weight = nn.Parameter(torch.empty(4 * units, inputs))
        self.recurrent_weight = nn.Parameter(torch.empty(4 * units, units))
        self.bias = nn.Parameter(torch.zeros(4 * units))
        nn.init.xavier_uniform_(self.input_weight)
        for gate in self.recurrent_weight.data.chunk(4):
            nn.init.orthogonal_(gate)
        # A forget gate that starts open lets gradients through long utterances (Jozefowicz et al. 2015).
        self.bias.data[units : 2 * units] = 1.0

    def forward(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Outputs [T, N, units] in `dtype` of inputs [T, N, inputs]."""
        input_weight, recurrent_weight = self.grid.weight(self.input_weight), self.grid.weight(self.recurrent_weight)
        if self.training and not x.is_cuda and native.is_available(self.units, dtype):
            gates = F.linear(x.to(dtype), input_weight.to(dtype), self.bias.to(dtype))
            return native.RecurrentSteps.apply(gates, recurrent_weight.to(dtype))
        inner = recurrent_dtype(x, dtype)
        state = x.new_zeros(1, x.shape[1], self.units, dtype=inner)
        weights = [input_weight, recurrent_weight, self.bias, torch.zeros_like(self.bias)]
        weights = [weight.to(inner) for weight in weights]
        # (input, state, weights, has_biases, layers, dropout, train, bidirectional, batch_first)
        output, _, _ = torch.lstm(x.to(inner), (state, state), weights, True, 1, 0.0, self.training, False, False)
        return output.to(dtype)


class GRUDirection(nn.Module):
    """Weights of one GRU direction in PyTorch's layout: gates reset, update, new; two biases."""

    def __init__(self, inputs: int, units: int):
        super().__init__()
        self.units = units
        self.input_weight = nn.Parameter(torch.empty(3 * units, inputs))
        self.recurrent_weight = nn.Parameter(torch.empty(3 * units, units))
        self.input_bias = nn.Parameter(torch.zeros(3 * units))
        self.recurrent_bias = nn.Parameter(torch.zeros(3 * units))
        nn.init.xavier_uniform_(self.input_weight)
        for gate in self.recurrent_weight.data.chunk(3):
            nn.init.orthogonal_(gate)

    def forward(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Outputs [T, N, units] in `dtype` of inputs [T, N, inputs]."""
        if self.training and not x.is_cuda:
            gates = F.linear(x.to(dtype), self.input_weight.to(dtype), self.input_bias.to(dtype))
            if native.is_available(self.units, dtype):
                return native.RecurrentGRUSteps.apply(gates, self.recurrent_weight.to(dtype), self.recurrent_bias)
            return GRUSteps.apply(gates.float(), self.recurrent_weight.to(dtype), self.recurrent_bias).to(dtype)
        inner = recurrent_dtype(x, dtype)
        state = x.new_zeros(1, x.shape[1], self.units, dtype=inner)
        weights = [self.input_weight, self.recurrent_weight, self.input_bias, self.recurrent_bias]
        weights = [weight.to(inner) for weight in weights]
        output, _ = torch.gru(x.to(inner), state, weights, True, 1, 0.0, self.training, False, False)
        return output.to(dtype)


class Bidirectional(nn.Module):
    """Both directions over a padded batch: [T, N, units] each."""

    def __init__(self, direction: type, inputs: int, units: int):
        super().__init__()
        self.forward_direction = direction(inputs, units)
        self.backward_direction = direction(inputs, units)

    def both(self, x: Tensor, reversal: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Outputs [T, N, units] of each direction in the order of time; those of padded steps mean nothing.

        x: [T, N, inputs]; reversal: from reversal_index; dtype: what the products are computed in.
        """
        columns = torch.arange(x.shape[1], device=x.device).expand_as(reversal)
        forward = self.forward_direction(x, dtype)
        backward = self.backward_direction(x[reversal, columns], dtype)
        return forward, backward[reversal, columns]


class BidirectionalLSTM(Bidirectional):
    """Directions added (not concatenated) as in Deep Speech 2 (Amodei et al. 2016)."""

    def __init__(self, inputs: int, units: int):
        super().__init__(Direction, inputs, units)

    def forward(self, x: Tensor, reversal: Tensor, dtype: torch.dtype) -> Tensor:
        """Outputs [T, N, units]; arguments as of `both`."""
        forward, backward = self.both(x, reversal, dtype)
        return forward + backward


class BidirectionalGRU(Bidirectional):
    """Directions added, too: beside each other, as PyTorch has them, layers of 384 units had a third more weights."""

    def __init__(self, inputs: int, units: int):
        super().__init__(GRUDirection, inputs, units)

    def forward(self, x: Tensor, reversal: Tensor, dtype: torch.dtype) -> Tensor:
        """Outputs [T, N, units]; arguments as of `both`."""
        forward, backward = self.both(x, reversal, dtype)
        return forward + backward
