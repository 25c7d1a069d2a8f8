"""Changes against a run, from its transcripts."""

import json

from table import changes


def write_run(folder, texts):
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps({"size_bytes": 32_000_000}))
    lines = [{"set": name, "id": f"{name}{place}", "text": "one two three four", "greedy": greedy}
             for name in ("prompts-holdout", "an4-test", "librispeech-test") for place, greedy in enumerate(texts)]
    (folder / "transcripts.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


def test_changes_are_of_the_same_utterances(tmp_path):
    right, wrong = "one two three four", "one two three"
    control = write_run(tmp_path / "control", [wrong] * 10)
    same = write_run(tmp_path / "same", [wrong] * 10)
    better = write_run(tmp_path / "better", [right] * 10)
    lines = changes([control, same, better])
    assert lines[2] == "| `same` | 32.0 | +0.0 (+0.0 to +0.0) | +0.0 (+0.0 to +0.0) | +0.0 (+0.0 to +0.0) | +0.0 (+0.0 to +0.0) |"
    assert lines[3] == f"| `better` | 32.0 |{' -25.0 (-25.0 to -25.0) |' * 4}"


def test_an_interval_is_as_wide_as_utterances_differ(tmp_path):
    control = write_run(tmp_path / "control", ["one two three four"] * 10)
    half = write_run(tmp_path / "half", ["one two three four", "one"] * 5)
    assert "+37.5 (+15.0 to +60.0)" in changes([control, half])[2]
