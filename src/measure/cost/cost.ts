import { InputError } from '../../errors.js';
import type { Estimate } from '../statistics/bootstrap.js';
import type { InstancePrice } from './prices.js';

/** How fast a model transcribes on the machine that was measured. */
export interface MeasuredSpeed {
  readonly title: string;
  /** Seconds of sound each second (RTFx), of the whole machine. */
  readonly audioSPerS: Estimate;
  /** Processors that were at work. */
  readonly processors: number;
  /** Of the processors, as `process.arch`. */
  readonly architecture: string;
  /** How it was heard, in words: `batches of 8, 2 threads`. */
  readonly arrangement?: string | undefined;
}

/** Price of transcription on one kind of machine. */
export interface TranscriptionCost {
  readonly title: string;
  readonly provider: string;
  readonly instance: string;
  readonly usdPerHour: number;
  /** Seconds of sound each second on that machine. */
  readonly audioSPerS: Estimate;
  /** US dollars for 1,000 hours of sound, the machine always at work. */
  readonly usdPer1000Hours: Estimate;
  /** Whether the speed was computed for a machine that was not measured. */
  readonly estimated: boolean;
  /** What was assumed; `null` where nothing was. */
  readonly assumption: string | null;
  /** Page and date of the price; `null` for the reader's own. */
  readonly citation: string | null;
}

/** From which speed on a GPU is cheaper than processors for the same load. */
export interface BreakEven {
  readonly title: string;
  readonly gpu: InstancePrice;
  readonly cpu: TranscriptionCost;
  /** Machines without a GPU that cost as much as the one with it. */
  readonly cpuMachinesForThePrice: number;
  /** Seconds of sound each second that the GPU must reach. */
  readonly audioSPerS: Estimate;
}

/**
 * Price of 1,000 hours of sound on a machine that is always at work.
 *
 * @param usdPerHour - of the machine
 * @param audioSPerS - seconds of sound each second on it
 * @throws {InputError} when one is no number above 0
 * @example costPer1000Hours(0.5, 100) // 5: the machine is needed for 10 hours
 */
export function costPer1000Hours(usdPerHour: number, audioSPerS: number): number {
  requirePositive('price', usdPerHour);
  requirePositive('seconds of sound each second', audioSPerS);
  return (1000 * usdPerHour) / audioSPerS;
}

/**
 * Price of transcription on the machine that was measured, at a price of the reader's own.
 *
 * @throws {InputError} when the price is no number above 0
 */
export function costOfOwn(speed: MeasuredSpeed, machine: string, usdPerHour: number): TranscriptionCost {
  return {
    title: speed.title,
    provider: 'own',
    instance: machine,
    usdPerHour,
    audioSPerS: speed.audioSPerS,
    usdPer1000Hours: costs(usdPerHour, speed.audioSPerS),
    estimated: false,
    assumption: null,
    citation: null,
  };
}

/**
 * Estimates the price of transcription on a machine that was not measured: each of its virtual processors is taken to be as
 * fast as one of those that were.
 *
 * @throws {InputError} for a machine that works with a GPU, or with processors of another architecture: nothing is known of
 * their speed
 */
export function costOnInstance(speed: MeasuredSpeed, price: InstancePrice): TranscriptionCost {
  if (price.kind !== 'cpu') {
    throw new InputError(`${price.instance}: a machine without a GPU was required, got one; measure its speed`);
  }
  if (price.architecture !== speed.architecture) {
    throw new InputError(
      `${price.instance}: processors like the measured ones (${speed.architecture}) were required, got ${price.architecture}; measure there`,
    );
  }
  const factor = price.logicalProcessors / speed.processors;
  const audioSPerS = scale(speed.audioSPerS, factor);
  return {
    title: speed.title,
    provider: price.provider,
    instance: price.instance,
    usdPerHour: price.usdPerHour,
    audioSPerS,
    usdPer1000Hours: costs(price.usdPerHour, audioSPerS),
    estimated: true,
    assumption: `${speed.arrangement === undefined ? '' : `${speed.arrangement}; `}each of its ${price.logicalProcessors} virtual processors as fast as one of the ${speed.processors} measured`,
    citation: citationOf(price),
  };
}

/** Price of transcription on a GPU whose speed was measured elsewhere. */
export function costOnGpu(title: string, audioSPerS: number, price: InstancePrice): TranscriptionCost {
  const speed = { value: audioSPerS, low: audioSPerS, high: audioSPerS };
  return {
    title,
    provider: price.provider,
    instance: price.instance,
    usdPerHour: price.usdPerHour,
    audioSPerS: speed,
    usdPer1000Hours: costs(price.usdPerHour, speed),
    estimated: true,
    assumption: `its ${price.hardware} as fast as the one that the given speed is of`,
    citation: citationOf(price),
  };
}

/**
 * Computes how fast a GPU must be to cost no more than processors that carry the same load.
 *
 * @param cpu - price of transcription without a GPU
 * @param gpu - the machine with one
 */
export function breakEven(cpu: TranscriptionCost, gpu: InstancePrice): BreakEven {
  const factor = gpu.usdPerHour / cpu.usdPerHour;
  return {
    title: cpu.title,
    gpu,
    cpu,
    cpuMachinesForThePrice: factor,
    audioSPerS: scale(cpu.audioSPerS, factor),
  };
}

/** Two clusters of similar cost, and how much more one carries. */
export interface ClusterClaim {
  readonly cpuNodes: number;
  readonly gpuNodes: number;
  /** How much more the GPUs carry, as a fraction: 4.15 for 415 %. */
  readonly gain: number;
  readonly source: string;
}

/**
 * What the sources of this project say: five nodes without a GPU (35 pods) beside three with one, at similar cost, the latter
 * 415 % better in throughput. The address was found; of the page only the introduction was read, not the figure.
 */
export const CLUSTER_CLAIM: ClusterClaim = {
  cpuNodes: 5,
  gpuNodes: 3,
  gain: 4.15,
  source:
    'https://azure.microsoft.com/en-us/blog/gpus-vs-cpus-for-deployment-of-deep-learning-models/ (11 September 2018)',
};

/**
 * What a comparison of clusters says of their nodes.
 *
 * @returns how many times the price of a node without a GPU one with a GPU has, which is the break-even; and how many times as
 *   fast it then is
 * @example nodesOf(CLUSTER_CLAIM) // { priceRatio: 1.67, speedRatio: 8.58 }
 */
export function nodesOf({ cpuNodes, gpuNodes, gain }: ClusterClaim): {
  readonly priceRatio: number;
  readonly speedRatio: number;
} {
  const priceRatio = cpuNodes / gpuNodes;
  return { priceRatio, speedRatio: (1 + gain) * priceRatio };
}

/** Machines for a load, and what they cost an hour together. */
export interface Fleet {
  readonly machines: number;
  readonly usdPerHour: number;
}

/**
 * Counts the machines that a load needs.
 *
 * @param loadAudioSPerS - seconds of sound that come in each second
 * @throws {InputError} when it is no number above 0
 */
export function fleetFor(loadAudioSPerS: number, cost: TranscriptionCost): Fleet {
  requirePositive('load', loadAudioSPerS);
  const machines = Math.ceil(loadAudioSPerS / cost.audioSPerS.value);
  return { machines, usdPerHour: machines * cost.usdPerHour };
}

/** Page and date of a price. */
export function citationOf({ page, found, dated }: InstancePrice): string {
  return `${page} (${dated === undefined ? `found ${found}` : `of ${dated}, found ${found}`})`;
}

function scale({ value, low, high }: Estimate, factor: number): Estimate {
  return { value: value * factor, low: low * factor, high: high * factor };
}

/** The faster, the cheaper: the ends of the interval change places. */
function costs(usdPerHour: number, { value, low, high }: Estimate): Estimate {
  return {
    value: costPer1000Hours(usdPerHour, value),
    low: costPer1000Hours(usdPerHour, high),
    high: costPer1000Hours(usdPerHour, low),
  };
}

function requirePositive(what: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new InputError(`cost: a ${what} above 0 was required, got ${value}`);
}
