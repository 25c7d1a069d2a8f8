#!/usr/bin/env bash
# One experiment in shards, by GNU parallel (or xargs, where that is not installed), then the shards in one run:
#
#     SHARDS=4 OUT=data/results/sharded bench/cluster/parallel.sh [plan.json] [--short …]
#
# What stands behind goes to `quantlab experiment`. Run it again to go on after a stop: finished shards are left alone.
# JOBS is how many run at once. On one machine leave it at 1: two at once are in each other's times. For several machines
# with one file system, let GNU parallel find them: PARALLEL='--sshloginfile hosts --workdir .' JOBS=1 (one on each).
set -euo pipefail
: "${SHARDS:?how many shards}" "${OUT:?folder of the merged run}"
quantlab=${QUANTLAB:-npx quantlab}
mkdir -p "$OUT.shards"
shard="$quantlab experiment ${*@Q} --shard {}/$SHARDS --out '$OUT.shards/{}' --resume"
if [ "${WITH:-parallel}" = parallel ] && parallel --version 2>/dev/null | grep -q '^GNU parallel'; then
  parallel --jobs "${JOBS:-1}" --joblog "$OUT.shards/parallel.log" "$shard" ::: $(seq "$SHARDS")
else
  echo 'GNU parallel is not used: xargs runs the shards' >&2
  seq "$SHARDS" | xargs -P "${JOBS:-1}" -I{} bash -c "$shard"
fi
$quantlab merge $(seq -f "$OUT.shards/%.0f" "$SHARDS") --out "$OUT"
