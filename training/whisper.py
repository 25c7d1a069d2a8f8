"""Whisper's encoder as ears for CTC: log-mel to letters, the encoder's weights to begin with.

Radford et al. 2022 ("Robust Speech Recognition via Large-Scale Weak Supervision", arXiv:2212.04356). Its encoder takes
any length: position encodings are cut, and every 30 s, which is what Whisper reads, are a window of their own. It is used to silence after the recorded part, and gets half a second. Its outputs, 20 ms apart, go two by two into one bidirectional LSTM
whose steps of 40 ms are labelled. Padding is masked in convolutions and attention, so a padded batch equals its
single utterances.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import whisper_mel
from front_ends import FRONT_ENDS, inside
from network import Network, linear, strided
from recurrence import BidirectionalLSTM, reversal_index
from transcripts import LABELS
from whisper_weights import encoder_state

WINDOW = 1500  # steps of 20 ms: 30 s
# Added to the scores of what is not attended to: its share is exactly zero, and float16 can hold it.
UNHEARD = -1e4
SILENCE = 50  # frames appended
# How far silence lies below the loudest value.
SILENCE_DEPTH = whisper_mel.RANGE_DECADES / whisper_mel.SCALE
# When the encoder's layers begin to be trained, as fractions of a run: from the top, once the head has settled. Each begins
# gently, over WARM_UP of the run. The first layer and the convolutions stay as they are.
THAWED_AT = {"layers.3": 0.06, "layers.2": 0.09, "layers.1": 0.35}
FROZEN = ("layers.0", "conv")
WARM_UP = 0.03
# Learning rate of the encoder's last layer against the head's, and of each layer against the one above it.
ENCODER_RATE = 0.15
RATE_DECAY = 0.8


@dataclass(frozen=True)
class WhisperShape:
    """Sizes: of the encoder, as tiny.en has them, and `units` of the LSTM, a direction."""

    width: int = 384
    heads: int = 6
    encoder_layers: int = 4
    units: int = 320
    front_end: str = "whisper-log-mel"

    def as_dict(self) -> dict:
        """Plain values, for checkpoints."""
        return asdict(self)


def position_encodings(width: int) -> Tensor:
    """Whisper's sinusoids, float32 [WINDOW, width]: sines, then cosines, of wave lengths from 2π to 20,000π."""
    rates = torch.exp(-math.log(10_000) / (width // 2 - 1) * torch.arange(width // 2, dtype=torch.float64))
    angles = torch.arange(WINDOW, dtype=torch.float64).unsqueeze(1) * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()


def append_silence(features: Tensor, lengths: Tensor) -> Tensor:
    """Features [N, T + SILENCE, bins] whose utterances are each followed by silence, then zeros; lengths: int64 [N], of the utterances."""
    outside = ~inside(lengths, features.shape[1]).unsqueeze(2)
    floor = features.masked_fill(outside, -torch.inf).amax((1, 2), keepdim=True) - SILENCE_DEPTH
    longer = F.pad(features, (0, 0, 0, SILENCE))
    recorded, all_ = (inside(count, longer.shape[1]).unsqueeze(2) for count in (lengths, lengths + SILENCE))
    return longer * recorded + floor * (all_ & ~recorded)


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward part, each after its norm and added to what it read."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.feed_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention_in, self.attention_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed_in, self.feed_out = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, heard: Tensor, dtype: torch.dtype) -> Tensor:
        """Output [N, T, width]; heard: bool [N, 1, T, T], which step may attend to which."""
        mixed = linear(self.attention_in, self.attention_norm(x), dtype)
        query, key, value = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in mixed.chunk(3, dim=2))
        # Plainly: in bfloat16 on a processor its gradient takes half the time of PyTorch's fused attention.
        scores = (query * query.shape[3] ** -0.5) @ key.transpose(2, 3)
        mixed = scores.masked_fill(~heard, UNHEARD).softmax(dim=3) @ value
        x = x + linear(self.attention_out, mixed.transpose(1, 2).flatten(2), dtype)
        return x + linear(self.feed_out, F.gelu(linear(self.feed_in, self.feed_norm(x), dtype)), dtype)


class WhisperEncoder(nn.Module):
    """Log-mel [N, T, 80] to [N, ceil(T / 2), width]."""

    def __init__(self, shape: WhisperShape):
        super().__init__()
        self.conv1 = nn.Conv1d(FRONT_ENDS[shape.front_end].bins, shape.width, 3, padding=1)
        self.conv2 = nn.Conv1d(shape.width, shape.width, 3, stride=2, padding=1)
        self.register_buffer("positions", position_encodings(shape.width), persistent=False)
        self.layers = nn.ModuleList([EncoderLayer(shape.width, shape.heads) for _ in range(shape.encoder_layers)])
        self.norm = nn.LayerNorm(shape.width)

    def forward(self, features: Tensor, lengths: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Outputs and their lengths int64 [N]; features: zero where padded, lengths: in frames."""
        x = features.transpose(1, 2)
        for convolution in (self.conv1, self.conv2):
            lengths = lengths if convolution is self.conv1 else strided(lengths)
            x = F.conv1d(x.to(dtype), convolution.weight.to(dtype), convolution.bias.to(dtype), convolution.stride, 1)
            heard = inside(lengths, x.shape[2])
            x = F.gelu(x) * heard.unsqueeze(1)
        window = torch.arange(x.shape[2], device=x.device) // WINDOW
        heard = heard[:, None, None, :] & (window.unsqueeze(1) == window)
        x = x.transpose(1, 2).float() + self.positions.repeat(-(-x.shape[2] // WINDOW), 1)[: x.shape[2]]
        for layer in self.layers:
            x = layer(x, heard, dtype)
        return self.norm(x), lengths


class WhisperCTC(Network):
    """Features to log-probabilities of labels."""

    time_stride = 4

    def __init__(self, shape: WhisperShape, dropout: float = 0.0):
        super().__init__(shape, dropout)
        self.encoder = WhisperEncoder(shape)
        self.lstm = BidirectionalLSTM(2 * shape.width, shape.units)
        self.labels = nn.Linear(shape.units, len(LABELS))

    def load_encoder(self, path: Path) -> None:
        """Begin with Whisper's weights; path: see whisper_weights.py."""
        self.encoder.load_state_dict(encoder_state(path, self.shape.encoder_layers))

    def rates(self, progress: float) -> list[tuple[list[nn.Parameter], float]]:
        """The head, each layer from the top, what stays frozen."""
        parts: dict[str, list[nn.Parameter]] = {name: [] for name in ("head", *THAWED_AT, *FROZEN)}
        for name, parameter in self.named_parameters():
            part = next((part for part in parts if name.startswith(f"encoder.{part}")), "head")
            parts[part].append(parameter)
        thawed = {
            name: ENCODER_RATE * RATE_DECAY**depth * min(max((progress - start) / WARM_UP, 0.0), 1.0)
            for depth, (name, start) in enumerate(THAWED_AT.items())
        }
        return [(parameters, {"head": 1.0, **dict.fromkeys(FROZEN, 0.0), **thawed}[name]) for name, parameters in parts.items()]

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Steps of 40 ms, int64 [N], for lengths in frames of 10 ms; those of the silence are among them."""
        return strided(strided(lengths + SILENCE))

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities float32 [N, T', labels] and their lengths int64 [N].

        features: float32 [N, T, 80], zero where padded; lengths: int64 [N], in frames.
        """
        dtype = self.compute_dtype
        x, lengths = self.encoder(append_silence(features, lengths), lengths + SILENCE, dtype)
        x = self.drop(x) * inside(lengths, x.shape[1]).unsqueeze(2)
        x = F.pad(x, (0, 0, 0, x.shape[1] % 2)).unflatten(1, (-1, 2)).flatten(2).transpose(0, 1)  # [T', N, 2 * width]
        lengths = strided(lengths)
        x = self.lstm(x, reversal_index(lengths, x.shape[0]), dtype)
        logits = self.labels(self.drop(x.float()))
        return logits.log_softmax(dim=2).transpose(0, 1), lengths
