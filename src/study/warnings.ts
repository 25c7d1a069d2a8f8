import { describeDrift } from '../measure/statistics/stability.js';
import type { ConditionSummary, RunRecord } from './schema.js';

/**
 * What a reader should know before believing a run's numbers: a machine that had other work, conditions that could not be
 * kept apart, times that drifted, parts from different machines.
 *
 * @param run - how it was measured
 * @param conditions - what was found
 * @returns sentences, each complete
 */
export function warningsOf(run: RunRecord, conditions: readonly ConditionSummary[]): readonly string[] {
  const environments = run.shards?.map(({ environment }) => environment) ?? [run.environment];
  const busy = environments.flatMap(({ load }) => (load.warning ? [load.warning] : []));
  return [...new Set(busy), ...apartness(run), ...machines(run), ...conditions.flatMap(drifting)];
}

function apartness({ turns }: RunRecord): readonly string[] {
  if (turns !== 'paused') return [];
  return [
    'Processes could not be stopped outside their turns on this system (no SIGSTOP): they waited instead, and what they did in the background is in the times of the others.',
  ];
}

function machines({ shards = [] }: RunRecord): readonly string[] {
  const distinct = (field: 'cpu' | 'commit'): readonly string[] => [
    ...new Set(shards.map(({ environment }) => environment[field] ?? 'none')),
  ];
  const [processors, commits] = [distinct('cpu'), distinct('commit')];
  return [
    ...(processors.length > 1
      ? [
          `The shards ran on different processors (${processors.join(', ')}): times and throughput are a mixture; ratios were taken on one machine each, and accuracy does not depend on it much.`,
        ]
      : []),
    ...(commits.length > 1
      ? [`The shards ran from different commits (${commits.join(', ')}) of the same version: see what changed between.`]
      : []),
  ];
}

function drifting({ condition, latency }: ConditionSummary): readonly string[] {
  return latency?.stability?.drifts ? [`${condition.title}: ${describeDrift(latency.stability)}`] : [];
}
