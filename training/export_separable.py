"""The separable convolutions as ONNX, every BatchNorm folded into the 1x1 convolution before it; see separable.py."""

import onnx
import torch

from architectures import front_end_of
from fold import norm_scale_shift
from onnx_graph import GraphBuilder
from separable import SeparableNetwork


def add_convolution(graph: GraphBuilder, name: str, x: str, layer, norm=None) -> str:
    """A convolution over time, its norm folded in."""
    weight, inputs = layer.weight.double(), [x]
    bias = None if layer.bias is None else layer.bias.double()
    if norm is not None:
        scale, bias = norm_scale_shift(norm, len(weight))
        weight = weight * scale[:, None, None]
    inputs.append(graph.weight(f"{name}.weight", weight))
    if bias is not None:
        inputs.append(graph.weight(f"{name}.bias", bias))
    [padding], [stride], [dilation], [kernel] = layer.padding, layer.stride, layer.dilation, layer.kernel_size
    return graph.node("Conv", inputs, f"{name}.conv", kernel_shape=[kernel], strides=[stride], dilations=[dilation],
                      pads=[padding, padding], group=layer.groups)


def add_separable(graph: GraphBuilder, name: str, x: str, layer) -> str:
    """Convolution of each channel, then over channels."""
    x = add_convolution(graph, f"{name}.depthwise", x, layer.depthwise)
    return add_convolution(graph, f"{name}.pointwise", x, layer.pointwise, layer.norm)


@torch.no_grad()
def build_separable(model: SeparableNetwork) -> onnx.ModelProto:
    """The network in evaluation mode."""
    graph = GraphBuilder()
    x = graph.node("Transpose", ["features"], "features.by_bin", perm=[0, 2, 1])
    x = graph.node("Relu", [add_separable(graph, "first", x, model.first)], "first.relu")
    lengths = graph.halved_lengths("first", "lengths")
    x = graph.node("Mul", [x, graph.mask("first", x, 2, lengths, "axis1")], "second.masked")
    x = graph.node("Relu", [add_separable(graph, "second", x, model.second)], "second.relu")
    lengths = graph.halved_lengths("second", lengths)
    mask = graph.mask("second", x, 2, lengths, "axis1")
    for index, (block, shortcut) in enumerate(zip(model.blocks, model.shortcuts)):
        around = add_convolution(graph, f"block{index}.shortcut", x, shortcut.pointwise, shortcut.norm)
        for step, layer in enumerate(block):
            name = f"block{index}.{step}"
            x = add_separable(graph, name, graph.node("Mul", [x, mask], f"{name}.masked"), layer)
            if step == len(block) - 1:
                x = graph.node("Add", [x, around], f"{name}.sum")
            x = graph.node("Relu", [x], f"{name}.relu")
    x = add_separable(graph, "last", graph.node("Mul", [x, mask], "last.masked"), model.last)
    x = graph.node("Relu", [x], "last.relu")
    x = graph.node("Relu", [add_convolution(graph, "wide", x, model.wide, model.wide_norm)], "wide.relu")
    x = add_convolution(graph, "labels", x, model.labels)
    x = graph.node("Transpose", [x], "labels.logits", perm=[0, 2, 1])
    graph.node("LogSoftmax", [x], "log_probabilities", axis=2)
    return graph.finish("deepspeech2-efficient", front_end_of(model).bins, lengths)
