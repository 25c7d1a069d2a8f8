"""Deep Speech 2 with LSTMs: two convolutions over the spectrogram, bidirectional LSTM layers, letters.

Amodei et al. 2016 ("Deep Speech 2"), made smaller. Each output step stands for 40 ms: both convolutions stride by
two in time, which halves the cost of the recurrent layers against 20 ms.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from features import BINS
from recurrence import BidirectionalLSTM, reversal_index
from transcripts import LABELS

CLIP = 20.0


@dataclass(frozen=True)
class Shape:
    """Sizes of a network: `channels` of the convolutions, `units` a direction, number of recurrent `layers`."""

    channels: int = 16
    units: int = 384
    layers: int = 3

    def as_dict(self) -> dict:
        """Plain values, for checkpoints."""
        return asdict(self)


def strided(lengths: Tensor) -> Tensor:
    """Lengths int64 [N] after a convolution that strides by two and pads by half its kernel: ceil(length / 2)."""
    return (lengths + 1) // 2


class Convolution(nn.Module):
    """Convolution, BatchNorm, clipped ReLU, and zeros where the utterance has ended.

    Kernel and stride are (frequency, time). The input is [N, channels, frequency, time].
    """

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int]):
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride=(2, 2), padding=padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, lengths: Tensor, dtype: torch.dtype) -> Tensor:
        """Output [N, outputs, ceil(F / 2), ceil(T / 2)]; lengths: int64 [N], of the output."""
        weight = self.convolution.weight.to(dtype)
        x = F.conv2d(x.to(dtype), weight, stride=self.convolution.stride, padding=self.convolution.padding)
        x = self.norm(x).clamp(0.0, CLIP)
        mask = torch.arange(x.shape[-1]) < lengths.unsqueeze(1)
        return x * mask[:, None, None, :].to(x.dtype)


class DeepSpeech2(nn.Module):
    """Features to log-probabilities of labels.

    `compute_dtype` is what products are computed in: bfloat16 halves the time of training on processors that have
    it; evaluation and export use float32.
    """

    def __init__(self, shape: Shape, dropout: float = 0.0):
        super().__init__()
        self.shape = shape
        self.compute_dtype = torch.float32
        self.convolutions = nn.ModuleList(
            [Convolution(1, shape.channels, (41, 11)), Convolution(shape.channels, shape.channels, (21, 11))]
        )
        bins = ((BINS + 1) // 2 + 1) // 2  # 161 -> 81 -> 41
        inputs = [shape.channels * bins] + [shape.units] * (shape.layers - 1)
        self.layers = nn.ModuleList([BidirectionalLSTM(width, shape.units) for width in inputs])
        # Sequence-wise BatchNorm between the recurrent layers and before the labels (Deep Speech 2, section 3.2).
        self.norms = nn.ModuleList([nn.BatchNorm1d(shape.units) for _ in range(shape.layers)])
        self.dropout = dropout
        # Dropout draws from here, so that several threads training shards of a batch stay repeatable.
        self.generator = torch.Generator()
        self.labels = nn.Linear(shape.units, len(LABELS))

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Steps of 40 ms, int64 [N], for lengths in frames of 10 ms."""
        return strided(strided(lengths))

    def _drop(self, x: Tensor) -> Tensor:
        if not self.training or self.dropout == 0:
            return x
        keep = 1 - self.dropout
        return x * torch.empty_like(x).bernoulli_(keep, generator=self.generator).div_(keep)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities float32 [N, T', labels] and their lengths int64 [N].

        features: float32 [N, T, 161], zero where padded; lengths: int64 [N], in frames.
        """
        dtype = self.compute_dtype
        x = features.transpose(1, 2).unsqueeze(1)
        for convolution in self.convolutions:
            lengths = strided(lengths)
            x = convolution(x, lengths, dtype)
        x = x.flatten(1, 2).permute(2, 0, 1)  # [T', N, channels * bins]
        reversal = reversal_index(lengths, x.shape[0])
        mask = (torch.arange(x.shape[0]).unsqueeze(1) < lengths).unsqueeze(2).to(dtype)
        for layer, norm in zip(self.layers, self.norms):
            x = layer(x, reversal, dtype) * mask
            x = self._drop(norm(x.flatten(0, 1)).view_as(x))
        logits = self.labels(x.float())
        return logits.log_softmax(dim=2).transpose(0, 1), lengths
