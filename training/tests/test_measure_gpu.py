"""The recipe for GPUs, on its CPU path: a run of the form that `src/experiment/schema.ts` documents."""

import json
import subprocess
from pathlib import Path

import pytest

from measure_gpu import balanced_order, measure, parse

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "dist" / "cli.js"


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The shipped model as a file that any runtime loads."""
    folder = tmp_path_factory.mktemp("lstm")
    subprocess.run(["node", str(COMMAND), "model", "unpack", "deepspeech2-lstm", str(folder)], check=True, capture_output=True)
    return folder / "model.onnx"


@pytest.fixture
def manifest(tmp_path):
    """The first three utterances of the hold-out."""
    lines = (ROOT / "data/speech/holdout.jsonl").read_text(encoding="utf8").splitlines()[:3]
    entries = [json.loads(line) for line in lines]
    for entry in entries:
        entry["audio_filepath"] = str(ROOT / "data/speech" / entry["audio_filepath"])
    path = tmp_path / "three.jsonl"
    path.write_text("\n".join(map(json.dumps, entries)) + "\n", encoding="utf8")
    return path


def test_writes_a_run(tmp_path, manifest, model):
    out = tmp_path / "run"
    options = ["--trials", "5", "--throughput-trials", "2", "--batch-size", "2", "--device", "cpu"]
    arguments = parse(["--model", str(model), "--manifest", str(manifest), "--out", str(out), *options])
    measure(arguments)
    record = json.loads((out / "run.json").read_text())
    assert record["schema"] == "quantlab.results/1" and record["finishedAt"] is not None
    assert record["outcomes"]["cpu-float32-python"]["status"] == "measured"
    lines = [json.loads(line) for line in (out / "observations.jsonl").read_text().splitlines()]
    assert [line["phase"] for line in lines] == ["latency"] * 5 + ["throughput"] * 2 + ["accuracy"] * 3
    for line in lines:
        parts = line["featuresMs"] + line["inferenceMs"] + line["decodingMs"]
        assert line["totalMs"] == pytest.approx(parts)
        assert len(line["texts"]) == len(line["utterances"])
    assert all(line["references"][0] for line in lines if line["phase"] == "accuracy")
    with pytest.raises(SystemExit, match="a folder without a run was required"):
        measure(arguments)


def test_uses_each_utterance_equally_often():
    order = balanced_order(10, 4, 1)
    assert sorted(order.count(index) for index in range(4)) == [2, 2, 3, 3]
    assert order == balanced_order(10, 4, 1)
