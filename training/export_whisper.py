"""Whisper's encoder and the CTC head as ONNX; see whisper.py."""

import math

import onnx
import torch
from onnx import TensorProto

from architectures import front_end_of
from export_gru import add_gelu, add_norm
from export_lstm import add_lstm
from onnx_graph import GraphBuilder
from whisper import SILENCE, SILENCE_DEPTH, UNHEARD, EncoderLayer, WhisperCTC

def add_convolution(graph: GraphBuilder, name: str, x: str, lengths: str, layer) -> str:
    """A convolution over time of [N, channels, T], GELU, zeros where the utterance has ended; lengths: of the output."""
    weights = [graph.weight(f"{name}.weight", layer.weight), graph.weight(f"{name}.bias", layer.bias)]
    x = graph.node("Conv", [x, *weights], f"{name}.conv", kernel_shape=[3], strides=list(layer.stride), pads=[1, 1])
    mask = graph.mask(name, x, 2, lengths, "axis1")
    return graph.node("Mul", [add_gelu(graph, f"{name}.gelu", x), mask], f"{name}.masked")


def add_layer(graph: GraphBuilder, name: str, x: str, unheard: str, layer: EncoderLayer) -> str:
    """Self-attention and the feed-forward part; unheard: what is added to the scores, [N, 1, T, T]."""

    def linear(part: str, x: str, weight, bias) -> str:
        return graph.linear(f"{name}.{part}", x, weight.T, bias, f"{name}.{part}.sum")

    normal = add_norm(graph, f"{name}.attention_norm", x, layer.attention_norm)
    heads = []
    # The query's scale is a power of two: no weight loses anything.
    scale = layer.attention_out.in_features / layer.heads
    parts = zip(("query", "key", "value"), layer.attention_in.weight.chunk(3), layer.attention_in.bias.chunk(3),
                (scale**-0.5, 1, 1), ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]))
    for part, weight, bias, factor, order in parts:
        flat = linear(part, normal, weight * factor, bias * factor)
        split = graph.node("Reshape", [flat, graph.integers(f"{name}.{part}.heads", [0, 0, layer.heads, -1])], f"{name}.{part}.split")
        heads.append(graph.node("Transpose", [split], f"{name}.{part}.by_head", perm=order))
    query, key, value = heads
    scores = graph.node("Add", [graph.node("MatMul", [query, key], f"{name}.scores"), unheard], f"{name}.heard_scores")
    mixed = graph.node("MatMul", [graph.node("Softmax", [scores], f"{name}.shares", axis=3), value], f"{name}.mixed")
    by_step = graph.node("Transpose", [mixed], f"{name}.mixed_by_step", perm=[0, 2, 1, 3])
    joined = graph.node("Reshape", [by_step, graph.integers(f"{name}.joined_heads", [0, 0, -1])], f"{name}.joined")
    attended = linear("attention_out", joined, layer.attention_out.weight, layer.attention_out.bias)
    x = graph.node("Add", [x, attended], f"{name}.attended")
    inner = add_norm(graph, f"{name}.feed_norm", x, layer.feed_norm)
    inner = add_gelu(graph, f"{name}.gelu", linear("feed_in", inner, layer.feed_in.weight, layer.feed_in.bias))
    return graph.node("Add", [x, linear("feed_out", inner, layer.feed_out.weight, layer.feed_out.bias)], f"{name}.output")


def add_silence(graph: GraphBuilder) -> tuple[str, str]:
    """Features followed by silence as `append_silence` does it, and the lengths then."""
    recorded = graph.mask("recorded", "features", 1, "lengths", "axis2")
    below = graph.node("Mul", [graph.node("Sub", ["unit", recorded], "silence.outside"), "unheard"], "silence.below")
    values = graph.node("Add", [graph.node("Mul", ["features", recorded], "silence.heard"), below], "silence.values")
    floor = graph.node("Sub", [graph.node("ReduceMax", [values], "silence.loudest", axes=[1, 2]), "depth"], "silence.floor")
    frames = graph.integers("silence.frames", [0, 0, 0, 0, SILENCE, 0])
    lengths = graph.node("Add", ["lengths", graph.integers("silence.count", SILENCE)], "silence.lengths")
    longer, mask = (graph.node("Pad", [x, frames], f"silence.{x}") for x in ("silence.heard", recorded))
    followed = graph.mask("followed", longer, 1, lengths, "axis2")
    tail = graph.node("Mul", [graph.node("Sub", [followed, mask], "silence.appended"), floor], "silence.tail")
    return graph.node("Add", [longer, tail], "silence.features"), lengths


def add_pairs(graph: GraphBuilder, x: str) -> str:
    """Steps [N, T, width] two by two, [ceil(T / 2), N, 2 * width]; a last one alone is followed by zeros."""
    longer = graph.node("Pad", [x, graph.integers("one_step", [0, 0, 0, 0, 1, 0])], "pairs.longer")
    even = graph.node("Shape", [longer], "pairs.steps", start=1, end=2)
    half = graph.node("Div", [even, "two"], "pairs.count")
    end = graph.node("Mul", [half, "two"], "pairs.end")
    cut = graph.node("Slice", [longer, "axis0", end, "axis1"], "pairs.even")
    pairs = graph.node("Reshape", [cut, graph.node("Concat", ["axis0", half, graph.integers("rest", [-1])], "pairs.shape", axis=0)],
                       "pairs.joined")
    return graph.node("Transpose", [pairs], "pairs.by_step", perm=[1, 0, 2])


def add_positions(graph: GraphBuilder, x: str, positions: torch.Tensor) -> tuple[str, str]:
    """x [N, T, width] plus position encodings that begin anew in each window; and UNHEARD between windows, 0 within, [T, T]."""
    steps = graph.node("Shape", [x], "positions.steps", start=1, end=2)
    window = graph.integers("window", len(positions))
    last = graph.node("Div", [graph.node("Sub", [steps, "one"], "positions.last"), window], "positions.last_window")
    repeats = graph.node("Concat", [graph.node("Add", [last, "one"], "positions.windows"), "axis1"], "positions.repeats", axis=0)
    table = graph.node("Tile", [graph.weight("positions.table", positions), repeats], "positions.tiled")
    cut = graph.node("Slice", [table, "axis0", steps, "axis0"], "positions.cut")
    count = graph.node("Squeeze", [steps, "axis0"], "positions.count")
    of_step = graph.node("Div", [graph.node("Range", ["zero", count, "one"], "positions.range"), window], "positions.window")
    same = graph.node("Equal", [graph.node("Unsqueeze", [of_step, "axis1"], "positions.window_column"), of_step], "positions.same")
    apart = graph.node("Sub", ["unit", graph.node("Cast", [same], "positions.within", to=TensorProto.FLOAT)], "positions.apart")
    return graph.node("Add", [x, cut], "positions.sum"), graph.node("Mul", [apart, "unheard"], "positions.unheard")


@torch.no_grad()
def build_whisper(model: WhisperCTC) -> onnx.ModelProto:
    """The network in evaluation mode."""
    graph, encoder = GraphBuilder(), model.encoder
    for name, value in {"sqrt2": math.sqrt(2), "unit": 1.0, "half": 0.5, "unheard": UNHEARD, "depth": SILENCE_DEPTH}.items():
        graph.exactly(name, value)
    x, lengths = add_silence(graph)
    x = graph.node("Transpose", [x], "features.by_bin", perm=[0, 2, 1])
    x = add_convolution(graph, "conv1", x, lengths, encoder.conv1)
    lengths = graph.halved_lengths("conv2", lengths)
    x = add_convolution(graph, "conv2", x, lengths, encoder.conv2)
    x, apart = add_positions(graph, graph.node("Transpose", [x], "conv2.by_step", perm=[0, 2, 1]), encoder.positions)
    outside = graph.node("Sub", ["unit", graph.mask("attention", x, 1, lengths, "axes12")], "attention.outside")
    unheard = graph.node("Add", [graph.node("Mul", [outside, "unheard"], "attention.outside_unheard"), apart], "attention.unheard")
    for index, layer in enumerate(encoder.layers):
        x = add_layer(graph, f"layer{index}", x, unheard, layer)
    mask = graph.mask("encoder", x, 1, lengths, "axis2")
    x = graph.node("Mul", [add_norm(graph, "encoder.norm", x, encoder.norm), mask], "encoder.masked")
    x = add_pairs(graph, x)
    lengths = graph.halved_lengths("pairs", lengths)
    lengths32 = graph.node("Cast", [lengths], "lengths.int32", to=TensorProto.INT32)
    width = 2 * model.shape.width
    x = add_lstm(graph, "lstm", x, lengths32, model.lstm, torch.ones(width, dtype=torch.float64), torch.zeros(width, dtype=torch.float64))
    x = graph.linear("labels", x, model.labels.weight.T, model.labels.bias, "labels.logits")
    x = graph.node("LogSoftmax", [x], "labels.by_step", axis=2)
    graph.node("Transpose", [x], "log_probabilities", perm=[1, 0, 2])
    return graph.finish("whisper-ctc", front_end_of(model).bins, lengths)
