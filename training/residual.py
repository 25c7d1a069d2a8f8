"""Residual convolutions and GRUs: a common PyTorch form of Deep Speech 2.

Two 3x3 convolutions that stride by two, residual blocks of two 3x3 convolutions each after LayerNorm over frequency
and GELU, a linear layer; then bidirectional GRU layers, LayerNorm and GELU before each, their directions added; two
linear layers. `quantlab model build --front residual` builds the form of the sources: with one stride, an output step of
20 ms, and the directions beside each other. Ours takes half the time to train and a quarter fewer weights.
"""

from dataclasses import asdict, dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from front_ends import FRONT_ENDS, inside
from network import Network, linear, strided
from recurrence import BidirectionalGRU, reversal_index
from transcripts import LABELS


@dataclass(frozen=True)
class ResidualShape:
    """Sizes: `channels` of the convolutions, residual `blocks`, `units` a direction, number of recurrent `layers`."""

    channels: int = 32
    blocks: int = 3
    units: int = 384
    layers: int = 3
    front_end: str = "log-mel"

    def as_dict(self) -> dict:
        """Plain values, for checkpoints."""
        return asdict(self)


class NormalisedConvolution(nn.Module):
    """LayerNorm over frequency, GELU, zeros where the utterance has ended, 3x3 convolution of [N, channels, F, T]."""

    def __init__(self, channels: int, lines: int):
        super().__init__()
        self.norm = nn.LayerNorm(lines)
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Output like the input; mask: [N, 1, 1, T]. The norm's bias would fill the padding, hence the mask."""
        layer, dtype = self.convolution, x.dtype
        normal = F.gelu(self.norm(x.transpose(2, 3).float())).transpose(2, 3).to(dtype) * mask
        return F.conv2d(normal, layer.weight.to(dtype), layer.bias.to(dtype), padding=1)


class ResidualGRU(Network):
    """Features to log-probabilities of labels."""

    time_stride = 4

    def __init__(self, shape: ResidualShape, dropout: float = 0.0):
        super().__init__(shape, dropout)
        lines = ((FRONT_ENDS[shape.front_end].bins + 1) // 2 + 1) // 2
        self.first = nn.Conv2d(1, shape.channels, 3, stride=2, padding=1)
        self.second = nn.Conv2d(shape.channels, shape.channels, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(
            nn.ModuleList(NormalisedConvolution(shape.channels, lines) for _ in range(2)) for _ in range(shape.blocks)
        )
        self.front = nn.Linear(shape.channels * lines, shape.units)
        self.norms = nn.ModuleList(nn.LayerNorm(shape.units) for _ in range(shape.layers))
        self.layers = nn.ModuleList(BidirectionalGRU(shape.units, shape.units) for _ in range(shape.layers))
        self.classifier = nn.Linear(shape.units, shape.units)
        self.labels = nn.Linear(shape.units, len(LABELS))

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Steps of 40 ms, int64 [N], for lengths in frames of 10 ms."""
        return strided(strided(lengths))

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities float32 [N, T', labels] and their lengths int64 [N].

        features: float32 [N, T, bins], zero where padded; lengths: int64 [N], in frames.
        """
        dtype = self.compute_dtype
        x = features.transpose(1, 2).unsqueeze(1).to(dtype)
        x = F.conv2d(x, self.first.weight.to(dtype), self.first.bias.to(dtype), stride=2, padding=1)
        lengths = strided(lengths)
        x = F.gelu(x) * inside(lengths, x.shape[-1])[:, None, None, :].to(dtype)
        x = F.conv2d(x, self.second.weight.to(dtype), self.second.bias.to(dtype), stride=2, padding=1)
        lengths = strided(lengths)
        mask = inside(lengths, x.shape[-1])[:, None, None, :].to(dtype)
        for first, second in self.blocks:
            x = x + self.drop(second(first(x, mask), mask))
        x = linear(self.front, x.flatten(1, 2).permute(2, 0, 1), dtype)  # [T', N, units]
        reversal = reversal_index(lengths, x.shape[0])
        for norm, layer in zip(self.norms, self.layers):
            x = self.drop(layer(F.gelu(norm(x.float())), reversal, dtype))
        x = self.drop(F.gelu(linear(self.classifier, x, dtype)))
        return self.labels(x.float()).log_softmax(dim=2).transpose(0, 1), lengths
