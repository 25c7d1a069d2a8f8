#!/usr/bin/env bash
# One experiment as a Slurm job array, a shard for each task, then the shards in one run:
#
#     job=$(sbatch --parsable --array=1-16 --export=ALL,PLAN=plan.json,OUT=/shared/run bench/cluster/slurm.sh)
#     sbatch --dependency="afterok:$job" --wrap='quantlab merge /shared/run.shards/* --out /shared/run'
#
#SBATCH --job-name=quantlab
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
# Times on a node that others use are partly theirs.
#SBATCH --exclusive
# All tasks on the same kind of machine: times of different ones do not belong in one mean (merge warns).
##SBATCH --constraint=…
# A task that was pushed off its node goes on where it stopped.
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
: "${PLAN:?plan.json}" "${OUT:?folder of the merged run, on a file system that all nodes see}"
: "${SLURM_ARRAY_TASK_ID:?to be run by sbatch --array=1-N}" "${SLURM_ARRAY_TASK_COUNT:?}"
exec ${QUANTLAB:-npx quantlab} experiment "$PLAN" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
  --out "$OUT.shards/$SLURM_ARRAY_TASK_ID" --resume
