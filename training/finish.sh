#!/usr/bin/env bash
# Exports trained runs, measures them and packs them for shipping: data/models/RUN for each.
#
#   ./finish.sh CORPORA DATA RUN...
#
# Needs the recordings of the test sets and a built command line (`npm run build`). About three minutes a run.
set -euo pipefail
cd "$(dirname "$0")"
corpora=$(realpath "$1") data=$(realpath "$2")
shift 2
python=${PYTHON:-.venv/bin/python}
pack() {
    "$python" card.py --run "runs/$1"
    node ../dist/cli.js model pack "runs/$1/model.onnx" --card "runs/$1/card.json" --out "../data/models/$1"
}
recipe() { # convolutions alone have no ranges at run time that are worth their while
    case $1 in *efficient*) echo --recipe static --per-channel ;; *) echo --recipe dynamic ;; esac
}
for run in "$@"; do
    "$python" export.py --run "runs/$run"
    "$python" measure.py --corpora "$corpora" --data "$data" --run "runs/$run"
    rm -f "runs/$run"/beam-*.json
    pack "$run"
    node ../dist/cli.js quantize "$run" --out "runs/$run/int8.onnx" $(recipe "$run")
    for set in prompts-holdout an4-test librispeech-test; do
        node ../dist/cli.js evaluate "$run" "runs/$run/int8.onnx" --manifest "runs/$run/$set.jsonl" --decoder beam --lm prompts --json \
            > "runs/$run/beam.partial"
        mv "runs/$run/beam.partial" "runs/$run/beam-$set.json"
    done
    pack "$run" # once more, now that the card can say what the beam search reaches
    cp "runs/$run/log.jsonl" "logs/$run.jsonl"
done
