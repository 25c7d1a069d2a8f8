import { availableParallelism } from 'node:os';
import { InputError } from '../../errors.js';
import { Pool } from '../../process/pool.js';
import { type SessionControl, withModels } from '../../process/session.js';
import { createRandom, DEFAULT_SEED, permutation } from '../../random.js';
import type { ResolvedModel } from '../../recognise/model.js';
import { recordingOf } from '../../speech/corpora/recordings.js';
import type { NormaliserName } from '../../speech/text/normaliser.js';
import type { Utterance } from '../../speech/types.js';
import { type AccuracySummary, summarizeAccuracy } from '../accuracy/accuracy.js';
import { bootstrapRatio, type Estimate } from '../statistics/bootstrap.js';
import { sum } from '../statistics/statistics.js';
import {
  type Arrangement,
  type ArrangementOptions,
  cutBatches,
  nameArrangement,
  paddingShare,
  planArrangements,
} from './arrangements.js';

/** How throughput is measured. */
export interface OfflineOptions extends ArrangementOptions, SessionControl {
  /** What is heard in each pass. */
  readonly utterances: readonly Utterance[];
  /** Passes of each arrangement. Default: 5. */
  readonly rounds?: number | undefined;
  /** Cores that may be used. Default: all. */
  readonly cores?: number | undefined;
  readonly seed?: number;
  /** Called after each pass, with all so far: whoever keeps them loses nothing when the rest is not measured. */
  readonly onPass?: (passes: readonly OfflinePass[], total: number) => void | Promise<void>;
}

/** All utterances, heard once. */
export interface OfflinePass {
  /** Id of the model's card. */
  readonly model: string;
  readonly arrangement: Arrangement;
  /** From 0; in each round every arrangement has one pass, in random order. */
  readonly round: number;
  /** From the first batch sent to the last text received, in seconds. */
  readonly wallS: number;
  /** What was recognised, in the order of the utterances. */
  readonly texts: readonly string[];
}

/** How much one arrangement hears. */
export interface ArrangementResult {
  readonly arrangement: Arrangement;
  readonly name: string;
  readonly passes: number;
  /** Seconds of sound for each second: RTFx. The interval draws passes. */
  readonly rtfx: Estimate;
  readonly utterancesPerS: Estimate;
  /** Share of what the network read that was padding. */
  readonly paddingShare: number;
  readonly accuracy: AccuracySummary;
  /** Utterances whose text was another in a later pass. */
  readonly unsteadyTexts: number;
}

/** How much a model hears on this machine. */
export interface OfflineReport {
  /** Id of its card. */
  readonly model: string;
  readonly utterances: number;
  readonly audioS: number;
  /** The highest throughput first. */
  readonly results: readonly ArrangementResult[];
  /** Name of the first. */
  readonly best: string;
  /** Names of those that cannot be told from the best: the interval of the ratio, drawn by rounds, holds 1. */
  readonly equals: readonly string[];
}

const DEFAULT_ROUNDS = 5;

/**
 * Measures how much models hear when all utterances are there from the start (MLPerf's offline scenario), for batch sizes and
 * divisions of the cores. Each pass has processes of its own, loaded and warm before its clock starts; passes of all models and
 * arrangements come in random order, round by round. A process that is done with a batch takes the next.
 *
 * @param models - at least one
 * @returns every pass; {@link summarizeOffline} tells what follows from them
 * @throws {InputError} when there is no model or no utterance, or an option is not possible
 * @throws {UnavailableError} when a process breaks
 */
export async function measureOffline(
  models: readonly ResolvedModel[],
  options: OfflineOptions,
): Promise<readonly OfflinePass[]> {
  const { utterances, rounds = DEFAULT_ROUNDS, seed = DEFAULT_SEED, cores = availableParallelism() } = options;
  if (models.length === 0 || utterances.length === 0) {
    const what = models.length === 0 ? 'model' : 'utterance';
    throw new InputError(`throughput: at least one ${what} was required, got none; name one`);
  }
  if (!(Number.isInteger(rounds) && rounds >= 1)) {
    throw new InputError(`rounds: a whole number from 1 was required, got ${rounds}; 5 is usual`);
  }
  const arrangements = planArrangements(cores, options);
  const random = createRandom(seed);
  const passes: OfflinePass[] = [];
  const total = models.length * arrangements.length * rounds;
  for (let round = 0; round < rounds; round++) {
    for (const place of permutation(models.length * arrangements.length, random)) {
      const model = models[Math.floor(place / arrangements.length)] as ResolvedModel;
      const arrangement = arrangements[place % arrangements.length] as Arrangement;
      passes.push({ model: model.card.id, arrangement, round, ...(await runPass(model, arrangement, options, seed)) });
      await options.onPass?.(passes, total);
    }
  }
  return passes;
}

async function runPass(
  model: ResolvedModel,
  arrangement: Arrangement,
  { utterances, signal, workerPath }: OfflineOptions,
  seed: number,
): Promise<Pick<OfflinePass, 'wallS' | 'texts'>> {
  const batches = cutBatches(
    utterances.map(({ durationS }) => durationS),
    arrangement,
    seed,
  );
  const { streams, threads } = arrangement;
  // The largest, so that no pass pays for memory.
  const warmUp = [batches[0] ?? []];
  const setup = { threads, recordings: utterances.map(recordingOf), warmUp, atOnce: true, signal, workerPath };
  return await withModels(Array<ResolvedModel>(streams).fill(model), setup, async (open) => {
    const texts: string[] = utterances.map(() => '');
    const pool = new Pool<readonly number[], readonly string[]>(
      open.map(({ process }) => process),
      { serve: async (process, [batch = []]) => [(await process.trial(batch)).texts] },
    );
    const started = performance.now();
    const hear = async (batch: readonly number[]): Promise<void> => {
      const heard = await pool.run(batch);
      for (const [place, index] of batch.entries()) texts[index] = heard[place] ?? '';
    };
    await Promise.all(batches.map(hear));
    return { wallS: (performance.now() - started) / 1000, texts };
  });
}

/**
 * Tells from passes how much each model hears in each arrangement, and which is best.
 *
 * @param passes - at least one; rounds need not be complete
 * @param utterances - that were heard
 * @param options - seed of the passes, and form in which texts are compared (default `plain`)
 */
export function summarizeOffline(
  passes: readonly OfflinePass[],
  utterances: readonly Utterance[],
  { seed = DEFAULT_SEED, normaliser }: Pick<OfflineOptions, 'seed'> & { readonly normaliser?: NormaliserName } = {},
): readonly OfflineReport[] {
  const durations = utterances.map(({ durationS }) => durationS);
  const audioS = sum(durations);
  return [...groupBy(passes, ({ model }) => model)].map(([model, own]) => {
    const results = [...groupBy(own, ({ arrangement }) => nameArrangement(arrangement)).values()]
      .map((group) => describe(group, utterances, audioS, paddingOf(group, durations, seed), normaliser))
      .sort((a, b) => b.rtfx.value - a.rtfx.value);
    const best = results[0]?.name ?? '';
    const others = results.slice(1).filter(({ name }) => isEqual(own, best, name));
    return { model, utterances: utterances.length, audioS, results, best, equals: others.map(({ name }) => name) };
  });
}

function groupBy(
  passes: readonly OfflinePass[],
  nameOf: (pass: OfflinePass) => string,
): ReadonlyMap<string, readonly OfflinePass[]> {
  const groups = new Map<string, OfflinePass[]>();
  for (const pass of passes) groups.set(nameOf(pass), [...(groups.get(nameOf(pass)) ?? []), pass]);
  return groups;
}

function paddingOf(group: readonly OfflinePass[], durations: readonly number[], seed: number): number {
  const { arrangement } = group[0] as OfflinePass;
  return paddingShare(durations, cutBatches(durations, arrangement, seed));
}

function describe(
  group: readonly OfflinePass[],
  utterances: readonly Utterance[],
  audioS: number,
  padding: number,
  normaliser: NormaliserName | undefined,
): ArrangementResult {
  const [first] = group as readonly [OfflinePass];
  const seconds = group.map(({ wallS }) => wallS);
  const each = (value: number): Estimate =>
    bootstrapRatio(
      seconds.map(() => value),
      seconds,
    );
  return {
    arrangement: first.arrangement,
    name: nameArrangement(first.arrangement),
    passes: group.length,
    rtfx: each(audioS),
    utterancesPerS: each(utterances.length),
    paddingShare: padding,
    accuracy: summarizeAccuracy(
      utterances.map(({ text }, index) => ({ reference: text, text: first.texts[index] ?? '' })),
      normaliser,
    ),
    unsteadyTexts: first.texts.filter((text, index) => group.some(({ texts }) => texts[index] !== text)).length,
  };
}

/** Whether another arrangement may be as good as the best: compared round by round, since both met the same minutes. */
function isEqual(passes: readonly OfflinePass[], best: string, other: string): boolean {
  const secondsOf = (name: string): ReadonlyMap<number, number> =>
    new Map(
      passes.filter((pass) => nameArrangement(pass.arrangement) === name).map((pass) => [pass.round, pass.wallS]),
    );
  const [a, b] = [secondsOf(best), secondsOf(other)];
  const rounds = [...a.keys()].filter((round) => b.has(round));
  if (rounds.length < 2) return true;
  const at = (times: ReadonlyMap<number, number>): number[] => rounds.map((round) => times.get(round) ?? 0);
  return bootstrapRatio(at(b), at(a)).low <= 1;
}
