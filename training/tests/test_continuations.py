"""Distillation, rounding and pruning on tiny networks."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from architectures import build
from batches import collate
from cache import CachedUtterance
from export import build_onnx
from fake_quantize import on_activation_grid, on_weight_grid, round_weights, set_grid, weight_scale
from fold import fold
from int8 import quantize
from model import Shape
from objective import Distillation, Recognition, stretched
from posteriors import listen as listen_to_all
from prune_units import UnitPruner, shrink
from prune_weights import WeightPruner, cubic_share
from separable import SeparableShape

SMALL = Shape(channels=3, units=16, layers=2)
COMMAND = Path(__file__).parents[2] / "dist" / "cli.js"


def lively(shape=SMALL, seed: int = 1):
    torch.manual_seed(seed)
    model = build(shape)
    for norm in model.modules():
        if isinstance(norm, torch.nn.modules.batchnorm._BatchNorm):
            norm.running_mean.uniform_(-0.3, 0.3)
            norm.running_var.uniform_(0.5, 2.0)
            norm.weight.data.uniform_(0.5, 1.5)
            norm.bias.data.uniform_(-0.3, 0.3)
    return model.eval()


def listen(model, features=None):
    if features is None:
        features = torch.from_numpy(np.random.default_rng(2).standard_normal((2, 60, 161)).astype(np.float32))
    with torch.no_grad():
        return model(features, torch.tensor([60, 60]))[0]


def test_four_bits_have_sixteen_values_a_block_and_lose_no_more_than_half_a_step():
    weight = torch.randn(3, 300, generator=torch.Generator().manual_seed(7))
    rounded = on_weight_grid(weight, "bits-4")
    for row, to in zip(weight, rounded):
        for block, values in zip(row.split(128), to.split(128)):
            step = (block.max().clamp_min(0) - block.min().clamp_max(0)) / 15
            assert len(values.unique()) <= 16
            assert (values - block).abs().max() <= step * (1 + 1e-5)
            assert ((values - block).abs() <= step / 2 * (1 + 1e-5)).float().mean() > 0.9
    assert torch.allclose(on_weight_grid(rounded, "bits-4"), rounded, atol=1e-5)


def test_folded_network_computes_the_same():
    model = lively()
    assert torch.allclose(listen(fold(model)), listen(model), atol=1e-4)


def batch(teacher=None):
    rng = np.random.default_rng(3)
    plain = collate([rng.standard_normal((n, 161)).astype(np.float32) for n in (60, 44)], ["yes no", "go"])
    if teacher is None:
        return plain
    with torch.no_grad():
        said, _ = teacher(plain.features, plain.lengths)
    return replace(plain, posteriors=said, recorded=plain.lengths)


def test_distillation_of_weight_0_is_ctc_and_a_student_that_agrees_adds_nothing():
    student, teacher = lively(), lively(seed=5)
    plain = Recognition().loss(student, batch())
    taught = batch(teacher)
    assert Distillation(weight=0.0, temperature=2.0).loss(student, taught).item() == pytest.approx(plain.item())
    agreeing = Distillation(weight=0.25, temperature=2.0).loss(student, batch(lively()))
    assert agreeing.item() == pytest.approx(0.75 * plain.item(), rel=1e-4)
    assert Distillation(weight=1.0, temperature=2.0).loss(student, taught) > 0


def test_what_a_teacher_said_follows_the_students_pace():
    said = torch.tensor([[[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [0.3, 0.7]]]).log()
    # The recording had three steps, what the teacher says after them is left; the student hears it in five, and has a sixth of padding.
    slow = stretched(said, torch.tensor([3]), torch.tensor([5]), 6).exp()
    assert torch.allclose(slow[0, :, 0], torch.tensor([0.9, 0.7, 0.5, 0.35, 0.2, 0.2]), atol=1e-5)


def test_a_teacher_says_of_each_recording_what_it_says_of_it_alone():
    rng = np.random.default_rng(4)
    utterances = [CachedUtterance(str(n), "yes", rng.random((n, 161)).astype(np.float16)) for n in (60, 44, 52)]
    together, alone = listen_to_all(lively(), utterances), [listen_to_all(lively(), [one])[0] for one in utterances]
    assert [len(said) for said in together] == [15, 11, 13]
    for ours, single in zip(together, alone):
        np.testing.assert_allclose(ours.astype(np.float32), single.astype(np.float32), atol=5e-3)


@pytest.mark.parametrize(("granularity", "scales"), [("tensor", 1), ("channel", 5)])
def test_weight_grid_has_255_values_and_is_a_fixed_point(granularity, scales):
    weight = torch.randn(5, 40)
    rounded = on_weight_grid(weight, granularity)
    assert weight_scale(weight, granularity).numel() == scales
    assert torch.allclose(on_weight_grid(rounded, granularity), rounded, atol=1e-7)
    integers = rounded / weight_scale(weight, granularity)
    assert torch.allclose(integers, integers.round(), atol=1e-4) and integers.abs().max() == pytest.approx(127)


def test_activation_grid_contains_zero_and_covers_the_range():
    x = torch.rand(7, 2, 9) + 1
    rounded = on_activation_grid(x, utterances=1)
    assert (rounded - x).abs().max() <= 2 / 255 / 2 + 1e-6
    assert on_activation_grid(torch.zeros(3, 1, 2), utterances=1).abs().max() == 0


def test_rounding_passes_gradients():
    model = fold(lively())
    set_grid(model, "tensor")
    Recognition().loss(model.train(), batch()).backward()
    assert model.layers[0].forward_direction.input_weight.grad.abs().sum() > 0


@pytest.mark.skipif(not (COMMAND.exists() and shutil.which("node")), reason="needs `npm run build` and node")
@pytest.mark.parametrize("granularity", ["tensor", "channel"])
def test_quantlab_quantize_reproduces_the_trained_integers(granularity, tmp_path):
    model = fold(lively())
    trained = model.replicate()
    round_weights(model, granularity)
    onnx.save(build_onnx(model, on_grid=True), tmp_path / "model.onnx")
    command = ["node", str(COMMAND), "quantize", str(tmp_path / "model.onnx"), "-o", str(tmp_path / "int8.onnx")]
    subprocess.run([*command, *(["--per-channel"] if granularity == "channel" else [])], check=True, capture_output=True)
    made = {t.name: numpy_helper.to_array(t) for t in onnx.load(tmp_path / "int8.onnx").graph.initializer}

    def integers(weight):
        return torch.round(weight / weight_scale(weight, granularity)).detach().numpy()

    assert np.array_equal(made["labels.weight_quantized"], integers(trained.labels.weight).T)
    gates = np.array([0, 3, 1, 2])  # PyTorch's input, forget, cell, output in ONNX's order
    for index, layer in enumerate(trained.layers):
        for letter, name in (("W", "input_weight"), ("R", "recurrent_weight")):
            for row, direction in enumerate(layer.children()):
                weight = integers(getattr(direction, name)).reshape(4, 16, -1)[gates].reshape(64, -1)
                assert np.array_equal(made[f"lstm{index}.{letter}_quantized"][row], weight.T)


def test_static_quantization_reproduces_the_trained_integers_of_convolutions(tmp_path):
    """Norms are folded after rounding: they may change scales and signs, never the size of an integer."""
    model = lively(SeparableShape(channels=16, repeats=2, wide=16, kernels=(5, 7)))
    trained = model.replicate()
    round_weights(model, "channel")
    onnx.save(build_onnx(model, on_grid=True), tmp_path / "model.onnx")
    blocks = [np.random.default_rng(7).standard_normal((60, 161)).astype(np.float32)]
    quantize(tmp_path / "model.onnx", tmp_path / "int8.onnx", blocks)
    made = {t.name: numpy_helper.to_array(t) for t in onnx.load(tmp_path / "int8.onnx").graph.initializer}
    for name, layer in (("first.depthwise", trained.first.depthwise), ("block1.1.pointwise", trained.blocks[1][1].pointwise),
                        ("block0.shortcut", trained.shortcuts[0].pointwise), ("wide", trained.wide)):
        integers = torch.round(layer.weight / weight_scale(layer.weight, "channel")).abs()
        assert np.array_equal(np.abs(made[f"{name}.weight_quantized"].astype(int)), integers.detach().numpy()), name


def test_cubic_schedule_of_zhu_and_gupta():
    # s_f + (s_i - s_f) (1 - t)^3 with s_i = 0, over the first 60 % of the run.
    assert [round(cubic_share(0.8, t), 4) for t in (0.0, 0.3, 0.6, 1.0)] == [0.0, 0.7, 0.8, 0.8]


@pytest.mark.parametrize("target", [0.5, 0.75, 0.9])
def test_magnitude_pruning_reaches_its_share_and_keeps_the_largest(target):
    model = lively(Shape(channels=3, units=64, layers=2))
    weights, average = model.state_dict(), {name: value.clone() for name, value in model.state_dict().items()}
    before = weights["layers.1.forward_direction.input_weight"].clone()
    pruner = WeightPruner(model, target)
    assert "labels.weight" not in pruner.masks and "convolutions.0.convolution.weight" not in pruner.masks
    pruner.apply(weights, average, updates=0, progress=1.0)
    for name in pruner.masks:
        assert (weights[name] == 0).float().mean() == pytest.approx(target, abs=1e-3)
        assert torch.equal(weights[name] == 0, average[name] == 0)
    after = weights["layers.1.forward_direction.input_weight"]
    assert before[after == 0].abs().max() <= before[after != 0].abs().min()


@pytest.mark.parametrize("folded", [False, True])
def test_shrunk_network_equals_the_one_with_zeroed_units(folded, tmp_path):
    model = fold(lively()) if folded else lively()
    pruner = UnitPruner(model, kept=10)
    pruner.apply(model.state_dict(), model.state_dict(), updates=0, progress=1.0)
    small = shrink(model, 10).eval()
    assert small.shape == replace(model.shape, units=10)
    assert small.layers[1].forward_direction.input_weight.shape == (40, 10)
    assert torch.allclose(listen(small), listen(model), atol=1e-5)
    features = np.random.default_rng(4).standard_normal((1, 60, 161)).astype(np.float32)
    feeds = {"features": features, "lengths": np.array([60])}
    large_file, small_file = (
        onnxruntime.InferenceSession(build_onnx(network).SerializeToString(), providers=["CPUExecutionProvider"])
        .run(["log_probabilities"], feeds)[0] for network in (model, small)
    )
    assert np.abs(large_file - small_file).max() < 1e-4


def test_units_kept_must_be_fewer():
    with pytest.raises(ValueError, match="units kept"):
        UnitPruner(build(SMALL), kept=16)
