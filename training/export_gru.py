"""The residual network with GRUs as ONNX; see residual.py."""

import math

import onnx
import torch
from onnx import TensorProto

from architectures import front_end_of
from onnx_graph import GraphBuilder
from residual import ResidualGRU


def to_onnx_gates(weight: torch.Tensor) -> torch.Tensor:
    """Rows of PyTorch's gates (reset, update, new) in ONNX's order (update, reset, hidden)."""
    reset, update, new = weight.chunk(3)
    return torch.cat([update, reset, new])


def add_norm(graph: GraphBuilder, name: str, x: str, norm) -> str:
    """LayerNorm over the last axis."""
    weights = [graph.weight(f"{name}.weight", norm.weight), graph.weight(f"{name}.bias", norm.bias)]
    return graph.node("LayerNormalization", [x, *weights], name, axis=-1, epsilon=norm.eps)


def add_gelu(graph: GraphBuilder, name: str, x: str) -> str:
    """The exact GELU in the five nodes that runtimes fuse."""
    erf = graph.node("Erf", [graph.node("Div", [x, "sqrt2"], f"{name}.scaled")], f"{name}.erf")
    product = graph.node("Mul", [x, graph.node("Add", [erf, "unit"], f"{name}.sum")], f"{name}.product")
    return graph.node("Mul", [product, "half"], name)


def add_convolution(graph: GraphBuilder, name: str, x: str, layer) -> str:
    """A 3x3 convolution."""
    weights = [graph.weight(f"{name}.weight", layer.weight), graph.weight(f"{name}.bias", layer.bias)]
    return graph.node("Conv", [x, *weights], f"{name}.conv", kernel_shape=[3, 3], strides=list(layer.stride),
                      pads=[1, 1, 1, 1])


def add_half_block(graph: GraphBuilder, name: str, x: str, mask: str, half) -> str:
    """LayerNorm over frequency, GELU, mask and convolution."""
    by_time = graph.node("Transpose", [x], f"{name}.by_time", perm=[0, 1, 3, 2])
    normal = add_gelu(graph, f"{name}.gelu", add_norm(graph, f"{name}.norm", by_time, half.norm))
    by_bin = graph.node("Transpose", [normal], f"{name}.by_bin", perm=[0, 1, 3, 2])
    masked = graph.node("Mul", [by_bin, mask], f"{name}.masked")
    return add_convolution(graph, name, masked, half.convolution)


def add_gru(graph: GraphBuilder, name: str, x: str, lengths32: str, layer) -> str:
    """One bidirectional GRU whose reset gate works after the product; directions added, [T', N, units]."""
    directions = (layer.forward_direction, layer.backward_direction)

    def stacked(*names: str) -> torch.Tensor:
        return torch.stack([torch.cat([to_onnx_gates(getattr(d, name)) for name in names]) for d in directions])

    weights = [
        graph.weight(f"{name}.W", stacked("input_weight")),
        graph.weight(f"{name}.R", stacked("recurrent_weight")),
        graph.weight(f"{name}.B", stacked("input_bias", "recurrent_bias")),
    ]
    y = graph.node("GRU", [x, *weights, lengths32], f"{name}.gru", direction="bidirectional",
                   hidden_size=directions[0].units, linear_before_reset=1)
    return graph.node("ReduceSum", [y, "axis1"], f"{name}.sum", keepdims=0)


@torch.no_grad()
def build_gru(model: ResidualGRU) -> onnx.ModelProto:
    """The network in evaluation mode."""
    graph = GraphBuilder()
    for name, value in {"sqrt2": math.sqrt(2), "unit": 1.0, "half": 0.5}.items():
        graph.exactly(name, value)
    x = add_convolution(graph, "conv0", graph.to_image(), model.first)
    lengths = graph.halved_lengths("conv0", "lengths")
    heard = graph.mask("conv0", x, 3, lengths, "axes12")
    x = add_convolution(graph, "conv1", graph.node("Mul", [add_gelu(graph, "conv0.gelu", x), heard], "conv0.masked"), model.second)
    lengths = graph.halved_lengths("conv1", lengths)
    mask = graph.mask("conv1", x, 3, lengths, "axes12")
    for index, halves in enumerate(model.blocks):
        inner = x
        for half_index, half in enumerate(halves):
            inner = add_half_block(graph, f"block{index}.{half_index}", inner, mask, half)
        x = graph.node("Add", [inner, x], f"block{index}.sum")
    x = graph.linear("front", graph.to_steps(x), model.front.weight.T, model.front.bias, "front.linear")
    lengths32 = graph.node("Cast", [lengths], "lengths.int32", to=TensorProto.INT32)
    for index, (norm, layer) in enumerate(zip(model.norms, model.layers)):
        x = add_gelu(graph, f"gru{index}.gelu", add_norm(graph, f"gru{index}.norm", x, norm))
        x = add_gru(graph, f"gru{index}", x, lengths32, layer)
    x = graph.linear("classifier", x, model.classifier.weight.T, model.classifier.bias, "classifier.linear")
    x = add_gelu(graph, "classifier.gelu", x)
    x = graph.linear("labels", x, model.labels.weight.T, model.labels.bias, "labels.logits")
    x = graph.node("LogSoftmax", [x], "labels.by_step", axis=2)
    graph.node("Transpose", [x], "log_probabilities", perm=[1, 0, 2])
    return graph.finish("deepspeech2", front_end_of(model).bins, lengths)
