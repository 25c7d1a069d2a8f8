"""A run continued from its checkpoint against one that was never interrupted."""

from argparse import Namespace

import numpy as np
import torch

from cache import CachedUtterance
from model import Shape
from run import Run, save_atomically


def make_run() -> Run:
    rng = np.random.default_rng(5)
    corpora = {
        name: [CachedUtterance(f"{name}-{i}", "yes no", rng.random((60 + i, 161)).astype(np.float16)) for i in range(6)]
        for name in ("prompts", "an4")
    }
    options = Namespace(seed=3, shape=Shape(channels=2, units=8, layers=2), dropout=0.2, dtype="float32", rate=1e-3,
                        batch_frames=400, round_frames=1500, threads=2, device="cpu", average_decay=0.99,
                        start_from=None, pretrained=None, teacher=None, grid=None, sparsity=None, units_kept=None)
    return Run(options, corpora, development={})


def test_resumed_run_equals_uninterrupted_run(tmp_path):
    straight = make_run()
    for _ in range(2):
        straight.step(0.1)
    save_atomically(straight.state(), tmp_path / "checkpoint.pt")
    expected = [straight.step(0.2) for _ in range(3)]

    resumed = make_run()
    resumed.restore(torch.load(tmp_path / "checkpoint.pt", weights_only=False))
    assert [resumed.step(0.2) for _ in range(3)] == expected
    for name, value in straight.average.items():
        assert torch.equal(value, resumed.average[name]), name
    assert not list(tmp_path.glob("*.partial"))
