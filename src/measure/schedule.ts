import { balancedOrder, createRandom } from './random.js';

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

/** Trials of one condition that run without a pause. */
export interface Block {
  readonly condition: string;
  readonly phase: Phase;
  /** First trial. */
  readonly from: number;
  /** Behind the last trial. */
  readonly to: number;
}

/** Phases in the order in which they run. */
export const PHASES: readonly Phase[] = ['latency', 'throughput', 'accuracy'];

/**
 * Trials that run before another condition has its turn. Short enough that a slow minute of a shared machine meets all
 * conditions alike, long enough that the pauses between blocks are a few per cent.
 */
const BLOCK_TRIALS: Readonly<Record<Phase, number>> = { latency: 30, throughput: 10, accuracy: 100 };

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
 * Orders the trials of all conditions: phase by phase, the conditions taking turns in blocks. The order of the conditions
 * turns round from one block to the next (A B, B A, A B …), so that a machine that slows down or speeds up steadily favours none.
 *
 * @param conditions - ids
 * @param trials - see {@link drawTrials}
 */
export function orderBlocks(conditions: readonly string[], trials: Trials): readonly Block[] {
  const blocks: Block[] = [];
  for (const phase of PHASES) {
    const length = trials[phase].length;
    const size = BLOCK_TRIALS[phase];
    for (let from = 0, turn = 0; from < length; from += size, turn++) {
      const order = turn % 2 === 0 ? conditions : [...conditions].reverse();
      for (const condition of order) blocks.push({ condition, phase, from, to: Math.min(from + size, length) });
    }
  }
  return blocks;
}
