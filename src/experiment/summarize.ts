import { InputError } from '../errors.js';
import { bootstrap, bootstrapRatio } from '../measure/bootstrap.js';
import { earlyStoppingPercentile } from '../measure/earlyStopping.js';
import { mean, median, quantile, standardDeviation, sum } from '../measure/statistics.js';
import type { EditCounts } from '../speech/types.js';
import { countCharacterEdits, countWordEdits } from '../speech/wer.js';
import { readRun } from './runFolder.js';
import type {
  AccuracySummary,
  Comparison,
  ConditionSummary,
  Estimate,
  LatencySummary,
  Observation,
  Outcome,
  Phase,
  RunRecord,
  Summary,
  ThroughputSummary,
} from './schema.js';
import { RESULTS_SCHEMA } from './schema.js';

/** What the figures of one condition are computed from. */
interface Measured {
  readonly id: string;
  readonly sizeBytes: number;
  readonly latency: readonly Observation[];
  readonly throughput: readonly Observation[];
  readonly accuracy: readonly Observation[];
}

/**
 * Derives the summary of a run from its folder.
 *
 * @param folder - of the run
 * @throws {InputError} when it is no run, or a line of it is broken
 */
export async function summarizeRun(folder: string): Promise<Summary> {
  const { record, observations } = await readRun(folder);
  return summarize(record, observations);
}

/**
 * Derives the summary of a run: estimates with 95 % bootstrap intervals. Trials of one utterance belong together and are
 * drawn together; comparisons are paired by utterance, or by trial where a trial is a batch.
 *
 * @param run - what was planned, and how it ended
 * @param observations - in any order; of a trial that is there twice the first counts
 */
export function summarize(run: RunRecord, observations: readonly Observation[]): Summary {
  const measured = run.conditions.flatMap(({ id }): Measured[] => {
    const outcome = run.outcomes[id];
    if (outcome?.status !== 'measured') return [];
    const own = (phase: Phase) => inOrder(observations, id, phase);
    const phases = { latency: own('latency'), throughput: own('throughput'), accuracy: own('accuracy') };
    return [{ id, sizeBytes: outcome.sizeBytes, ...phases }];
  });
  const base = measured[0];
  const conditions = run.conditions.map((condition): ConditionSummary => {
    const outcome: Outcome = run.outcomes[condition.id] ?? { status: 'failed', reason: 'the run has not finished' };
    const own = measured.find(({ id }) => id === condition.id);
    if (own === undefined) {
      return { condition, outcome, latency: null, throughput: null, accuracy: null, comparison: null };
    }
    return {
      condition,
      outcome,
      latency: summarizeLatency(own.latency),
      throughput: summarizeThroughput(own.throughput),
      accuracy: summarizeAccuracy(own.accuracy),
      comparison: base === undefined || own === base ? null : compare(base, own),
    };
  });
  return { schema: RESULTS_SCHEMA, run, conditions };
}

function inOrder(observations: readonly Observation[], condition: string, phase: Phase): readonly Observation[] {
  const byTrial = new Map<number, Observation>();
  for (const observation of observations) {
    if (observation.condition !== condition || observation.phase !== phase) continue;
    if (!byTrial.has(observation.trial)) byTrial.set(observation.trial, observation);
  }
  return [...byTrial.values()].sort((one, other) => one.trial - other.trial);
}

function summarizeLatency(trials: readonly Observation[]): LatencySummary | null {
  if (trials.length === 0) return null;
  const totals = trials.map(({ totalMs }) => totalMs);
  const clusters = [...byUtterance(trials).values()];
  return {
    trials: trials.length,
    meanMs: bootstrapRatio(clusters.map(sum), clusters.map(lengthOf)),
    standardDeviationMs: standardDeviation(totals),
    medianMs: bootstrap(clusters.length, (drawn) => median(Array.from(drawn, (index) => at(clusters, index)).flat())),
    minMs: quantile(totals, 0),
    maxMs: quantile(totals, 1),
    p90Ms: earlyStoppingPercentile(totals, 0.9),
    featuresMs: mean(trials.map(({ featuresMs }) => featuresMs)),
    inferenceMs: mean(trials.map(({ inferenceMs }) => inferenceMs)),
    decodingMs: mean(trials.map(({ decodingMs }) => decodingMs)),
    realTimeFactor: sum(totals) / 1000 / sum(trials.map(({ audioS }) => audioS)),
  };
}

function summarizeThroughput(trials: readonly Observation[]): ThroughputSummary | null {
  if (trials.length === 0) return null;
  const seconds = secondsOf(trials);
  return {
    trials: trials.length,
    batchSize: Math.max(...trials.map(({ utterances }) => utterances.length)),
    utterancesPerS: bootstrapRatio(
      trials.map(({ utterances }) => utterances.length),
      seconds,
    ),
    audioSPerS: bootstrapRatio(
      trials.map(({ audioS }) => audioS),
      seconds,
    ),
  };
}

function summarizeAccuracy(trials: readonly Observation[]): AccuracySummary | null {
  if (trials.length === 0) return null;
  const words = countEach(trials, countWordEdits);
  const characters = countEach(trials, countCharacterEdits);
  return {
    utterances: trials.length,
    words: sum(words.map(unitsOf)),
    substitutions: sum(words.map(({ substitutions }) => substitutions)),
    deletions: sum(words.map(({ deletions }) => deletions)),
    insertions: sum(words.map(({ insertions }) => insertions)),
    wer: bootstrapRatio(words.map(editsOf), words.map(unitsOf)),
    cer: bootstrapRatio(characters.map(editsOf), characters.map(unitsOf)),
  };
}

function compare(base: Measured, own: Measured): Comparison {
  return {
    base: base.id,
    latencySpeedUp: latencySpeedUp(base.latency, own.latency),
    throughputSpeedUp: throughputSpeedUp(base.throughput, own.throughput),
    compression: base.sizeBytes / own.sizeBytes,
    werChange: werChange(base.accuracy, own.accuracy),
    sameText: sameText(base.accuracy, own.accuracy),
  };
}

function latencySpeedUp(base: readonly Observation[], own: readonly Observation[]): Estimate {
  const other = byUtterance(own);
  const pairs = [...byUtterance(base)].flatMap(([id, times]) => {
    const paired = other.get(id);
    return paired === undefined ? [] : [{ base: times, own: paired }];
  });
  return bootstrap(pairs.length, (drawn) => meanOf(drawn, pairs, 'base') / meanOf(drawn, pairs, 'own'));
}

function meanOf<K extends string>(drawn: Int32Array, pairs: readonly Record<K, readonly number[]>[], side: K): number {
  let total = 0;
  let count = 0;
  for (const index of drawn) {
    const times = at(pairs, index)[side];
    for (const time of times) total += time;
    count += times.length;
  }
  return total / count;
}

function throughputSpeedUp(base: readonly Observation[], own: readonly Observation[]): Estimate {
  const pairs = paired(base, own, ({ trial }) => String(trial));
  const [before, after] = [secondsOf(pairs.map(([one]) => one)), secondsOf(pairs.map(([, other]) => other))];
  return bootstrapRatio(before, after);
}

function werChange(base: readonly Observation[], own: readonly Observation[]): Estimate {
  const pairs = paired(base, own, utteranceOf);
  const before = countEach(
    pairs.map(([one]) => one),
    countWordEdits,
  );
  const after = countEach(
    pairs.map(([, other]) => other),
    countWordEdits,
  );
  const change = after.map((counts, index) => editsOf(counts) - editsOf(at(before, index)));
  return bootstrapRatio(change, before.map(unitsOf));
}

function sameText(base: readonly Observation[], own: readonly Observation[]): number {
  const pairs = paired(base, own, utteranceOf);
  return pairs.filter(([one, other]) => one.texts[0] === other.texts[0]).length / pairs.length;
}

function paired(
  base: readonly Observation[],
  own: readonly Observation[],
  keyOf: (observation: Observation) => string,
): readonly (readonly [Observation, Observation])[] {
  const others = new Map(own.map((observation) => [keyOf(observation), observation]));
  return base.flatMap((observation) => {
    const other = others.get(keyOf(observation));
    return other === undefined ? [] : [[observation, other] as const];
  });
}

function byUtterance(trials: readonly Observation[]): Map<string, number[]> {
  const times = new Map<string, number[]>();
  for (const trial of trials) {
    const id = utteranceOf(trial);
    const own = times.get(id);
    if (own === undefined) times.set(id, [trial.totalMs]);
    else own.push(trial.totalMs);
  }
  return times;
}

function countEach(
  trials: readonly Observation[],
  count: (reference: string, hypothesis: string) => EditCounts,
): readonly EditCounts[] {
  return trials.map(({ references, texts, utterances }) => {
    const [reference, text] = [references?.[0], texts[0]];
    if (reference !== undefined && text !== undefined) return count(reference, text);
    throw new InputError(
      `observations: a text and its reference were required of each accuracy trial, got none for ${utterances.join(', ')}; run the experiment again`,
    );
  });
}

function utteranceOf({ utterances }: Observation): string {
  return utterances[0] ?? '';
}

function secondsOf(trials: readonly Observation[]): readonly number[] {
  return trials.map(({ totalMs }) => totalMs / 1000);
}

function editsOf({ substitutions, deletions, insertions }: EditCounts): number {
  return substitutions + deletions + insertions;
}

function unitsOf({ substitutions, deletions, hits }: EditCounts): number {
  return substitutions + deletions + hits;
}

function lengthOf(values: readonly number[]): number {
  return values.length;
}

function at<T>(values: readonly T[], index: number): T {
  return values[index] as T;
}
