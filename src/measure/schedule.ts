import type { MeasuringProcess } from '../process/process.js';
import type { Trial } from '../process/protocol.js';
import type { Turns, TurnTimes } from '../process/turns.js';
import { balancedOrder, createRandom, permutation } from '../random.js';

/** What is timed: `latency` one utterance, `throughput` one batch; `accuracy` transcribes each utterance once. */
export type Phase = 'latency' | 'throughput' | 'accuracy';

/** How many trials there are, and where chance comes from. */
export interface TrialCounts {
  readonly latencyTrials: number;
  readonly throughputTrials: number;
  /** Utterances in one throughput trial. */
  readonly batchSize: number;
  readonly seed: number;
}

/** For each phase its trials, for each trial the indices of its utterances. The same for every condition. */
export type Trials = Readonly<Record<Phase, readonly (readonly number[])[]>>;

/** A part of the trials, for one of several machines. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/** All trials in one place. */
export const WHOLE: Shard = { index: 1, count: 1 };

/**
 * The parts of a run, or of a shard of it, that are measured each by processes of its own, one part after the other: independent
 * starts. A part takes every n-th trial, as a shard does, so that a trial tells of which start it is ({@link startOf}).
 *
 * @param starts - how many. Default: 1
 */
export function startsOf(starts: number = 1, { index, count }: Shard = WHOLE): readonly Shard[] {
  return Array.from({ length: starts }, (_, start) => ({ index: index + start * count, count: starts * count }));
}

/**
 * In which start a trial ran.
 *
 * @param parts - starts of all shards together
 */
export function startOf(trial: number, parts: number): number {
  return trial % parts;
}

/** Trials of one condition that run one behind another. */
export interface Block {
  readonly condition: string;
  readonly phase: Phase;
  /** Number of the turn within its phase: in each turn every condition runs the same trials. Unique across shards. */
  readonly turn: number;
  /** Numbers of the trials. */
  readonly trials: readonly number[];
}

/** Where the order of the conditions comes from, and which of the trials are wanted. */
export interface OrderOptions {
  readonly seed: number;
  /** Default: all trials. */
  readonly shard?: Shard | undefined;
}

/** Phases in the order in which they run. */
export const PHASES: readonly Phase[] = ['latency', 'throughput', 'accuracy'];

/**
 * Trials that run before another condition has its turn. Few, so that a slow second of a shared machine meets all
 * conditions alike and a comparison has many turns to draw from; of `accuracy`, whose times nobody reads, more.
 */
const BLOCK_TRIALS: Readonly<Record<Phase, number>> = { latency: 5, throughput: 5, accuracy: 50 };

/** Runs of a process before its trials, where nothing else is said. */
export const WARM_UP_RUNS = 3;

/**
 * Draws which utterances each trial hears: permutations of all of them, one behind another, so that each is used equally
 * often to within one. `accuracy` hears each once, in the order of the manifest.
 *
 * @param protocol - trials, batch size and seed
 * @param utterances - how many there are
 */
export function drawTrials(protocol: TrialCounts, utterances: number): Trials {
  const { latencyTrials, throughputTrials, batchSize, seed } = protocol;
  const single = balancedOrder(latencyTrials, utterances, createRandom(seed));
  const batched = balancedOrder(throughputTrials * batchSize, utterances, createRandom(seed + 1));
  return {
    latency: single.map((index) => [index]),
    throughput: Array.from({ length: throughputTrials }, (_, trial) =>
      batched.slice(trial * batchSize, (trial + 1) * batchSize),
    ),
    accuracy: Array.from({ length: utterances }, (_, index) => [index]),
  };
}

/**
 * Orders the trials of all conditions: phase by phase, turn by turn; in each turn every condition runs the same trials,
 * and the order of the conditions is drawn anew, so that no rhythm of the machine favours one.
 *
 * A shard takes every n-th trial of each phase, always for all conditions: what is compared is measured on one machine.
 *
 * @param conditions - ids
 * @param trials - see {@link drawTrials}
 */
export function orderBlocks(conditions: readonly string[], trials: Trials, options: OrderOptions): readonly Block[] {
  const { seed, shard = WHOLE } = options;
  const random = createRandom(seed);
  const blocks: Block[] = [];
  for (const phase of PHASES) {
    const own = trialsOfShard(trials[phase].length, shard);
    const size = BLOCK_TRIALS[phase];
    for (let chunk = 0; chunk * size < own.length; chunk++) {
      const turn = chunk * shard.count + shard.index - 1;
      const turnTrials = own.slice(chunk * size, (chunk + 1) * size);
      for (const place of permutation(conditions.length, random)) {
        blocks.push({ condition: conditions[place] as string, phase, turn, trials: turnTrials });
      }
    }
  }
  return blocks;
}

/**
 * The trials of a shard: of all, every n-th.
 *
 * @param trials - how many there are
 */
export function trialsOfShard(trials: number, { index, count }: Shard): readonly number[] {
  const own: number[] = [];
  for (let trial = index - 1; trial < trials; trial += count) own.push(trial);
  return own;
}

/**
 * Runs that do not count, for the set-up of a process: the longest recording first, so that memory is large enough before the first trial;
 * then shorter ones.
 *
 * @param recordings - with their lengths
 * @param runs - how many
 */
export function warmUpOf(
  recordings: readonly { readonly durationS?: number | undefined }[],
  runs: number = WARM_UP_RUNS,
): readonly (readonly number[])[] {
  const lengthOf = (index: number): number => recordings[index]?.durationS ?? 0;
  const byLength = [...recordings.keys()].sort((a, b) => lengthOf(b) - lengthOf(a));
  return Array.from({ length: runs }, (_, run) => [byLength[run % byLength.length] as number]);
}

/**
 * Gives a process its turn, for one block of trials. The run before them, which does not count, hears what the trial before the
 * first one does.
 *
 * @param trials - see {@link drawTrials}
 * @param block - see {@link orderBlocks}; trials that are done already may be missing
 * @param onTrial - told each trial and its number
 */
export async function runBlock(
  turns: Turns,
  process: MeasuringProcess,
  trials: Trials,
  { phase, trials: numbers }: Pick<Block, 'phase' | 'trials'>,
  onTrial: (trial: Trial, number: number) => void,
): Promise<TurnTimes> {
  const own = trials[phase];
  const before = own.at((numbers[0] ?? 0) - 1) ?? [];
  const wanted = numbers.map((number) => own[number] ?? []);
  const onOne = (trial: Trial, index: number): void => onTrial(trial, numbers[index] ?? 0);
  return await turns.take(process, before, wanted, onOne, phase === 'accuracy');
}
