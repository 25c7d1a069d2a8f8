"""Whole runs of tiny networks: every kind of training ends in weights that can be exported."""

import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from architectures import MODELS, build, front_end_of, load_average
from batches import Realiser, Sampler
from cache import CachedUtterance
from device import DeviceEngine, DeviceRealiser, choose_device
from export import build_onnx
from front_ends import FRONT_ENDS
from model import Shape
from objective import Recognition
from posteriors import listen
from prune_units import UnitPruner
from run import Run
from train import parse_options

TINY = {"units": 16, "channels": 4, "wide": 8, "kernels": (3, 5), "layers": 2, "blocks": 1, "repeats": 1,
        "width": 24, "encoder_layers": 2}


def tiny(name: str):
    shape = MODELS[name]
    return replace(shape, **{key: value for key, value in TINY.items() if hasattr(shape, key)})


def speech(front_end) -> dict[str, list[CachedUtterance]]:
    rng = np.random.default_rng(5)
    return {
        name: [CachedUtterance(f"{name}-{i}", "yes no", rng.random((80 + i, front_end.bins)).astype(np.float16))
               for i in range(6)]
        for name in ("prompts", "an4")
    }


def said_by(run, corpora) -> dict[str, list]:
    """What a teacher says of recordings; its spectra are the student's here."""
    teacher, _ = load_average(run / "best.pt")
    return {name: listen(teacher, utterances) for name, utterances in corpora.items()}


def train(folder, shape, **changes):
    """Two updates, a judgement, the run's end; the kept weights."""
    options = Namespace(seed=3, shape=shape, dropout=0.1, dtype="float32", rate=1e-3, batch_frames=400, round_frames=900,
                        threads=2, device="cpu", average_decay=0.99, start_from=None, teacher=None, teacher_weight=0.5,
                        temperature=2.0, grid=None, sparsity=None, units_kept=None, pretrained=None, run=folder)
    for name, value in changes.items():
        setattr(options, name, value)
    folder.mkdir()
    corpora = speech(FRONT_ENDS[shape.front_end])
    posteriors = options.teacher and said_by(options.teacher, corpora)
    run = Run(options, corpora, {"an4-dev": corpora["an4"][:2]}, posteriors)
    steps = [run.step(progress) for progress in (0.2, 0.9)]
    if run.pruner:
        run.pruner.apply(run.model.state_dict(), run.average, run.updates, 1.0)
    run._judge_and_save(1.0, *(list(values) for values in zip(*steps)))
    assert all(np.isfinite(step).all() for step in steps)
    line = json.loads((folder / "log.jsonl").read_text())
    assert line["updates"] == 2 and set(line["development"]) == {"an4-dev"}
    return load_average(folder / "best.pt")


@pytest.mark.parametrize("name", MODELS)
def test_each_model_trains_and_exports(name, tmp_path):
    network, state = train(tmp_path / name, tiny(name))
    assert state["updates"] == 2 and state["trained_frames"]["an4"] > 0
    assert build_onnx(network).graph.node


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "deepspeech2-lstm"
    train(folder, tiny("deepspeech2-lstm"))
    return folder


def test_student_of_a_teacher(trained, tmp_path):
    _, state = train(tmp_path / "student", replace(tiny("deepspeech2-student"), units=8), teacher=trained)
    assert state["teacher"] == "deepspeech2-lstm"


def test_rounded_weights_are_exported_on_their_grid(trained, tmp_path):
    network, state = train(tmp_path / "rounded", Shape(), start_from=trained, grid="tensor")
    assert network.shape.folded and state["started_from"]["run"] == "deepspeech2-lstm"
    assert len(network.labels.weight.unique()) <= 255
    assert build_onnx(network).graph.node


def test_convolutions_are_rounded_by_channel_alone(tmp_path):
    start = tmp_path / "deepspeech2-efficient"
    train(start, tiny("deepspeech2-efficient"))
    train(tmp_path / "rounded", tiny("deepspeech2-efficient"), start_from=start, grid="channel")
    with pytest.raises(ValueError, match="separable convolutions with `channel`"):
        train(tmp_path / "whole", tiny("deepspeech2-efficient"), start_from=start, grid="tensor")


def test_sparse_weights(tmp_path):
    wide = Shape(channels=2, units=64, layers=1)
    train(tmp_path / "deepspeech2-lstm", wide)
    network, state = train(tmp_path / "sparse", Shape(), start_from=tmp_path / "deepspeech2-lstm", sparsity=0.75)
    assert state["sparsity"] == 0.75
    assert (network.layers[0].forward_direction.recurrent_weight == 0).float().mean() == pytest.approx(0.75, abs=1e-3)


def test_fewer_units(trained, tmp_path):
    network, _ = train(tmp_path / "small", Shape(), start_from=trained, units_kept=12)
    assert network.shape.units == 12 and network.layers[1].forward_direction.recurrent_weight.shape == (48, 12)
    assert build_onnx(network).graph.node


def test_pruned_run_resumes_with_what_is_gone(trained, tmp_path):
    train(tmp_path / "small", Shape(), start_from=trained, units_kept=12)
    state = torch.load(tmp_path / "small" / "checkpoint.pt", weights_only=False)
    network, _ = load_average(trained / "best.pt")
    pruner = UnitPruner(network, kept=12)
    pruner.restore(state["pruner"])
    assert [int(gone.sum()) for gone in pruner.gone] == [4, 4]


@pytest.mark.parametrize("name", ["deepspeech2-lstm", "deepspeech2-gru"])
def test_device_path_gathers_the_same_speech_and_trains(name):
    """The code that a GPU runs, on the processor."""
    network = build(tiny(name), dropout=0.1)
    front_end, device = front_end_of(network), torch.device("cpu")
    corpora = speech(front_end)
    on_device = DeviceRealiser(corpora, front_end, device)
    group = [("an4", 3), ("prompts", 0)]
    for ours, theirs in zip(on_device.gather(group), Realiser(corpora, front_end).gather(group)):
        assert torch.equal(ours.float(), theirs.float())
    engine = DeviceEngine(network, Sampler(corpora, 400, 900, 1), on_device, Recognition(), seed=1)
    state = engine.state()
    assert np.isfinite(engine.gradients(0.0))
    assert all(parameter.grad is not None for parameter in network.parameters())
    engine.restore(state)


def test_command_line_knows_the_model_by_the_runs_name(tmp_path):
    common = ["--corpora", "x", "--minutes", "1"]
    options = parse_options([*common, "--run", "runs/deepspeech2-student-alone", "--units", "64"])
    assert options.model == "deepspeech2-student" and options.shape == Shape(units=64, layers=4)
    assert options.rate == 1.2e-3
    cuda = parse_options([*common, "--run", "runs/deepspeech2-gru", "--device", "cuda"])
    assert cuda.shape == MODELS["deepspeech2-gru"] and cuda.batch_frames == 120_000
    assert cuda.pretrained is None
    whisper = parse_options([*common, "--run", "runs/whisper-ctc", "--data", "somewhere"])
    assert whisper.shape == MODELS["whisper-ctc"] and whisper.pretrained == Path("somewhere/whisper/model.bin")
    with pytest.raises(SystemExit):
        parse_options([*common, "--run", "runs/deepspeech2-lstm-sparse", "--sparsity", "0.5"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_missing_gpu_is_said_clearly():
    with pytest.raises(SystemExit, match="--device cuda: .* is required, got"):
        choose_device("cuda")
