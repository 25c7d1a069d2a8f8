"""Graphs built node by node: quantizers find each layer as one node with its weights as initializers.

Every weight is rounded to a value that float16 holds exactly, and if it is on no grid of its own to bfloat16's eight
significant bits, too, so that a file can be stored in a third of the bytes without change.
"""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from transcripts import LABELS

OPSET = 17
IR_VERSION = 8


def to_half_grid(values: torch.Tensor | np.ndarray) -> np.ndarray:
    """Float32 values rounded to the nearest that float16 represents; raises when one is beyond float16's range."""
    rounded = np.asarray(values, dtype=np.float32).astype(np.float16)
    if not np.isfinite(rounded).all():
        raise ValueError("weights: every value must be within float16's range, got one beyond 65504")
    return rounded.astype(np.float32)


def to_eight_bits(values: np.ndarray) -> np.ndarray:
    """Float32 values rounded to the nearest, ties to even, with eight significant bits: those of bfloat16."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    last_kept = (bits >> 16) & 1
    return ((bits + 0x7FFF + last_kept) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def shorten_weights(graph: onnx.GraphProto) -> None:
    """Round all weights to eight significant bits, in place; single numbers stay as they are."""
    for initializer in graph.initializer:
        values = numpy_helper.to_array(initializer)
        if values.dtype == np.float32 and values.size > 1:
            initializer.CopyFrom(numpy_helper.from_array(to_eight_bits(values), initializer.name))


class GraphBuilder:
    """Collects nodes and initializers of one graph."""

    def __init__(self):
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        for name, values in {"zero": 0, "one": 1, "two": 2, "axis0": [0], "axis1": [1], "axis2": [2], "axes12": [1, 2]}.items():
            self.integers(name, values)

    def weight(self, name: str, values) -> str:
        """A float32 initializer on the float16 grid."""
        self.initializers.append(numpy_helper.from_array(to_half_grid(values), name))
        return name

    def exactly(self, name: str, value: float) -> str:
        """A float32 number that stays as it is: files in half precision keep single numbers in float32."""
        self.initializers.append(numpy_helper.from_array(np.float32(value), name))
        return name

    def integers(self, name: str, values: list[int] | int) -> str:
        """An int64 initializer."""
        self.initializers.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes) -> str:
        """A node with one output; node and output share their name."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def halved_lengths(self, name: str, lengths: str) -> str:
        """Lengths after a layer that reads every second frame: (lengths + 1) / 2."""
        sum_ = self.node("Add", [lengths, "one"], f"{name}.length_plus_one")
        return self.node("Div", [sum_, "two"], f"{name}.lengths")

    def mask(self, name: str, x: str, time_axis: int, lengths: str, axes: str) -> str:
        """Ones where a batch holds speech, zeros where it is padded; `axes`: where [N, T] gets axes of one to fit."""
        shape = self.node("Shape", [x], f"{name}.steps", start=time_axis, end=time_axis + 1)
        steps = self.node("Squeeze", [shape, "axis0"], f"{name}.step_count")
        positions = self.node("Range", ["zero", steps, "one"], f"{name}.positions")
        column = self.node("Unsqueeze", [lengths, "axis1"], f"{name}.length_column")
        inside = self.node("Less", [positions, column], f"{name}.inside")
        mask = self.node("Cast", [inside], f"{name}.mask", to=TensorProto.FLOAT)
        return self.node("Unsqueeze", [mask, axes], f"{name}.mask4")

    def linear(self, name: str, x: str, matrix, bias, output: str) -> str:
        """x times a matrix [inputs, outputs] plus a bias."""
        product = self.node("MatMul", [x, self.weight(f"{name}.weight", matrix)], f"{name}.product")
        return self.node("Add", [product, self.weight(f"{name}.bias", bias)], output)

    def to_image(self) -> str:
        """Features [N, T, bins] as pictures [N, 1, bins, T]."""
        by_bin = self.node("Transpose", ["features"], "features.by_bin", perm=[0, 2, 1])
        return self.node("Unsqueeze", [by_bin, "axis1"], "features.image")

    def to_steps(self, image: str) -> str:
        """Pictures [N, channels, bins, T] as steps [T, N, channels * bins]."""
        first = self.node("Transpose", [image], "steps.first", perm=[3, 0, 1, 2])
        return self.node("Reshape", [first, self.integers("flat", [0, 0, -1])], "steps.flat")

    def finish(self, name: str, bins: int, lengths: str) -> onnx.ModelProto:
        """The checked model, once a node `log_probabilities` was added; lengths: of the output."""
        self.node("Identity", [lengths], "output_lengths")
        tensor = helper.make_tensor_value_info
        proto = helper.make_model(
            helper.make_graph(
                self.nodes, name,
                [tensor("features", TensorProto.FLOAT, ["N", "T", bins]), tensor("lengths", TensorProto.INT64, ["N"])],
                [tensor("log_probabilities", TensorProto.FLOAT, ["N", "steps", len(LABELS)]),
                 tensor("output_lengths", TensorProto.INT64, ["N"])],
                self._read(),
            ),
            opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="quantlab-training",
        )
        onnx.checker.check_model(proto, full_check=True)
        return proto

    def _read(self) -> list[onnx.TensorProto]:
        """The initializers that some node reads."""
        read = {name for node in self.nodes for name in node.input}
        return [initializer for initializer in self.initializers if initializer.name in read]
