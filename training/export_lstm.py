"""The LSTM network as ONNX, every BatchNorm folded away."""

import onnx
import torch
from onnx import TensorProto

from architectures import front_end_of
from fold import norm_scale_shift
from model import CLIP, DeepSpeech2
from onnx_graph import GraphBuilder


def to_onnx_gates(weight: torch.Tensor) -> torch.Tensor:
    """Rows of PyTorch's gates (input, forget, cell, output) in ONNX's order (input, output, forget, cell)."""
    input_gate, forget_gate, cell_gate, output_gate = weight.chunk(4)
    return torch.cat([input_gate, output_gate, forget_gate, cell_gate])


def add_convolution(graph: GraphBuilder, name: str, x: str, lengths: str, block) -> tuple[str, str]:
    """Folded convolution, clip and mask; returns the names of its output and of the halved lengths."""
    layer = block.convolution
    scale, shift = norm_scale_shift(block.norm, len(layer.weight))
    if layer.bias is not None:
        shift = shift + layer.bias.double()
    kernel = layer.weight.double() * scale[:, None, None, None]
    vertical, horizontal = layer.padding
    weights = [graph.weight(f"{name}.weight", kernel), graph.weight(f"{name}.bias", shift)]
    x = graph.node("Conv", [x, *weights], f"{name}.conv", kernel_shape=list(kernel.shape[2:]),
                   strides=list(layer.stride), pads=[vertical, horizontal, vertical, horizontal])
    x = graph.node("Clip", [x, "clip.low", "clip.high"], f"{name}.clip")
    lengths = graph.halved_lengths(name, lengths)
    return graph.node("Mul", [x, graph.mask(name, x, 3, lengths, "axes12")], f"{name}.masked"), lengths


def add_lstm(graph: GraphBuilder, name: str, x: str, lengths32: str, layer, scale, shift, factor=torch.nn.Identity()) -> str:
    """One bidirectional LSTM whose input norm (`scale`, `shift`) is folded in; directions added, [T', N, units]."""
    if not isinstance(factor, torch.nn.Identity):
        left = factor.weight.double()
        x = graph.node("MatMul", [x, graph.weight(f"{name}.W_left", (left * scale).T)], f"{name}.low_rank")
        scale, shift = torch.ones(len(left), dtype=torch.float64), left @ shift
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
def build_lstm(model: DeepSpeech2) -> onnx.ModelProto:
    """The network in evaluation mode."""
    graph = GraphBuilder()
    graph.weight("clip.low", 0.0)
    graph.weight("clip.high", CLIP)
    x, lengths = graph.to_image(), "lengths"
    for index, block in enumerate(model.convolutions):
        x, lengths = add_convolution(graph, f"conv{index}", x, lengths, block)
    x = graph.to_steps(x)
    lengths32 = graph.node("Cast", [lengths], "lengths.int32", to=TensorProto.INT32)
    scale, shift = torch.ones((), dtype=torch.float64), torch.zeros(model.inputs, dtype=torch.float64)
    for index, (factor, layer, norm) in enumerate(zip(model.factors, model.layers, model.norms)):
        x = add_lstm(graph, f"lstm{index}", x, lengths32, layer, scale, shift, factor)
        scale, shift = norm_scale_shift(norm, model.shape.units)
    weight = model.labels.weight.double()
    x = graph.linear("labels", x, (weight * scale).T, model.labels.bias.double() + weight @ shift, "labels.logits")
    x = graph.node("LogSoftmax", [x], "labels.by_step", axis=2)
    graph.node("Transpose", [x], "log_probabilities", perm=[1, 0, 2])
    return graph.finish("deepspeech2", front_end_of(model).bins, lengths)
