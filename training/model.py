"""Deep Speech 2 with LSTMs: two convolutions over the spectrogram, bidirectional LSTM layers, letters.

Amodei et al. 2016 ("Deep Speech 2"), made smaller. Each output step stands for 40 ms: both convolutions stride by
two in time, which halves the cost of the recurrent layers against 20 ms.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fake_quantize import NO_GRID
from front_ends import FRONT_ENDS, inside
from network import Network, strided
from recurrence import BidirectionalLSTM, reversal_index
from transcripts import LABELS

CLIP = 20.0


@dataclass(frozen=True)
class Shape:
    """Sizes of a network: `channels` of the convolutions, `units` a direction, number of recurrent `layers`.

    folded: every BatchNorm is part of the weights beside it (see fold.py).
    ranks: of each recurrent layer's input weights where they are two factors, 0 where they are whole; () where all are.
    """

    channels: int = 16
    units: int = 384
    layers: int = 3
    front_end: str = "log-spectrogram"
    folded: bool = False
    ranks: tuple[int, ...] = ()

    def as_dict(self) -> dict:
        """Plain values, for checkpoints."""
        return asdict(self)


class Convolution(nn.Module):
    """Convolution, BatchNorm, clipped ReLU, and zeros where the utterance has ended.

    Kernel and stride are (frequency, time). The input is [N, channels, frequency, time].
    """

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int], folded: bool = False):
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride=(2, 2), padding=padding, bias=folded)
        self.norm = nn.Identity() if folded else nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, lengths: Tensor, dtype: torch.dtype) -> Tensor:
        """Output [N, outputs, ceil(F / 2), ceil(T / 2)]; lengths: int64 [N], of the output."""
        layer = self.convolution
        bias = None if layer.bias is None else layer.bias.to(dtype)
        x = F.conv2d(x.to(dtype), layer.weight.to(dtype), bias, stride=layer.stride, padding=layer.padding)
        x = self.norm(x).clamp(0.0, CLIP)
        return x * inside(lengths, x.shape[-1])[:, None, None, :].to(x.dtype)


class DeepSpeech2(Network):
    """Features to log-probabilities of labels."""

    time_stride = 4
    ROUNDED = ("labels.weight",)

    def __init__(self, shape: Shape, dropout: float = 0.0):
        super().__init__(shape, dropout)
        channels, folded = shape.channels, shape.folded
        self.convolutions = nn.ModuleList(
            [Convolution(1, channels, (41, 11), folded), Convolution(channels, channels, (21, 11), folded)]
        )
        bins = ((FRONT_ENDS[shape.front_end].bins + 1) // 2 + 1) // 2  # 161 -> 81 -> 41
        self.inputs = shape.channels * bins
        inputs = [self.inputs] + [shape.units] * (shape.layers - 1)
        ranks = shape.ranks or (0,) * shape.layers
        self.factors = nn.ModuleList(
            [nn.Linear(width, rank, bias=False) if rank else nn.Identity() for width, rank in zip(inputs, ranks, strict=True)]
        )
        self.layers = nn.ModuleList([BidirectionalLSTM(rank or width, shape.units) for width, rank in zip(inputs, ranks)])
        # Sequence-wise BatchNorm between the recurrent layers and before the labels (Deep Speech 2, section 3.2).
        self.norms = nn.ModuleList(
            [nn.Identity() if folded else nn.BatchNorm1d(shape.units) for _ in range(shape.layers)]
        )
        self.labels = nn.Linear(shape.units, len(LABELS))
        self.grid = NO_GRID

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Steps of 40 ms, int64 [N], for lengths in frames of 10 ms."""
        return strided(strided(lengths))

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities float32 [N, T', labels] and their lengths int64 [N].

        features: float32 [N, T, bins], zero where padded; lengths: int64 [N], in frames.
        """
        dtype = self.compute_dtype
        x = features.transpose(1, 2).unsqueeze(1)
        for convolution in self.convolutions:
            lengths = strided(lengths)
            x = convolution(x, lengths, dtype)
        x = x.flatten(1, 2).permute(2, 0, 1)  # [T', N, channels * bins]
        reversal = reversal_index(lengths, x.shape[0])
        mask = inside(lengths, x.shape[0]).t().unsqueeze(2).to(dtype)
        for factor, layer, norm in zip(self.factors, self.layers, self.norms):
            x = x if isinstance(factor, nn.Identity) else F.linear(x.to(dtype), factor.weight.to(dtype))
            x = layer(self.grid.activation(x, utterances=1), reversal, dtype) * mask
            x = self.drop(norm(x.flatten(0, 1)).view_as(x))
        logits = F.linear(self.grid.activation(x.float(), utterances=1), self.grid.weight(self.labels.weight), self.labels.bias)
        return logits.log_softmax(dim=2).transpose(0, 1), lengths
