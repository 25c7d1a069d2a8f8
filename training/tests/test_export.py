"""The ONNX file against the network it came from, with small random weights and lively BatchNorm statistics."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from export import build_onnx
from model import DeepSpeech2, Shape

TOLERANCE = 1e-4  # in log-probability, float32


@pytest.fixture(scope="module")
def network() -> DeepSpeech2:
    torch.manual_seed(1)
    model = DeepSpeech2(Shape(channels=4, units=24, layers=3))
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 2.0)
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
    features = np.random.default_rng(2).standard_normal((1, 131, 161)).astype(np.float32)
    lengths = np.array([131])
    with torch.no_grad():
        expected, steps = network(torch.from_numpy(features), torch.from_numpy(lengths))
    got, got_steps = run(session, features, lengths)
    assert got_steps.tolist() == steps.tolist() == [33]
    # Weights differ by float16's rounding, 2^-11 of their size.
    assert np.abs(got - expected.numpy()).max() < 1e-2


def test_padded_batch_equals_single_utterances(session):
    rng = np.random.default_rng(3)
    lengths = np.array([97, 60, 131, 1])
    features = np.zeros((4, 131, 161), dtype=np.float32)
    for row, length in zip(features, lengths):
        row[:length] = rng.standard_normal((length, 161))
    batch, steps = run(session, features, lengths)
    assert steps.tolist() == [25, 15, 33, 1]
    for index, length in enumerate(lengths):
        single, _ = run(session, features[index : index + 1, :length], lengths[index : index + 1])
        assert np.abs(batch[index, : steps[index]] - single[0]).max() < TOLERANCE


def test_pytorch_padded_batch_equals_single_utterances(network):
    torch.manual_seed(4)
    lengths = torch.tensor([97, 60, 131])
    features = torch.zeros(3, 131, 161)
    for row, length in zip(features, lengths):
        row[:length].normal_()
    with torch.no_grad():
        batch, steps = network(features, lengths)
        for index, length in enumerate(lengths):
            single, _ = network(features[index : index + 1, :length], lengths[index : index + 1])
            assert (batch[index, : steps[index]] - single[0]).abs().max() < TOLERANCE


def test_every_weight_is_a_float16(exported):
    for initializer in exported.graph.initializer:
        values = numpy_helper.to_array(initializer)
        if values.dtype == np.float32:
            assert np.array_equal(values.astype(np.float16).astype(np.float32), values), initializer.name


def test_recurrent_layers_are_bidirectional_lstm_nodes_with_initializers(exported):
    names = {initializer.name for initializer in exported.graph.initializer}
    layers = [node for node in exported.graph.node if node.op_type == "LSTM"]
    assert len(layers) == 3
    for node in layers:
        attributes = {attribute.name: attribute for attribute in node.attribute}
        assert attributes["direction"].s == b"bidirectional"
        assert set(node.input[1:4]) <= names
    assert not any(node.op_type == "BatchNormalization" for node in exported.graph.node)
