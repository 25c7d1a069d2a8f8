"""A bidirectional LSTM layer that is quick to train on a CPU.

PyTorch hands an LSTM over padded sequences to oneDNN only when nothing is packed and, on processors with bfloat16
instructions, is several times quicker in that type. So each direction is one plain LSTM over the padded batch: the
backward one reads every utterance reversed *within its own length*, which keeps the padding at the end, where it
touches no real step. Weights stay float32; they are rounded to the computing type for each batch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import native


def reversal_index(lengths: Tensor, steps: int) -> Tensor:
    """Index [T, N] that reverses each sequence within its length and leaves its padding where it is.

    lengths: int64 [N], in steps; steps: T.
    """
    position = torch.arange(steps).unsqueeze(1)
    return torch.where(position < lengths, lengths - 1 - position, position)


class Direction(nn.Module):
    """Weights of one direction in PyTorch's layout: gates input, forget, cell, output; one bias."""

    def __init__(self, inputs: int, units: int):
        super().__init__()
        self.units = units
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
        if self.training and native.is_available(self.units, dtype):
            gates = F.linear(x.to(dtype), self.input_weight.to(dtype), self.bias.to(dtype))
            return native.RecurrentSteps.apply(gates, self.recurrent_weight.to(dtype))
        state = x.new_zeros(1, x.shape[1], self.units, dtype=dtype)
        weights = [self.input_weight, self.recurrent_weight, self.bias, torch.zeros_like(self.bias)]
        weights = [weight.to(dtype) for weight in weights]
        # (input, state, weights, has_biases, layers, dropout, train, bidirectional, batch_first)
        output, _, _ = torch.lstm(x.to(dtype), (state, state), weights, True, 1, 0.0, self.training, False, False)
        return output


class BidirectionalLSTM(nn.Module):
    """Both directions over a padded batch, added (not concatenated) as in Deep Speech 2 (Amodei et al. 2016)."""

    def __init__(self, inputs: int, units: int):
        super().__init__()
        self.forward_direction = Direction(inputs, units)
        self.backward_direction = Direction(inputs, units)

    def forward(self, x: Tensor, reversal: Tensor, dtype: torch.dtype) -> Tensor:
        """Outputs [T, N, units]; those of padded steps mean nothing.

        x: [T, N, inputs]; reversal: from reversal_index; dtype: what the products are computed in.
        """
        columns = torch.arange(x.shape[1]).expand_as(reversal)
        forward = self.forward_direction(x, dtype)
        backward = self.backward_direction(x[reversal, columns], dtype)
        return forward + backward[reversal, columns]
