"""Print what was measured of runs as Markdown tables, in per cent with 95 % intervals.

    python table.py runs/deepspeech2-lstm [runs/deepspeech2-student ...]
    python table.py --changes runs/matched/control [runs/matched/sparse50 ...]
"""

import argparse
import json
from pathlib import Path

import numpy as np

from card import BEAM_SETS, SETS
from wer import ErrorRate, word_errors


def percent(row: dict) -> str:
    """A rate with its interval."""
    low, high = row["interval95"]
    return f"{100 * row['rate']:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def accuracy(results: dict) -> list[str]:
    """Lines of a table of error rates on each set, float and int8."""
    lines = ["| set | utterances | words | WER | CER | WER int8 | CER int8 |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, title in SETS.items():
        row, small = results["float32"][name], results["int8"]["sets"][name]
        values = [title, row["utterances"], row["wer"]["length"], percent(row["wer"]), percent(row["cer"]),
                  percent(small["wer"]), percent(small["cer"])]
        lines.append(f"| {' | '.join(map(str, values))} |")
    return lines


def sizes(runs: list[dict]) -> list[str]:
    """Lines of a table of sizes and training, a run a line."""
    lines = ["| model | parameters | MB | MB int8 | hours of training | speech heard, h | AN4 test WER | hold-out WER |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for results in runs:
        judged = results["float32"]
        values = [
            f"`{results['model']}`", f"{results['parameters']:,}", f"{results['size_bytes'] / 1e6:.1f}",
            f"{results['int8']['size_bytes'] / 1e6:.1f}", f"{results['hours_of_training']:.2f}",
            f"{sum(results['hours_heard'].values()):.0f}", percent(judged["an4-test"]["wer"]),
            percent(judged["prompts-holdout"]["wer"]),
        ]
        lines.append(f"| {' | '.join(values)} |")
    return lines


def changes(folders: list[Path]) -> list[str]:
    """Lines of a table of changes of the word error rate against the first run, in points, on each test set and on all pooled."""
    heads = [SETS[name] for name in BEAM_SETS]
    lines = [f"| against `{folders[0].name}` | MB | {' | '.join(heads)} | pooled |", f"| --- | --- |{' --- |' * (len(heads) + 1)}"]
    first = errors_of(folders[0])
    for folder in folders[1:]:
        own = errors_of(folder)
        megabytes = json.loads((folder / "results.json").read_text())["size_bytes"] / 1e6
        values = [f"`{folder.name}`", f"{megabytes:.1f}"]
        values += [change(pool(first, names), pool(own, names)) for names in [*((name,) for name in BEAM_SETS), BEAM_SETS]]
        lines.append(f"| {' | '.join(values)} |")
    return lines


def errors_of(folder: Path) -> dict[str, ErrorRate]:
    """Word errors of a run's transcripts, by set."""
    said: dict[str, list[dict]] = {}
    for line in (folder / "transcripts.jsonl").read_text(encoding="utf-8").splitlines():
        heard = json.loads(line)
        said.setdefault(heard["set"], []).append(heard)
    return {name: word_errors([one["text"] for one in part], [one["greedy"] for one in part]) for name, part in said.items()}


def pool(errors: dict[str, ErrorRate], names: tuple[str, ...]) -> ErrorRate:
    """Some sets as one."""
    return ErrorRate(np.concatenate([errors[name].edits for name in names]), np.concatenate([errors[name].lengths for name in names]))


def change(first: ErrorRate, other: ErrorRate) -> str:
    """What the rate of the same utterances changes by, in points, with a 95 % interval that draws them together."""
    low, high = ErrorRate(other.edits - first.edits, first.lengths).interval()
    return f"{100 * (other.rate - first.rate):+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def main() -> None:
    """Print one table for all runs, then one for each; or how they differ from the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders that measure.py wrote to")
    parser.add_argument("--changes", action="store_true", help="against the first run, which heard the same recordings")
    options = parser.parse_args()
    if options.changes:
        print("\n".join(changes(options.runs)))
        return
    runs = [json.loads((folder / "results.json").read_text()) for folder in options.runs]
    print("\n".join(sizes(runs)))
    for results in runs:
        print("\n".join(["", f"{results['model']}; int8: {results['int8']['tool']}", "", *accuracy(results)]))


if __name__ == "__main__":
    main()
