#!/bin/sh
# Holds the service to its own /openapi.json: conformance.sh PYTHON [OPTIONS OF st run]. PYTHON is one with conformance.requirements.txt. Needs the build.
set -eu
python=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
place=$(mktemp -d)
node "$root/dist/cli.js" serve deepspeech2-lstm --port 0 --workers 1 --quiet >"$place/address" 2>"$place/log" &
service=$!
trap 'kill $service; wait $service || true; rm -r "$place"' EXIT
while [ ! -s "$place/address" ]; do
  kill -0 $service 2>/dev/null || { cat "$place/log" >&2; exit 1; }
  sleep 0.2
done
# Twice: with all forms of an answer, and as events, which have two of them.
for form in times events; do
  FORM=$form RECORDINGS=$root/data/speech/audio PYTHONPATH=$here SCHEMATHESIS_HOOKS=conformance_hooks \
    "$python" -m schemathesis.cli run "$(cat "$place/address")/openapi.json" --seed 1 "$@"
done
