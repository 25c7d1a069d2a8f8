"""The card of a made-up run, read by the project's own command line."""

import json
import shutil
import subprocess
from pathlib import Path

import onnx
import pytest
import torch

from architectures import MODELS, architecture_of, build
from card import SETS, SOURCES, make_card
from export import build_onnx
from model import Shape

COMMAND = Path(__file__).parents[2] / "dist" / "cli.js"


def results_of(name: str, shape, **continuation) -> dict:
    rate = {"rate": 0.25, "interval95": [0.2, 0.3], "edits": 5, "length": 20}
    sets = {name: {"utterances": 3, "wer": rate, "cer": rate} for name in SETS}
    nothing = dict.fromkeys(("started_from", "teacher", "grid", "sparsity", "units_kept"))
    return {
        "model": name, "sha256": "0" * 64, "size_bytes": 1, "parameters": 1, "architecture": architecture_of(shape),
        "shape": shape.as_dict(), "continuation": {**nothing, **continuation}, "device": "cuda", "updates": 7,
        "hours_of_training": 0.5, "hours_of_speech": dict.fromkeys(SOURCES, 1.0),
        "hours_heard": dict.fromkeys(SOURCES, 9.0), "decoder": "greedy, no language model", "runtime": "a runtime",
        "float32": sets, "int8": {"tool": "a tool", "size_bytes": 1, "sets": sets},
    }


@pytest.mark.parametrize("name", MODELS)
def test_cards_say_what_was_trained_and_measured(name):
    card = make_card(results_of(name, MODELS[name]))
    assert card["frontEnd"]["bins"] in (80, 128, 161) and card["timeStride"] in (2, 4)
    assert [row["precision"] for row in card["figures"]] == ["float32"] * len(SETS) + ["int8"] * len(SETS)
    assert all(row["interval95"] == [0.2, 0.3] and row["decoder"] == "greedy" for row in card["figures"])
    assert card["training"] == {"hours": 0.5, "hoursOfSpeech": 5.0, "hoursHeard": 45.0}
    assert card["trainingData"][0].endswith("1.00 h, heard 9.0 h in all")
    assert "one GPU" in card["trainingData"][-1] and "45 h of speech heard" in card["trainingData"][-1]


def test_card_says_that_whispers_own_training_data_are_not_public():
    card = make_card(results_of("whisper-ctc", MODELS["whisper-ctc"]))
    assert any("own training data are not public" in line for line in card["trainingData"])
    assert "nobody outside can tell" in card["limits"]


def test_continuations_are_named():
    before = {"run": "deepspeech2-lstm", "hours": 3.75, "trained_frames": {"an4": 360_000}}
    card = make_card(results_of("deepspeech2-lstm-sparse", MODELS["deepspeech2-lstm"], sparsity=0.75, started_from=before))
    assert "75 % of the large matrices zero" in card["title"]
    assert "after 3.75 h and 1 h of speech as deepspeech2-lstm" in card["trainingData"][-1]
    assert card["training"]["continues"] == "deepspeech2-lstm" and card["training"]["hoursHeard"] == 46.0
    taught = make_card(results_of("deepspeech2-student", MODELS["deepspeech2-student"], teacher="deepspeech2-lstm"))
    assert taught["training"]["teacher"] == "deepspeech2-lstm" and "continues" not in taught["training"]


def test_beam_search_is_told_where_it_was_measured():
    record = {"utterances": 129, "words": 820, "wer": 0.22926, "cer": 0.1, "languageModel": "prompts",
              "interval": {"level": 0.95, "wer": [0.1731, 0.29201], "cer": [0.1, 0.1]}}
    card = make_card(results_of("deepspeech2-lstm", MODELS["deepspeech2-lstm"]), {"prompts-holdout": [record, {**record, "wer": 0.25}],
                                                                                     "an4-test": [record]})
    row, small, an4 = card["figures"][-3:]
    assert an4["set"] == SETS["an4-test"] and an4["decoder"] == "beam"
    assert row["set"] == SETS["prompts-holdout"] and (row["precision"], row["decoder"]) == ("float32", "beam")
    assert row["wer"] == 0.2293 and row["interval95"] == [0.1731, 0.292] and "model prompts" in row["method"]
    assert (small["precision"], small["decoder"], small["wer"]) == ("int8", "beam", 0.25) and "quantize" in small["method"]


@pytest.mark.skipif(not (COMMAND.exists() and shutil.which("node")), reason="needs `npm run build` and node")
def test_card_is_accepted_by_model_pack(tmp_path):
    shape = Shape(channels=2, units=16, layers=2)
    torch.manual_seed(0)
    onnx.save(build_onnx(build(shape).eval()), tmp_path / "model.onnx")
    (tmp_path / "card.json").write_text(json.dumps(make_card(results_of("deepspeech2-lstm", shape))))
    folder = tmp_path / "deepspeech2-tiny"
    command = ["node", str(COMMAND), "model", "pack", str(tmp_path / "model.onnx"), "--card", str(tmp_path / "card.json")]
    subprocess.run([*command, "--out", str(folder)], check=True, capture_output=True)
    card = json.loads((folder / "model.json").read_text())
    assert card["id"] == "deepspeech2-tiny" and card["parameters"] > 1000
    assert card["graphs"]["model"]["packed"]["sizeBytes"] == (folder / "model.weights").stat().st_size
