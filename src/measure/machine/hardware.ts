import type { SessionControl } from '../../process/session.js';
import { runKernel } from './kernelProcess.js';
import { type Kernel, maximumKernel, productKernel, readingKernel } from './kernels.js';

/** How fast memory of some size is read. */
export interface Bandwidth {
  /** Size of what is read again and again; small sets stay in the caches. */
  readonly setBytes: number;
  readonly bytesPerS: number;
}

/** Limits of a machine with a number of threads, as ONNX Runtime reaches them. */
export interface MachineLimits {
  readonly threads: number;
  /** Float32 operations each second; a multiply-add is two. */
  readonly float32PerS: number;
  /** Operations each second on bytes (unsigned times signed). */
  readonly int8PerS: number;
  /** From the smallest set to the largest. */
  readonly bandwidths: readonly Bandwidth[];
}

/** How limits are measured. */
export interface HardwareOptions extends SessionControl {
  /** Numbers of threads. */
  readonly threads: readonly number[];
  /** Sizes that are read, ascending. Default: 256 KiB to 256 MiB. */
  readonly setBytes?: readonly number[];
  /** Runs of each kernel in a process, of which the fastest counts. Default: 30. */
  readonly runs?: number;
  /** Fresh processes of each kernel, at least; see {@link confirmedPeak}. Default: 3. */
  readonly repeats?: number;
  /** Called after each kernel. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Sizes that are read: from within one core's cache to far beyond the last one. */
export const SET_BYTES: readonly number[] = [0.25, 1, 4, 16, 64, 256].map((mebibytes) => mebibytes * 2 ** 20);

const DEFAULT_RUNS = 30;
const DEFAULT_REPEATS = 3;

/** How many times as many processes as usual are tried until two agree. */
const MOST_PATIENCE = 3;

/** Share of a rate that another must reach to confirm it. */
const CONFIRMING_SHARE = 0.95;

/** From this size on a single reading lasts long enough to be timed. */
const SINGLE_READ_BYTES = 16 * 2 ** 20;

/**
 * Measures peak arithmetic and the speed of memory by small graphs in ONNX Runtime itself, so that they are limits of what a
 * model can reach there, not of the metal. The fastest counts that two processes agree on: other work on the machine only slows, and
 * may slow a whole process.
 *
 * @returns a row for each number of threads
 * @throws {UnavailableError} when a kernel does not run
 */
export async function measureHardware(options: HardwareOptions): Promise<readonly MachineLimits[]> {
  const { threads: counts, setBytes = SET_BYTES, runs = DEFAULT_RUNS, signal, workerPath } = options;
  const { repeats = DEFAULT_REPEATS } = options;
  const kernelsOf = (size: number): readonly Kernel[] =>
    size >= SINGLE_READ_BYTES ? [readingKernel(size), maximumKernel(size)] : [readingKernel(size)];
  const total = counts.length * (2 + setBytes.reduce((sum, size) => sum + kernelsOf(size).length, 0));
  let done = 0;
  const limits: MachineLimits[] = [];
  for (const threads of counts) {
    const rate = async (kernel: Kernel): Promise<number> => {
      const rates: number[] = [];
      let peak: number | null = null;
      while (rates.length < repeats || (peak === null && rates.length < MOST_PATIENCE * repeats)) {
        const { timesMs } = await runKernel(kernel, { threads, signal, workerPath, runs });
        rates.push((1000 * kernel.work) / Math.min(...timesMs));
        peak = confirmedPeak(rates);
      }
      options.onProgress?.(++done, total);
      return peak ?? Math.max(...rates);
    };
    const float32PerS = await rate(productKernel('float32'));
    const int8PerS = await rate(productKernel('int8'));
    const bandwidths: Bandwidth[] = [];
    for (const size of setBytes) {
      const rates: number[] = [];
      for (const kernel of kernelsOf(size)) rates.push(await rate(kernel));
      bandwidths.push({ setBytes: size, bytesPerS: Math.max(...rates) });
    }
    limits.push({ threads, float32PerS, int8PerS, bandwidths });
  }
  return limits;
}

/**
 * The highest of some rates that another confirms: one that reaches 95 % of it.
 *
 * @param rates - of processes that did the same
 * @returns `null` where no two agree; of a single one: that
 * @example confirmedPeak([100, 120, 99]) // 100: what was seen once may be a fault of the clock
 */
export function confirmedPeak(rates: readonly number[]): number | null {
  const falling = rates.toSorted((one, other) => other - one);
  if (falling.length === 1) return falling[0] ?? null;
  return falling.find((rate, place) => (falling[place + 1] ?? 0) >= CONFIRMING_SHARE * rate) ?? null;
}

/** The higher of the limits that were measured at two times with the same threads. */
export function higherLimits(one: MachineLimits, other: MachineLimits): MachineLimits {
  return {
    threads: one.threads,
    float32PerS: Math.max(one.float32PerS, other.float32PerS),
    int8PerS: Math.max(one.int8PerS, other.int8PerS),
    bandwidths: one.bandwidths.map(({ setBytes, bytesPerS }, place) => ({
      setBytes,
      bytesPerS: Math.max(bytesPerS, other.bandwidths[place]?.bytesPerS ?? 0),
    })),
  };
}

/**
 * How fast memory of a size is read: as fast as the next smaller set that was measured, so that it is an upper limit.
 *
 * @param limits - of a machine
 * @param setBytes - size of what is read again and again
 */
export function bandwidthFor({ bandwidths }: MachineLimits, setBytes: number): number {
  const smaller = bandwidths.filter((one) => one.setBytes <= setBytes);
  return (smaller.at(-1) ?? bandwidths[0])?.bytesPerS ?? Number.POSITIVE_INFINITY;
}

/** Numbers of threads worth measuring: 1, 2, 4 … and all. */
export function threadCounts(processors: number): readonly number[] {
  const counts: number[] = [];
  for (let count = 1; count < processors; count *= 2) counts.push(count);
  return [...counts, processors];
}
