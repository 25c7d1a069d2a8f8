#!/usr/bin/env bash
# Trains the models and their continuations, one after the other, each for its own time; continues what was stopped.
#
#   ./train_all.sh CORPORA DATA cuda|cpu [RUN...]        # all runs of the table below, or those named
#   SCALE=0.5 ./train_all.sh ...                         # half of each time
#
# CORPORA and DATA are the folders of train.py. Minutes are meant for one large GPU with 16 cores, or two free cores.
# `./finish.sh CORPORA DATA RUN...` then exports, measures and packs, where the recordings of the test sets are.
set -euo pipefail
cd "$(dirname "$0")"
corpora=$(realpath "$1") data=$(realpath "$2") device=$3
shift 3
python=${PYTHON:-.venv/bin/python}
scale=${SCALE:-1}

# run | minutes on a GPU | minutes on two cores | more options
table="
deepspeech2-lstm            | 6   | 225 |
deepspeech2-gru             | 8   | 480 |
deepspeech2-student         | 2.5 | 90  | --teacher runs/deepspeech2-lstm
deepspeech2-student-alone   | 2.5 | 90  |
deepspeech2-efficient       | 4   | 150 |
deepspeech2-lstm-int8       | 1   | 20  | --start-from runs/deepspeech2-lstm --grid tensor
deepspeech2-efficient-int8  | 1   | 20  | --start-from runs/deepspeech2-efficient --grid channel
deepspeech2-lstm-sparse50   | 0.8 | 20  | --start-from runs/deepspeech2-lstm --sparsity 0.5
deepspeech2-lstm-sparse75   | 0.8 | 20  | --start-from runs/deepspeech2-lstm --sparsity 0.75
deepspeech2-lstm-sparse90   | 0.8 | 25  | --start-from runs/deepspeech2-lstm --sparsity 0.9
deepspeech2-lstm-256        | 1   | 25  | --start-from runs/deepspeech2-lstm --units-kept 256
"

while IFS='|' read -r run on_gpu on_cpu options; do
    run=$(echo $run)
    [ -n "$run" ] || continue
    if [ $# -gt 0 ] && [[ " $* " != *" $run "* ]]; then continue; fi
    minutes=$([ "$device" = cuda ] && echo "$on_gpu" || echo "$on_cpu")
    minutes=$(awk "BEGIN { print $minutes * $scale }")
    echo "== $run, $minutes minutes on $device"
    # shellcheck disable=SC2086
    "$python" train.py --corpora "$corpora" --data "$data" --run "runs/$run" --minutes "$minutes" --device "$device" $options
done <<< "$table"
