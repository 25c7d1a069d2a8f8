#!/usr/bin/env bash
# Exports trained runs, measures them and packs them for shipping: data/models/RUN for each.
#
#   ./finish.sh CORPORA DATA RUN...
#
# Needs the recordings of the test sets and a built command line (`npm run build`). About two minutes a run.
set -euo pipefail
cd "$(dirname "$0")"
corpora=$(realpath "$1") data=$(realpath "$2")
shift 2
python=${PYTHON:-.venv/bin/python}
for run in "$@"; do
    "$python" export.py --run "runs/$run"
    "$python" measure.py --corpora "$corpora" --data "$data" --run "runs/$run"
    "$python" card.py --run "runs/$run"
    node ../dist/cli.js model pack "runs/$run/model.onnx" --card "runs/$run/card.json" --out "../data/models/$run"
    cp "runs/$run/log.jsonl" "logs/$run.jsonl"
done
