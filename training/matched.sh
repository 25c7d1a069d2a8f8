#!/usr/bin/env bash
# What each technique keeps of deepspeech2-lstm when all are trained further for as many updates, on the same speech, from the same weights.
#
#   ./matched.sh CORPORA DATA UPDATES [ARM...]        # all arms below, or those named; what is finished is not run again
#
# Needs a built command line (`npm run build`). An update takes about a second on two free cores. Writes runs/matched/ARM with model.onnx and
# results.json, and at the end prints the table.
set -euo pipefail
cd "$(dirname "$0")"
corpora=$(realpath "$1") data=$(realpath "$2") updates=$3
shift 3
python=${PYTHON:-.venv/bin/python}
runs=runs/matched
start=$runs/deepspeech2-lstm
quantlab() { node ../dist/cli.js "$@"; }

# arm | what it starts from | options
arms="
control    | $start    |
sparse30   | $start    | --sparsity 0.3
sparse50   | $start    | --sparsity 0.5
sparse70   | $start    | --sparsity 0.7
units288   | $start    | --units-kept 288
units192   | $start    | --units-kept 192
fitted288  | $runs/fit | 
low-rank   | $runs/cut | 
int8       | $start    | --grid tensor
bits4      | $start    | --grid bits-4
"

if [ ! -e $start/best.pt ]; then
    mkdir -p $runs
    quantlab model unpack deepspeech2-lstm $runs/unpacked
    "$python" from_onnx.py --model $runs/unpacked/model.onnx --run $start
fi
if [ ! -e $runs/cut/best.pt ]; then
    quantlab quantize deepspeech2-lstm -o $runs/cut.onnx --recipe low-rank --energy 0.9
    "$python" from_onnx.py --model $runs/cut.onnx --run $runs/cut
fi
if [ ! -e $runs/fit/best.pt ]; then
    quantlab prune deepspeech2-lstm -o $runs/fit.onnx --share 0.25 --calibrated --op-types LSTM
    "$python" from_onnx.py --model $runs/fit.onnx --run $runs/fit
fi
finished=()
while IFS='|' read -r arm from options; do
    arm=$(echo $arm)
    [ -n "$arm" ] || continue
    if [ $# -gt 0 ] && [[ " $* " != *" $arm "* ]]; then continue; fi
    run=$runs/$arm
    if [ ! -e $run/results.json ]; then
        echo "== $arm, $updates updates"
        # shellcheck disable=SC2086
        "$python" train.py --corpora "$corpora" --data "$data" --run $run --model deepspeech2-lstm --start-from $from --updates "$updates" \
            ${THREADS:+--threads $THREADS} $options
        "$python" export.py --run $run
        "$python" measure.py --corpora "$corpora" --data "$data" --run $run
    fi
    finished+=("$run")
done <<< "$arms"
"$python" table.py "${finished[@]}"
echo
"$python" table.py --changes "${finished[@]}"
