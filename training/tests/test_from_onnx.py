"""What is exported, and what quantlab makes of it, comes back as the network that it was."""

import subprocess
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from export import build_onnx
from fold import fold
from from_onnx import read_lstm
from prune_units import UnitPruner
from test_continuations import COMMAND, SMALL, lively, listen


def exported(tmp_path, shape=SMALL):
    model = lively(shape)
    path = tmp_path / "model.onnx"
    onnx.save(build_onnx(model), path)
    return model, path


def test_an_exported_network_comes_back(tmp_path):
    model, path = exported(tmp_path)
    back = read_lstm(path).eval()
    assert back.shape == replace(model.shape, folded=True)
    # The export rounds to eight significant bits.
    assert torch.allclose(listen(back), listen(fold(model)), atol=0.05)
    onnx.save(build_onnx(back), tmp_path / "again.onnx")
    again = read_lstm(tmp_path / "again.onnx").eval()
    assert torch.allclose(listen(again), listen(back), atol=1e-5)


@pytest.mark.skipif(not COMMAND.exists(), reason="the command line is not built")
def test_two_factors_come_back_and_are_exported_as_two(tmp_path):
    _, path = exported(tmp_path)
    low = tmp_path / "low.onnx"
    subprocess.run(["node", COMMAND, "quantize", path, "-o", low, "--recipe", "low-rank", "--rank", "3"], check=True,
                   capture_output=True)
    back = read_lstm(low).eval()
    assert back.shape.ranks == (3, 3)
    import onnxruntime

    features = np.random.default_rng(2).standard_normal((2, 60, 161)).astype(np.float32)
    lengths = np.array([60, 60])

    def run(file):
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        return torch.from_numpy(session.run(["log_probabilities"], {"features": features, "lengths": lengths})[0])

    assert torch.allclose(listen(back), run(low), atol=1e-4)
    onnx.save(build_onnx(back, on_grid=True), tmp_path / "again.onnx")
    assert torch.allclose(run(tmp_path / "again.onnx"), run(low), atol=2e-3)
    with pytest.raises(ValueError, match="whole input weights"):
        UnitPruner(back, 2)


def test_other_networks_are_refused(tmp_path):
    model, path = exported(tmp_path)
    proto = onnx.load(path)
    for node in proto.graph.node:
        if node.op_type == "LSTM":
            node.op_type = "GRU"
    onnx.save(proto, tmp_path / "gru.onnx")
    with pytest.raises(ValueError, match="gru.onnx: two convolutions and LSTM layers"):
        read_lstm(tmp_path / "gru.onnx")
