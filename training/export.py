"""Write trained weights as ONNX.

    python export.py --run runs/deepspeech2-lstm [--checkpoint best.pt]

Tensors: `features` float32 [N, T, bins], `lengths` int64 [N] (frames of 10 ms) -> `log_probabilities` float32
[N, T', 29], `output_lengths` int64 [N] (steps of 20 or 40 ms). Padding is masked after each convolution and recurrent
layers know each utterance's length, so a padded batch equals its single utterances.
"""

import argparse
import hashlib
from pathlib import Path

import onnx

from architectures import load_average
from export_gru import build_gru
from export_lstm import build_lstm
from export_separable import build_separable
from export_whisper import build_whisper
from model import DeepSpeech2
from network import Network
from onnx_graph import shorten_weights
from residual import ResidualGRU
from separable import SeparableNetwork
from whisper import WhisperCTC

BUILDERS = {DeepSpeech2: build_lstm, ResidualGRU: build_gru, SeparableNetwork: build_separable, WhisperCTC: build_whisper}


def build_onnx(model: Network, on_grid: bool = False) -> onnx.ModelProto:
    """The whole network in evaluation mode as a checked ONNX model, opset 17.

    on_grid: its weights are on a grid that it was trained for, and must stay there.
    """
    exported = BUILDERS[type(model)](model)
    if not on_grid:
        shorten_weights(exported.graph)
    return exported


def main() -> None:
    """Read the checkpoint and write `model.onnx` and `SHA256` beside it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--checkpoint", default="best.pt")
    parser.add_argument("--output", type=Path, help="default: model.onnx in the run's folder")
    options = parser.parse_args()
    model, state = load_average(options.run / options.checkpoint)
    contents = build_onnx(model, on_grid=bool(state.get("grid"))).SerializeToString()
    output = options.output or options.run / "model.onnx"
    partial = output.with_suffix(".partial")
    partial.write_bytes(contents)
    partial.replace(output)
    digest = hashlib.sha256(contents).hexdigest()
    output.with_name("SHA256").write_text(f"{digest}  {output.name}\n")
    print(f"{output}: {len(contents)} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
