import { InputError, UnavailableError } from '../../errors.js';
import { type SessionControl, withModel } from '../../process/session.js';
import { kindOf } from '../../recognise/kinds/kinds.js';
import { graphsOf, type ResolvedModel } from '../../recognise/model.js';
import type { Tensor } from '../../runtime.js';
import { readRecording } from '../../speech/corpora/recordings.js';
import type { Audio, Recording } from '../../speech/types.js';
import { warmUpOf } from '../schedule.js';
import { median } from '../statistics/statistics.js';
import { bandwidthFor, type MachineLimits } from './hardware.js';
import { countWork, type NodeWork } from './work.js';

/** How near a model comes to what the machine can do, for one utterance. */
export interface Roofline {
  /** Id of its card. */
  readonly model: string;
  readonly path: string;
  readonly threads: number;
  readonly audioS: number;
  /** Operations of products, convolutions and recurrences, by arithmetic; a multiply-add is two. */
  readonly float32Operations: number;
  readonly int8Operations: number;
  /** Bytes that they read and write once, and weights that recurrences read anew in each step. */
  readonly bytesOnce: number;
  readonly bytesStreamed: number;
  /** Operations for each byte. */
  readonly intensity: number;
  /** Least time by arithmetic alone and by memory alone, and the sum over the nodes of the larger of the two, in milliseconds. */
  readonly arithmeticMs: number;
  readonly memoryMs: number;
  readonly boundMs: number;
  /** The network alone, measured: fastest run and median. */
  readonly fastestMs: number;
  readonly medianMs: number;
  /** Bound over the fastest run: 1 would be all that the machine can do, and more is given only where it was allowed. */
  readonly share: number;
}

/** How a roofline is found. */
export interface RooflineOptions extends SessionControl {
  /** What the model hears. */
  readonly recording: Recording;
  /** Runs of the model, after three that do not count. Default: 20. */
  readonly runs?: number;
  /** Whether a bound that a run beats is given all the same, as a share above 1: for a first look. Default: false. */
  readonly allowExceeded?: boolean;
}

const DEFAULT_RUNS = 20;

/** A model was faster than the limits of the machine allow: they were measured while something else ran. */
export class ExceededBoundError extends UnavailableError {
  override readonly name: string = 'ExceededBoundError';

  constructor(model: string, boundMs: number, fastestMs: number) {
    super(
      `${model}: a bound that no run beats was required, got ${boundMs.toFixed(2)} ms beside a run of ${fastestMs.toFixed(2)} ms; the limits of the machine were measured too low: measure again while nothing else runs`,
    );
  }
}

/**
 * Sets the time of a model beside the least that its arithmetic and its memory allow (Williams et al., "Roofline", 2009), node
 * by node, with the limits measured in the same runtime. Weights that are read once come from beyond the caches; those that a
 * recurrence reads anew come from the cache that they fit in.
 *
 * @param limits - of this machine; the model runs with as many threads
 * @throws {InputError} when the model or the recording is bad
 * @throws {ExceededBoundError} when the model was faster than the bound, unless that is allowed
 * @throws {UnavailableError} when the process breaks
 */
export async function measureRoofline(
  model: ResolvedModel,
  limits: MachineLimits,
  options: RooflineOptions,
): Promise<Roofline> {
  const { recording, runs = DEFAULT_RUNS, signal, workerPath } = options;
  if (!(Number.isInteger(runs) && runs >= 1)) {
    throw new InputError(`runs: a whole number from 1 was required, got ${runs}; 20 is usual`);
  }
  const works = await worksOf(model, await readRecording(recording));
  const { threads } = limits;
  const setup = { threads, recordings: [recording], warmUp: warmUpOf([recording]), signal, workerPath };
  return await withModel(model, setup, async ({ process }) => {
    const times: number[] = [];
    let audioS = 0;
    for (let run = 0; run < runs; run++) {
      const trial = await process.trial([0]);
      // Of several graphs, some run while the text is written.
      times.push(graphsOf(model).length > 1 ? trial.totalMs - trial.featuresMs : trial.inferenceMs);
      audioS = trial.audioS;
    }
    const fastestMs = Math.min(...times);
    const bound = boundOf(works, limits);
    if (bound.boundMs > fastestMs && options.allowExceeded !== true)
      throw new ExceededBoundError(model.card.id, bound.boundMs, fastestMs);
    return {
      model: model.card.id,
      path: model.path,
      threads,
      audioS,
      ...bound,
      fastestMs,
      medianMs: median(times),
      share: bound.boundMs / fastestMs,
    };
  });
}

/** Of all nodes of all graphs, as often as each runs for one recording. */
async function worksOf(model: ResolvedModel, audio: Audio): Promise<readonly NodeWork[]> {
  const kind = kindOf(model.card);
  const works: NodeWork[] = [];
  for (const { name, path } of graphsOf(model)) {
    works.push(
      ...(await countWork(path, async (loaded) => {
        const feeds = await kind.openFeeds(model, name, loaded);
        const runs: Readonly<Record<string, Tensor>>[] = [];
        for await (const inputs of feeds.of(audio)) runs.push(inputs);
        await feeds.release();
        return runs;
      })),
    );
  }
  return works;
}

/** Work of a model, and the least time that it takes. */
export type Bound = Pick<
  Roofline,
  | 'float32Operations'
  | 'int8Operations'
  | 'bytesOnce'
  | 'bytesStreamed'
  | 'intensity'
  | 'arithmeticMs'
  | 'memoryMs'
  | 'boundMs'
>;

/**
 * Computes the least time of some work on a machine.
 *
 * @param works - of the nodes of a model
 * @param limits - of the machine
 */
export function boundOf(works: readonly NodeWork[], limits: MachineLimits): Bound {
  const total = (value: (work: NodeWork) => number): number => works.reduce((sum, work) => sum + value(work), 0);
  const beyondCaches = bandwidthFor(limits, Number.POSITIVE_INFINITY);
  const arithmeticS = (work: NodeWork): number =>
    work.operations / (work.arithmetic === 'int8' ? limits.int8PerS : limits.float32PerS);
  const memoryS = (work: NodeWork): number =>
    work.bytesOnce / beyondCaches + work.bytesStreamed / bandwidthFor(limits, work.streamedSetBytes);
  const bytesOnce = total((work) => work.bytesOnce);
  const bytesStreamed = total((work) => work.bytesStreamed);
  const operations = total((work) => work.operations);
  return {
    float32Operations: total((work) => (work.arithmetic === 'float32' ? work.operations : 0)),
    int8Operations: total((work) => (work.arithmetic === 'int8' ? work.operations : 0)),
    bytesOnce,
    bytesStreamed,
    intensity: operations / Math.max(1, bytesOnce + bytesStreamed),
    arithmeticMs: 1000 * total(arithmeticS),
    memoryMs: 1000 * total(memoryS),
    boundMs: 1000 * total((work) => Math.max(arithmeticS(work), memoryS(work))),
  };
}
