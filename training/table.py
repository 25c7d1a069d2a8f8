"""Print what was measured of runs as Markdown tables, in per cent with 95 % intervals.

    python table.py runs/deepspeech2-lstm [runs/deepspeech2-student ...]
"""

import json
import sys
from pathlib import Path

from card import SETS


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


def main(folders: list[str]) -> None:
    """Print one table for all runs, then one for each."""
    runs = [json.loads((Path(folder) / "results.json").read_text()) for folder in folders]
    print("\n".join(sizes(runs)))
    for results in runs:
        print("\n".join(["", f"{results['model']}; int8: {results['int8']['tool']}", "", *accuracy(results)]))


if __name__ == "__main__":
    main(sys.argv[1:])
