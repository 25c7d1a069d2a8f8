import { InputError } from '../errors.js';
import { type Heard, summarizeAccuracy, wordEditsOf } from '../measure/accuracy/accuracy.js';
import { summarizeLoss } from '../measure/accuracy/referenceLoss.js';
import { compareTexts, type TextComparison } from '../measure/accuracy/textComparison.js';
import { summarizeLatency, widenLatency } from '../measure/latency/latency.js';
import { compareTimes } from '../measure/latency/speedUp.js';
import { startOf } from '../measure/schedule.js';
import { FEWEST_STARTS, type StartSpread, spreadOf, widen } from '../measure/statistics/betweenStarts.js';
import { bootstrapRatio } from '../measure/statistics/bootstrap.js';
import { overExpected } from '../measure/statistics/stability.js';
import { mean, sum } from '../measure/statistics/statistics.js';
import type { ReferenceLoss } from '../recognise/kinds/kind.js';
import type { NormaliserName } from '../speech/text/normaliser.js';
import { ratesOf } from '../speech/text/wer.js';
import { outcomeOf } from './outcomeOf.js';
import { readRun } from './runFolder.js';
import type {
  BatchTexts,
  Comparison,
  ConditionSummary,
  Estimate,
  Observation,
  Outcome,
  Phase,
  RunRecord,
  SpeedUp,
  StartsSummary,
  Summary,
  ThroughputSummary,
} from './schema.js';
import { RESULTS_SCHEMA } from './schema.js';
import { warningsOf } from './warnings.js';

/** What the figures of one condition are computed from. */
type Measured = { readonly id: string; readonly model: string; readonly sizeBytes: number } & Readonly<
  Record<Phase, readonly Observation[]>
>;

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
 * drawn together; comparisons of times are paired by trial and drawn by turn, those of accuracy by utterance. Where a run had three
 * independent starts or more, the intervals of times hold what the starts differ by.
 *
 * @param run - what was planned, and how it ended
 * @param observations - in any order; of a trial that is there twice the first counts
 * @throws {InputError} when a measured condition has no trials
 */
export function summarize(run: RunRecord, observations: readonly Observation[]): Summary {
  const { normaliser } = run.protocol;
  const measured = run.conditions.flatMap(({ id, model }): Measured[] => {
    const outcome = outcomeOf(run, id);
    if (outcome?.status !== 'measured') return [];
    const own = (phase: Phase): readonly Observation[] => inOrder(observations, id, phase, partsOf(run));
    const phases = { latency: own('latency'), throughput: own('throughput'), accuracy: own('accuracy') };
    return [{ id, model, sizeBytes: outcome.sizeBytes, ...phases }];
  });
  const conditions = run.conditions.map((condition): ConditionSummary => {
    const outcome: Outcome = outcomeOf(run, condition.id) ?? { status: 'failed', reason: 'the run has not finished' };
    const own = measured.find(({ id }) => id === condition.id);
    const base = measured.find(({ id, model }) => (condition.base ? id === condition.base : model === condition.model));
    if (own === undefined) {
      return { condition, outcome, latency: null, throughput: null, accuracy: null, comparison: null };
    }
    const judged = run.protocol.accuracy !== false;
    const searched = judged && run.protocol.languageModel !== undefined;
    const starts = summarizeStarts(own);
    const latency = summarizeLatency(own.latency);
    const loss = judged ? summarizeLoss(...lossesOf(own, base)) : null;
    return {
      condition,
      outcome,
      latency: starts === null ? latency : widenLatency(latency, starts.latency),
      throughput: {
        ...summarizeThroughput(own.throughput, starts?.throughput),
        ...(judged && { texts: compareBatches(own, normaliser) }),
      },
      accuracy: judged ? summarizeAccuracy(own.accuracy.map(heardIn), normaliser) : null,
      ...(searched && { beamAccuracy: summarizeAccuracy(own.accuracy.map(heardByBeam), normaliser) }),
      comparison: base === undefined || own === base ? null : compare(base, own, normaliser),
      ...(loss !== null && { loss }),
      ...(judged && { wordEdits: wordEditsOf(own.accuracy.map(heardIn), normaliser) }),
      ...(starts !== null && { starts }),
    };
  });
  return { schema: RESULTS_SCHEMA, run, conditions, warnings: warningsOf(run, conditions) };
}

/** Losses of a condition, and of its base for the same utterances. */
function lossesOf(own: Measured, base: Measured | undefined): Parameters<typeof summarizeLoss> {
  const lossOf = (observation: Observation | undefined): ReferenceLoss | null => observation?.losses?.[0] ?? null;
  const losses = own.accuracy.map(lossOf);
  if (base === undefined || own === base) return [losses];
  const before = new Map(base.accuracy.map((observation) => [utteranceOf(observation), observation]));
  return [losses, own.accuracy.map((observation) => lossOf(before.get(utteranceOf(observation))))];
}

/** Starts of all shards together; `null` where there was one. */
function partsOf({ protocol: { starts = 1 }, shards, shard }: RunRecord): number | null {
  return starts === 1 ? null : starts * (shards?.length ?? shard?.count ?? 1);
}

/** In the order in which they ran, where that is known: start by start. */
function inOrder(
  observations: readonly Observation[],
  condition: string,
  phase: Phase,
  parts: number | null,
): readonly Observation[] {
  const byTrial = new Map<number, Observation>();
  for (const observation of observations) {
    if (observation.condition !== condition || observation.phase !== phase) continue;
    if (!byTrial.has(observation.trial)) byTrial.set(observation.trial, observation);
  }
  const rising = [...byTrial.values()].sort((one, other) => one.trial - other.trial);
  if (parts === null || phase === 'accuracy') return rising;
  return rising
    .map((one) => ({ ...one, start: startOf(one.trial, parts) }))
    .sort((one, other) => one.start - other.start);
}

/** `null` where there were too few starts to say anything. */
function summarizeStarts({ latency, throughput }: Measured): StartsSummary | null {
  const durations = new Map(latency.map(({ utterances: [id = ''], audioS }) => [id, audioS]));
  const [single, batched] = [byStart(latency), byStart(throughput)];
  if (Math.min(single.length, batched.length) < FEWEST_STARTS) return null;
  return {
    latencyMs: single.map((trials) => mean(trials.map(({ totalMs }) => totalMs))),
    audioSPerS: batched.map((trials) => sum(trials.map(({ audioS }) => audioS)) / sum(trials.map(secondsOf))),
    latency: spreadOf(factorsOf(latency, durations)),
    throughput: spreadOf(factorsOf(throughput, durations)),
  };
}

function byStart<One extends Observation>(trials: readonly One[]): readonly (readonly One[])[] {
  const starts = new Map<number, One[]>();
  for (const trial of trials) {
    const start = trial.start ?? 0;
    starts.set(start, [...(starts.get(start) ?? []), trial]);
  }
  return [...starts.values()];
}

/** Of each start: its time over what is usual for so much sound. */
function factorsOf(trials: readonly Observation[], durations: ReadonlyMap<string, number>): readonly number[] {
  const ratios = overExpected(
    trials.map(({ totalMs }) => totalMs),
    trials.map((trial) => paddedS(trial, durations)),
  );
  return byStart(trials.map((trial, place) => ({ ...trial, ratio: ratios[place] ?? 1 }))).map(
    (start) => sum(start.map(({ totalMs }) => totalMs)) / sum(start.map(({ totalMs, ratio }) => totalMs / ratio)),
  );
}

/** Seconds that a batch takes, each utterance as long as the longest: its time follows these, not the sound. */
function paddedS({ utterances, audioS }: Observation, durations: ReadonlyMap<string, number>): number {
  const lengths = utterances.flatMap((id) => durations.get(id) ?? []);
  return lengths.length < utterances.length ? audioS : utterances.length * Math.max(...lengths);
}

function summarizeThroughput(trials: readonly Observation[], spread: StartSpread | undefined): ThroughputSummary {
  const seconds = trials.map(secondsOf);
  const utterances = trials.map((trial) => trial.utterances.length);
  const sound = trials.map(({ audioS }) => audioS);
  const rate = (amounts: readonly number[]): Estimate => {
    const estimate = bootstrapRatio(amounts, seconds);
    return spread === undefined ? estimate : widen(estimate, spread);
  };
  return {
    trials: trials.length,
    batchSize: Math.max(...utterances),
    utterancesPerS: rate(utterances),
    audioSPerS: rate(sound),
  };
}

/** Sets what was heard in batches beside what was heard alone. */
function compareBatches({ throughput, accuracy }: Measured, normaliser: NormaliserName | undefined): BatchTexts {
  const alone = new Map(accuracy.map((trial) => [utteranceOf(trial), heardIn(trial)]));
  const rounds: Heard[][] = [];
  const times = new Map<string, number>();
  let [heard, changed] = [0, 0];
  for (const { utterances, texts } of throughput) {
    for (const [place, id] of utterances.entries()) {
      const known = alone.get(id);
      const text = texts[place];
      if (known === undefined || text === undefined) continue;
      const round = times.get(id) ?? 0;
      times.set(id, round + 1);
      rounds[round] = [...(rounds[round] ?? []), { ...known, text }];
      heard++;
      if (text !== known.text) changed++;
    }
  }
  const whole = rounds.filter((round) => round.length === accuracy.length);
  const rates = whole.map((round) => ratesOf(round, normaliser).wer);
  const wer = rates.length === 0 ? null : { lowest: Math.min(...rates), highest: Math.max(...rates) };
  return { heard, changed, rounds: whole.length, wer };
}

function compare(base: Measured, own: Measured, normaliser: NormaliserName | undefined): Comparison {
  const heard = paired(base.accuracy, own.accuracy, utteranceOf);
  const judged = heard.length === 0 ? null : compareHeard(heard, heardIn, normaliser);
  const searched = heard.some(([one]) => one.secondTexts !== undefined);
  const { werChange = null, sameText = null, ...significance } = judged ?? {};
  return {
    base: base.id,
    latencySpeedUp: speedUp(base.latency, own.latency),
    throughputSpeedUp: speedUp(base.throughput, own.throughput),
    compression: base.sizeBytes / own.sizeBytes,
    werChange,
    sameText,
    ...(searched && { beamWerChange: compareHeard(heard, heardByBeam, normaliser).werChange }),
    ...(judged !== null && { significance: significance as NonNullable<Comparison['significance']> }),
  };
}

function compareHeard(
  pairs: readonly Pair[],
  heardOf: (observation: Observation) => Heard,
  normaliser: NormaliserName | undefined,
): TextComparison {
  return compareTexts(
    pairs.map(([one]) => heardOf(one)),
    pairs.map(([, other]) => heardOf(other)),
    { normaliser },
  );
}

function speedUp(base: readonly Observation[], own: readonly Observation[]): SpeedUp {
  const pairs = paired(base, own, ({ trial }) => trial);
  return compareTimes(
    pairs.map(([one]) => one),
    pairs.map(([, other]) => other),
  );
}

/** The same trial in two conditions. */
type Pair = readonly [Observation, Observation];

function paired(
  base: readonly Observation[],
  own: readonly Observation[],
  keyOf: (observation: Observation) => string | number,
): readonly Pair[] {
  const others = new Map(own.map((observation) => [keyOf(observation), observation]));
  return base.flatMap((observation): Pair[] => {
    const other = others.get(keyOf(observation));
    return other === undefined ? [] : [[observation, other]];
  });
}

function heardByBeam(observation: Observation): Heard {
  return heardIn({ ...observation, texts: observation.secondTexts ?? [] });
}

function heardIn({ references, speakers, texts, utterances }: Observation): Heard {
  const [reference, text] = [references?.[0], texts[0]];
  if (reference !== undefined && text !== undefined) return { reference, text, speaker: speakers?.[0] };
  throw new InputError(
    `observations: a text and its reference were required of each accuracy trial, got none for ${utterances.join(', ')}; run the experiment again`,
  );
}

function utteranceOf({ utterances }: Observation): string {
  return utterances[0] ?? '';
}

function secondsOf({ totalMs }: Observation): number {
  return totalMs / 1000;
}
