"""Write trained weights as ONNX, with every BatchNorm folded away.

    python export.py --run runs/deepspeech2-lstm [--checkpoint best.pt]

Tensors: `features` float32 [N, T, 161], `lengths` int64 [N] (frames of 10 ms) -> `log_probabilities` float32
[N, T', 29], `output_lengths` int64 [N] (steps of 40 ms). Padding is masked after each convolution and the LSTMs know
each utterance's length, so a padded batch equals its single utterances. The graph is built node by node instead of
traced: quantizers find each LSTM as one bidirectional `LSTM` node with its weights as initializers. Every weight is
rounded to a value that float16 holds exactly, so that the file can be stored in half the bytes without change.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from features import BINS
from model import CLIP, DeepSpeech2, Shape
from transcripts import LABELS

OPSET = 17
IR_VERSION = 8


def to_half_grid(values: torch.Tensor | np.ndarray) -> np.ndarray:
    """Float32 values rounded to the nearest that float16 represents; raises when one is beyond float16's range."""
    rounded = np.asarray(values, dtype=np.float32).astype(np.float16)
    if not np.isfinite(rounded).all():
        raise ValueError("weights: every value must be within float16's range, got one beyond 65504")
    return rounded.astype(np.float32)


def norm_scale_shift(norm: torch.nn.modules.batchnorm._BatchNorm) -> tuple[torch.Tensor, torch.Tensor]:
    """The scale and shift, float64 [channels] each, that a BatchNorm in evaluation amounts to."""
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return scale, norm.bias.double() - norm.running_mean.double() * scale


def to_onnx_gates(weight: torch.Tensor) -> torch.Tensor:
    """Rows of PyTorch's gates (input, forget, cell, output) in ONNX's order (input, output, forget, cell)."""
    input_gate, forget_gate, cell_gate, output_gate = weight.chunk(4)
    return torch.cat([input_gate, output_gate, forget_gate, cell_gate])


class GraphBuilder:
    """Collects nodes and initializers of one graph."""

    def __init__(self):
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def weight(self, name: str, values) -> str:
        """A float32 initializer on the float16 grid."""
        self.initializers.append(numpy_helper.from_array(to_half_grid(values), name))
        return name

    def integers(self, name: str, values: list[int] | int) -> str:
        """An int64 initializer."""
        self.initializers.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes) -> str:
        """A node with one output; node and output share their name."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output


def add_convolution(graph: GraphBuilder, name: str, x: str, lengths: str, block) -> tuple[str, str]:
    """Folded convolution, clip and mask; returns the names of its output and of the halved lengths."""
    scale, shift = norm_scale_shift(block.norm)
    kernel = block.convolution.weight.double() * scale[:, None, None, None]
    vertical, horizontal = block.convolution.padding
    weights = [graph.weight(f"{name}.weight", kernel), graph.weight(f"{name}.bias", shift)]
    x = graph.node("Conv", [x, *weights], f"{name}.conv", kernel_shape=list(kernel.shape[2:]),
                   strides=list(block.convolution.stride), pads=[vertical, horizontal, vertical, horizontal])
    x = graph.node("Clip", [x, "clip.low", "clip.high"], f"{name}.clip")
    lengths = graph.node("Div", [graph.node("Add", [lengths, "one"], f"{name}.length_plus_one"), "two"],
                         f"{name}.lengths")
    shape = graph.node("Shape", [x], f"{name}.steps", start=3, end=4)
    steps = graph.node("Squeeze", [shape, "axis0"], f"{name}.step_count")
    positions = graph.node("Range", ["zero", steps, "one"], f"{name}.positions")
    column = graph.node("Unsqueeze", [lengths, "axis1"], f"{name}.length_column")
    inside = graph.node("Less", [positions, column], f"{name}.inside")
    mask = graph.node("Cast", [inside], f"{name}.mask", to=TensorProto.FLOAT)
    mask = graph.node("Unsqueeze", [mask, "axes12"], f"{name}.mask4")
    return graph.node("Mul", [x, mask], f"{name}.masked"), lengths


def add_lstm(graph: GraphBuilder, name: str, x: str, lengths32: str, layer, scale, shift) -> str:
    """One bidirectional LSTM whose input norm (`scale`, `shift`) is folded in; directions added, [T', N, units]."""
    input_weights, recurrent_weights, biases = [], [], []
    for direction in (layer.forward_direction, layer.backward_direction):
        weight = direction.input_weight.double()
        input_weights.append(to_onnx_gates(weight * scale))
        recurrent_weights.append(to_onnx_gates(direction.recurrent_weight.double()))
        bias = to_onnx_gates(direction.bias.double() + weight @ shift)
        biases.append(torch.cat([bias, torch.zeros_like(bias)]))
    weights = [
        graph.weight(f"{name}.W", torch.stack(input_weights)),
        graph.weight(f"{name}.R", torch.stack(recurrent_weights)),
        graph.weight(f"{name}.B", torch.stack(biases)),
    ]
    y = graph.node("LSTM", [x, *weights, lengths32], f"{name}.lstm", direction="bidirectional",
                   hidden_size=layer.forward_direction.units)
    return graph.node("ReduceSum", [y, "axis1"], f"{name}.sum", keepdims=0)


@torch.no_grad()
def build_onnx(model: DeepSpeech2) -> onnx.ModelProto:
    """The whole network in evaluation mode as a checked ONNX model, opset 17."""
    graph = GraphBuilder()
    for name, values in {"zero": 0, "one": 1, "two": 2, "axis0": [0], "axis1": [1], "axes12": [1, 2]}.items():
        graph.integers(name, values)
    graph.weight("clip.low", 0.0)
    graph.weight("clip.high", CLIP)

    x = graph.node("Transpose", ["features"], "features.by_bin", perm=[0, 2, 1])
    x = graph.node("Unsqueeze", [x, "axis1"], "features.image")
    lengths = "lengths"
    for index, block in enumerate(model.convolutions):
        x, lengths = add_convolution(graph, f"conv{index}", x, lengths, block)
    x = graph.node("Transpose", [x], "steps.first", perm=[3, 0, 1, 2])
    x = graph.node("Reshape", [x, graph.integers("flat", [0, 0, -1])], "steps.flat")
    lengths32 = graph.node("Cast", [lengths], "lengths.int32", to=TensorProto.INT32)
    width = model.layers[0].forward_direction.input_weight.shape[1]
    scale, shift = torch.ones(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64)
    for index, (layer, norm) in enumerate(zip(model.layers, model.norms)):
        x = add_lstm(graph, f"lstm{index}", x, lengths32, layer, scale, shift)
        scale, shift = norm_scale_shift(norm)
    weight = model.labels.weight.double()
    matrix = graph.weight("labels.weight", (weight * scale).T)
    bias = graph.weight("labels.bias", model.labels.bias.double() + weight @ shift)
    x = graph.node("Add", [graph.node("MatMul", [x, matrix], "labels.product"), bias], "labels.logits")
    x = graph.node("LogSoftmax", [x], "labels.by_step", axis=2)
    graph.node("Transpose", [x], "log_probabilities", perm=[1, 0, 2])
    graph.node("Identity", [lengths], "output_lengths")

    tensor = helper.make_tensor_value_info
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes, "deepspeech2",
            [tensor("features", TensorProto.FLOAT, ["N", "T", BINS]), tensor("lengths", TensorProto.INT64, ["N"])],
            [tensor("log_probabilities", TensorProto.FLOAT, ["N", "steps", len(LABELS)]),
             tensor("output_lengths", TensorProto.INT64, ["N"])],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="quantlab-training",
    )
    onnx.checker.check_model(proto, full_check=True)
    return proto


def load_average(checkpoint: Path) -> tuple[DeepSpeech2, dict]:
    """The averaged weights of a checkpoint in evaluation mode, float32, and the checkpoint itself."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=False)
    model = DeepSpeech2(Shape(**state["shape"]))
    model.load_state_dict(state["average"])
    return model.eval(), state


def main() -> None:
    """Read the checkpoint and write `model.onnx` and `SHA256` beside it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--checkpoint", default="best.pt")
    parser.add_argument("--output", type=Path, help="default: model.onnx in the run's folder")
    options = parser.parse_args()
    model, _ = load_average(options.run / options.checkpoint)
    contents = build_onnx(model).SerializeToString()
    output = options.output or options.run / "model.onnx"
    partial = output.with_suffix(".partial")
    partial.write_bytes(contents)
    partial.replace(output)
    digest = hashlib.sha256(contents).hexdigest()
    output.with_name("SHA256").write_text(f"{digest}  {output.name}\n")
    print(f"{output}: {len(contents)} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
