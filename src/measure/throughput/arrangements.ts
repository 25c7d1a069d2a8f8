import { InputError } from '../../errors.js';
import { createRandom, permutation } from '../../random.js';

/** How a machine is divided to hear many utterances. */
export interface Arrangement {
  /** Utterances that go through the network together. */
  readonly batchSize: number;
  /** Whether utterances of like length go together; else they are in random order. */
  readonly sorted: boolean;
  /** Processes that hear at the same time. */
  readonly streams: number;
  /** Threads of one operator, in each process. */
  readonly threads: number;
}

/** Processes and the threads of each. */
export type Division = Pick<Arrangement, 'streams' | 'threads'>;

/** What is tried. */
export interface ArrangementOptions {
  /** Default: 1, 2, 4, 8, 16, 32. */
  readonly batchSizes?: readonly number[] | undefined;
  /** Processes that are tried. Default: every number that divides the cores into equal parts, half as many again as cores, and one of one thread. */
  readonly streams?: readonly number[] | undefined;
}

/** Batch sizes that are tried where nothing else is said. */
export const BATCH_SIZES: readonly number[] = [1, 2, 4, 8, 16, 32];

/**
 * Lists what is tried on a machine: each division of its cores with each batch size, sorted by length; and one stream of all cores
 * with batches in random order, which shows what padding costs.
 *
 * @param cores - that may be used
 * @throws {InputError} when a size or a number of streams is not a whole number from 1
 */
export function planArrangements(cores: number, options: ArrangementOptions = {}): readonly Arrangement[] {
  const batchSizes = [...new Set(options.batchSizes ?? BATCH_SIZES)];
  for (const value of [...batchSizes, ...(options.streams ?? [])]) {
    if (Number.isInteger(value) && value >= 1 && value <= 4096) continue;
    throw new InputError(`arrangement: whole numbers in 1…4096 were required, got ${value}; 1,2,4,8 are usual`);
  }
  const divisions = options.streams === undefined ? divide(cores) : divideInto(cores, options.streams);
  const sorted = divisions.flatMap((division) =>
    batchSizes.map((batchSize) => ({ ...division, batchSize, sorted: true })),
  );
  const [first] = divisions;
  const widest = divisions.find(({ streams }) => streams === 1) ?? first;
  if (widest === undefined) throw new InputError('arrangement: one number of streams was required, got none; give one');
  const shuffled = batchSizes.filter((size) => size > 1).map((batchSize) => ({ ...widest, batchSize, sorted: false }));
  return [...sorted, ...shuffled];
}

function divide(cores: number): readonly Division[] {
  const equal = Array.from({ length: cores }, (_, index) => index + 1).filter((streams) => cores % streams === 0);
  const even = equal.map((streams) => ({ streams, threads: cores / streams }));
  if (cores === 1) return [...even, { streams: 2, threads: 1 }];
  return [...even, { streams: Math.ceil(1.5 * cores), threads: 1 }, { streams: 1, threads: 1 }];
}

function divideInto(cores: number, streams: readonly number[]): readonly Division[] {
  return [...new Set(streams)].map((count) => ({ streams: count, threads: Math.max(1, Math.floor(cores / count)) }));
}

/** What an arrangement is called: `2 × 1 threads, batch 8`. */
export function nameArrangement({ streams, threads, batchSize, sorted }: Arrangement): string {
  const label = threads === 1 ? 'thread' : 'threads';
  return `${streams} × ${threads} ${label}, batch ${batchSize}${sorted || batchSize === 1 ? '' : ', unsorted'}`;
}

/**
 * Cuts utterances into batches.
 *
 * @param durationsS - of each utterance
 * @param seed - of the order, where they are not sorted
 * @returns indices; sorted batches begin with the longest, so that streams end at about the same time
 */
export function cutBatches(
  durationsS: readonly number[],
  { batchSize, sorted }: Pick<Arrangement, 'batchSize' | 'sorted'>,
  seed: number,
): readonly (readonly number[])[] {
  const order = sorted
    ? [...durationsS.keys()].sort((a, b) => (durationsS[b] ?? 0) - (durationsS[a] ?? 0))
    : permutation(durationsS.length, createRandom(seed));
  return Array.from({ length: Math.ceil(order.length / batchSize) }, (_, batch) =>
    order.slice(batch * batchSize, (batch + 1) * batchSize),
  );
}

/**
 * Share of what the network reads that is padding: each utterance is as long as the longest of its batch.
 *
 * @param durationsS - of each utterance
 * @param batches - see {@link cutBatches}
 * @returns a fraction
 */
export function paddingShare(durationsS: readonly number[], batches: readonly (readonly number[])[]): number {
  let sound = 0;
  let read = 0;
  for (const batch of batches) {
    const lengths = batch.map((index) => durationsS[index] ?? 0);
    sound += lengths.reduce((sum, length) => sum + length, 0);
    read += lengths.length * Math.max(...lengths);
  }
  return read === 0 ? 0 : 1 - sound / read;
}
