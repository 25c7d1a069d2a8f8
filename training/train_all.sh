#!/usr/bin/env bash
# Trains the models and their continuations, one after the other, each for its own time; continues what was stopped.
#
#   ./train_all.sh CORPORA DATA cuda|cpu [RUN...]        # all runs of the table below, or those named
#   SCALE=0.5 ./train_all.sh ...                         # half of each time
#   THREADS=1 ./train_all.sh ...                         # one core for this, the others for another
#
# CORPORA and DATA are the folders of train.py. Minutes are meant for one large GPU with 16 cores, or one free core with THREADS=1.
# `./finish.sh CORPORA DATA RUN...` then exports, measures and packs, where the recordings of the test sets are.
set -euo pipefail
cd "$(dirname "$0")"
corpora=$(realpath "$1") data=$(realpath "$2") device=$3
shift 3
python=${PYTHON:-.venv/bin/python}
scale=${SCALE:-1}

# run | minutes on a GPU | minutes on two cores | more options
table="
deepspeech2-lstm             | 6   | 240 |
deepspeech2-gru              | 8   | 240 |
deepspeech2-student-alone    | 2.5 | 45  |
deepspeech2-student          | 2.5 | 75  | --teacher runs/deepspeech2-lstm
deepspeech2-student-mel      | 2.5 | 80  | --front-end whisper-log-mel --units 160 --layers 4
deepspeech2-efficient        | 4   | 75  | --teacher runs/deepspeech2-lstm --dropout 0
whisper-ctc                  | 6   | 120 |
deepspeech2-student-longer   | 0.8 | 12  | --start-from runs/deepspeech2-student
deepspeech2-student-int8     | 0.8 | 12  | --start-from runs/deepspeech2-student --grid tensor
deepspeech2-student-sparse50 | 0.8 | 12  | --start-from runs/deepspeech2-student --sparsity 0.5
deepspeech2-student-sparse75 | 0.8 | 12  | --start-from runs/deepspeech2-student --sparsity 0.75
deepspeech2-student-sparse90 | 0.8 | 12  | --start-from runs/deepspeech2-student --sparsity 0.9
deepspeech2-student-96       | 0.8 | 12  | --start-from runs/deepspeech2-student --units-kept 96
deepspeech2-efficient-int8   | 0.8 | 12  | --start-from runs/deepspeech2-efficient --grid channel --dropout 0
"

while IFS='|' read -r run on_gpu on_cpu options; do
    run=$(echo $run)
    [ -n "$run" ] || continue
    if [ $# -gt 0 ] && [[ " $* " != *" $run "* ]]; then continue; fi
    minutes=$([ "$device" = cuda ] && echo "$on_gpu" || echo "$on_cpu")
    minutes=$(awk "BEGIN { print $minutes * $scale }")
    echo "== $run, $minutes minutes on $device"
    # shellcheck disable=SC2086
    "$python" train.py --corpora "$corpora" --data "$data" --run "runs/$run" --minutes "$minutes" --device "$device" ${THREADS:+--threads $THREADS} $options
done <<< "$table"
