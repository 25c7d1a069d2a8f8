"""One-dimensional time-channel separable convolutions: QuartzNet (Kriman et al. 2020, arXiv:1910.10261), made smaller.

Every layer is a convolution over time of each channel by itself, a 1x1 convolution over channels, BatchNorm and ReLU:
all of it can be quantized statically. Five blocks repeat such layers with a residual connection around each. Two layers
stride by two before them, QuartzNet's one and one more, so that an output step stands for 40 ms; the kernels have half
of QuartzNet's steps and the same milliseconds.
"""

from dataclasses import asdict, dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from fake_quantize import NO_GRID
from front_ends import FRONT_ENDS, inside
from network import Network, strided
from transcripts import LABELS


@dataclass(frozen=True)
class SeparableShape:
    """Sizes: `channels` of the blocks, `repeats` in each, `wide` channels before the labels, `kernels` (steps)."""

    channels: int = 192
    repeats: int = 5
    wide: int = 384
    kernels: tuple[int, ...] = (17, 19, 25, 31, 37)
    front_end: str = "log-spectrogram"

    def as_dict(self) -> dict:
        """Plain values, for checkpoints."""
        return asdict(self)


class Convolution(nn.Conv1d):
    """A convolution over time that can be trained for eight bits.

    With a scale for each output channel, a BatchNorm after it changes the scales alone when it is folded in: what is
    rounded here are the integers of the exported weights.
    """

    ROUNDED = ("weight",)

    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options)
        self.grid = NO_GRID

    def forward(self, x: Tensor) -> Tensor:
        """Output in the type of x [N, channels, T]."""
        weight = self.grid.weight(self.weight).to(x.dtype)
        bias = None if self.bias is None else self.bias.to(x.dtype)
        x = self.grid.activation(x, utterances=0)
        return F.conv1d(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)


class Separable(nn.Module):
    """Convolution over time of each channel, 1x1 convolution, BatchNorm, of [N, channels, T]; padding must be zero."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1):
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        self.depthwise = Convolution(
            inputs, inputs, kernel, stride, padding, dilation=dilation, groups=inputs, bias=False
        )
        self.pointwise = Convolution(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Output [N, outputs, T or ceil(T / 2)]."""
        return self.norm(self.pointwise(self.depthwise(x)))


class Shortcut(nn.Module):
    """1x1 convolution and BatchNorm around a block."""

    def __init__(self, channels: int):
        super().__init__()
        self.pointwise = Convolution(channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Output like the input."""
        return self.norm(self.pointwise(x))


class SeparableNetwork(Network):
    """Features to log-probabilities of labels."""

    time_stride = 4

    def __init__(self, shape: SeparableShape, dropout: float = 0.0):
        super().__init__(shape, dropout)
        channels = shape.channels
        self.first = Separable(FRONT_ENDS[shape.front_end].bins, channels, shape.kernels[0], stride=2)
        self.second = Separable(channels, channels, shape.kernels[0], stride=2)
        self.blocks = nn.ModuleList(
            nn.ModuleList(Separable(channels, channels, kernel) for _ in range(shape.repeats))
            for kernel in shape.kernels
        )
        self.shortcuts = nn.ModuleList(Shortcut(channels) for _ in shape.kernels)
        self.last = Separable(channels, shape.wide, shape.kernels[-1] + 6, dilation=2)
        self.wide = Convolution(shape.wide, shape.wide, 1, bias=False)
        self.wide_norm = nn.BatchNorm1d(shape.wide)
        self.labels = Convolution(shape.wide, len(LABELS), 1)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Steps of 40 ms, int64 [N], for lengths in frames of 10 ms."""
        return strided(strided(lengths))

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities float32 [N, T', labels] and their lengths int64 [N].

        features: float32 [N, T, bins], zero where padded; lengths: int64 [N], in frames.
        """
        dtype = self.compute_dtype
        x = F.relu(self.first(features.transpose(1, 2).to(dtype)))
        lengths = strided(lengths)
        x = self.drop(F.relu(self.second(x * inside(lengths, x.shape[-1]).unsqueeze(1).to(dtype))))
        lengths = strided(lengths)
        mask = inside(lengths, x.shape[-1]).unsqueeze(1).to(dtype)
        for block, shortcut in zip(self.blocks, self.shortcuts):
            around = shortcut(x)
            for layer in block[:-1]:
                x = self.drop(F.relu(layer(x * mask)))
            x = self.drop(F.relu(block[-1](x * mask) + around))
        x = self.drop(F.relu(self.last(x * mask)))
        x = self.drop(F.relu(self.wide_norm(self.wide(x))))
        return self.labels(x.float()).permute(0, 2, 1).log_softmax(dim=2), lengths
