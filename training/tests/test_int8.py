"""Eight bits by ONNX Runtime's tool, for a network of products and for one of convolutions alone."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from architectures import build, front_end_of
from export import build_onnx
from int8 import quantize
from model import Shape
from separable import SeparableShape


@pytest.mark.parametrize(
    ("shape", "operators"),
    [
        (Shape(channels=2, units=16, layers=2), {"DynamicQuantizeLSTM": 2, "MatMulInteger": 1}),
        (SeparableShape(channels=16, repeats=2, wide=16, kernels=(5, 7)), {"Conv": 18, "DynamicQuantizeLSTM": 0}),
    ],
)
def test_what_becomes_integers(shape, operators, tmp_path):
    torch.manual_seed(0)
    network = build(shape).eval()
    onnx.save(build_onnx(network), tmp_path / "model.onnx")
    rng = np.random.default_rng(0)
    blocks = [rng.standard_normal((90, front_end_of(network).bins)).astype(np.float32) for _ in range(3)]
    quantize(tmp_path / "model.onnx", tmp_path / "int8.onnx", blocks)
    graph = onnx.load(tmp_path / "int8.onnx").graph
    made = [node.op_type for node in graph.node]
    assert {operator: made.count(operator) for operator in operators} == operators
    if "DynamicQuantizeLSTM" not in made:
        dequantized = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
        assert all(set(node.input[:2]) <= dequantized for node in graph.node if node.op_type == "Conv")
    feeds = {"features": blocks[0][None], "lengths": np.array([90])}
    float_output, int8_output = (
        onnxruntime.InferenceSession(str(tmp_path / name), providers=["CPUExecutionProvider"])
        .run(["log_probabilities"], feeds)[0] for name in ("model.onnx", "int8.onnx")
    )
    error = np.square(float_output - int8_output).mean() / float_output.var()
    assert error < 0.01
