"""Networks by the names that checkpoints give them, and the shapes of the models by theirs."""

from pathlib import Path

import torch

from fake_quantize import round_weights
from front_ends import FRONT_ENDS, FrontEnd
from model import DeepSpeech2, Shape
from network import Network
from prune_units import shrink
from residual import ResidualGRU, ResidualShape
from separable import SeparableNetwork, SeparableShape
from whisper import WhisperCTC, WhisperShape

ARCHITECTURES = {
    "lstm": (DeepSpeech2, Shape),
    "residual-gru": (ResidualGRU, ResidualShape),
    "separable": (SeparableNetwork, SeparableShape),
    "whisper": (WhisperCTC, WhisperShape),
}

# The student has a fifth of the parameters of deepspeech2-lstm, deepspeech2-efficient about as many as the student.
MODELS = {
    "deepspeech2-lstm": Shape(),
    "deepspeech2-gru": ResidualShape(),
    "deepspeech2-student": Shape(units=128, layers=4),
    "deepspeech2-efficient": SeparableShape(),
    "whisper-ctc": WhisperShape(),
}


def architecture_of(shape) -> str:
    """Name of the architecture that a shape belongs to."""
    return next(name for name, (_, shape_class) in ARCHITECTURES.items() if isinstance(shape, shape_class))


def build(shape, dropout: float = 0.0) -> Network:
    """A network of a shape with new weights."""
    network_class, _ = ARCHITECTURES[architecture_of(shape)]
    return network_class(shape, dropout)


def shape_from(state: dict):
    """The shape that a checkpoint was trained with; the first ones named no architecture."""
    _, shape_class = ARCHITECTURES[state.get("architecture", "lstm")]
    return shape_class(**state["shape"])


def load_shape(run: Path):
    """The shape of the weights that a run has kept."""
    return shape_from(torch.load(run / "best.pt", map_location="cpu", weights_only=False))


def front_end_of(network: Network) -> FrontEnd:
    """What the network reads."""
    return FRONT_ENDS[network.shape.front_end]


def load_average(checkpoint: Path) -> tuple[Network, dict]:
    """The averaged weights of a checkpoint in evaluation mode, float32, and the checkpoint itself.

    What was trained to be rounded is rounded, what was trained to lose units has lost them.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)
    network = build(shape_from(state))
    network.load_state_dict(state["average"])
    if state.get("units_kept"):
        network = shrink(network, state["units_kept"])
    if state.get("grid"):
        round_weights(network, state["grid"])
    return network.eval(), state
