"""The ONNX files against the networks they came from, with small random weights and lively norms."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from architectures import build, front_end_of
from export import build_onnx
from model import Shape
from network import Network
from onnx_graph import to_eight_bits
from recurrence import Bidirectional
from residual import ResidualShape
from separable import SeparableShape
from whisper import WhisperShape

TOLERANCE = 1e-4  # in log-probability, float32


SHAPES = {
    "lstm": Shape(channels=4, units=24, layers=3),
    "gru": ResidualShape(channels=3, blocks=2, units=16, layers=3),
    "separable": SeparableShape(channels=24, repeats=2, wide=32, kernels=(5, 7)),
    "whisper": WhisperShape(width=24, heads=6, encoder_layers=2, units=16),
}


@pytest.fixture(scope="module", params=SHAPES)
def network(request) -> Network:
    torch.manual_seed(1)
    model = build(SHAPES[request.param])
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 2.0)
        if isinstance(module, (torch.nn.modules.batchnorm._BatchNorm, torch.nn.LayerNorm)):
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.3, 0.3)
    return model.eval()


@pytest.fixture(scope="module")
def exported(network) -> onnx.ModelProto:
    return build_onnx(network)


@pytest.fixture(scope="module")
def session(exported) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])


def run(session, features, lengths):
    return session.run(["log_probabilities", "output_lengths"], {"features": features, "lengths": lengths})


def test_onnx_equals_pytorch_up_to_the_rounding_of_weights(network, session):
    features = np.random.default_rng(2).standard_normal((1, 131, front_end_of(network).bins)).astype(np.float32)
    lengths = np.array([131])
    with torch.no_grad():
        expected, steps = network(torch.from_numpy(features), torch.from_numpy(lengths))
    got, got_steps = run(session, features, lengths)
    assert got_steps.tolist() == steps.tolist() == network.output_lengths(torch.from_numpy(lengths)).tolist()
    # Weights differ by rounding to eight significant bits, 2^-9 of their size.
    assert np.abs(got - expected.numpy()).max() < 4e-2


def test_padded_batch_equals_single_utterances(network, session):
    rng = np.random.default_rng(3)
    lengths = np.array([97, 60, 131, 1])
    bins = front_end_of(network).bins
    features = np.zeros((4, 131, bins), dtype=np.float32)
    for row, length in zip(features, lengths):
        row[:length] = rng.standard_normal((length, bins))
    batch, steps = run(session, features, lengths)
    assert steps.tolist() == network.output_lengths(torch.from_numpy(lengths)).tolist()
    for index, length in enumerate(lengths):
        single, _ = run(session, features[index : index + 1, :length], lengths[index : index + 1])
        assert np.abs(batch[index, : steps[index]] - single[0]).max() < TOLERANCE


def test_windows_of_30_s_are_those_of_pytorch():
    torch.manual_seed(6)
    network = build(SHAPES["whisper"]).eval()
    features, lengths = torch.randn(2, 3300, 80), torch.tensor([3300, 700])
    session = onnxruntime.InferenceSession(build_onnx(network).SerializeToString(), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected, steps = network(features, lengths)
    got, _ = run(session, features.numpy(), lengths.numpy())
    for row, mine, count in zip(got, expected.numpy(), steps):
        assert np.abs(row[:count] - mine[:count]).max() < 4e-2


def test_pytorch_padded_batch_equals_single_utterances(network):
    torch.manual_seed(4)
    lengths = torch.tensor([97, 60, 131])
    features = torch.zeros(3, 131, front_end_of(network).bins)
    for row, length in zip(features, lengths):
        row[:length].normal_()
    with torch.no_grad():
        batch, steps = network(features, lengths)
        for index, length in enumerate(lengths):
            single, _ = network(features[index : index + 1, :length], lengths[index : index + 1])
            assert (batch[index, : steps[index]] - single[0]).abs().max() < TOLERANCE


def test_every_weight_is_a_float16_of_eight_significant_bits(exported):
    for initializer in exported.graph.initializer:
        values = numpy_helper.to_array(initializer)
        if values.dtype == np.float32 and values.size > 1:
            assert np.array_equal(values.astype(np.float16).astype(np.float32), values), initializer.name
            assert np.array_equal(torch.from_numpy(values.copy()).bfloat16().float().numpy(), values), initializer.name


def test_eight_bits_are_those_of_bfloat16():
    values = np.random.default_rng(7).standard_normal(10_000).astype(np.float32) * 10.0 ** np.arange(-5, 5).repeat(1000)
    values = np.concatenate([values, [0, 1 + 2**-8, 1 + 3 * 2**-8]]).astype(np.float32)
    assert np.array_equal(to_eight_bits(values), torch.from_numpy(values).bfloat16().float().numpy())


def test_layers_are_single_nodes_with_initializers(network, exported):
    names = {initializer.name for initializer in exported.graph.initializer}
    operators = [node.op_type for node in exported.graph.node]
    assert "BatchNormalization" not in operators
    for node in exported.graph.node:
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type in ("LSTM", "GRU"):
            assert attributes["direction"].s == b"bidirectional"
            assert set(node.input[1:4]) <= names
        if node.op_type == "GRU":
            assert attributes["linear_before_reset"].i == 1
        if node.op_type == "Conv":
            assert set(node.input[1:]) <= names
    recurrent = sum(operator in ("LSTM", "GRU") for operator in operators)
    assert recurrent == sum(isinstance(module, Bidirectional) for module in network.modules())
