import type { ColdStartReport } from '../measure/latency/coldStart.js';
import type { ResultCachingReport } from '../measure/load/resultCaching.js';
import type { ServerReport } from '../measure/load/server.js';
import type { MachineLimits } from '../measure/machine/hardware.js';
import type { Roofline } from '../measure/machine/roofline.js';
import type { OfflineReport } from '../measure/throughput/offline.js';

/**
 * What a run can measure besides its conditions: of the machine, and of one model in float and int8. It stands in the record of
 * the run, topic by topic.
 */

/** What is measured, in this order. */
export const TOPICS = ['hardware', 'throughput', 'load', 'caching', 'sensitivity'] as const;

/** One of {@link TOPICS}. */
export type Topic = (typeof TOPICS)[number];

/** How much each topic measures. */
export interface TopicProtocols {
  /** Runs of each kernel, and of each model under the roofline; sizes of what kernels read, in bytes. */
  readonly hardware: {
    readonly kernelRuns: number;
    readonly modelRuns: number;
    readonly setBytes: readonly number[];
  };
  /** Utterances heard in each pass, batch sizes, passes of each arrangement. */
  readonly throughput: {
    readonly utterances: number;
    readonly batchSizes: readonly number[];
    readonly rounds: number;
  };
  /** The 95th percentile must stay within the bound; requests at each rate; rates that are tried at most; starts in which service times are measured. */
  readonly load: {
    readonly boundMs: number;
    readonly requests: number;
    readonly mostRates: number;
    readonly serviceStarts?: number | undefined;
  };
  /** Starts with and without the optimised model; requests at each hit rate, over so many recordings. */
  readonly caching: {
    readonly rounds: number;
    readonly requests: number;
    readonly utterances: number;
    readonly hitRates: readonly number[];
  };
  /** Utterances on which answers are compared, and that calibrate. */
  readonly sensitivity: { readonly utterances: number; readonly calibrationUtterances: number };
}

/** Which topics a run measures, and of which model. */
export type LaboratoryProtocol = { readonly model: string } & { readonly [T in Topic]?: TopicProtocols[T] | undefined };

/** How near a model comes to what the machine can do. */
export interface TitledRoofline extends Omit<Roofline, 'path'> {
  readonly title: string;
}

/** What compressing one layer alone does. */
export interface LayerEffect {
  readonly layer: string;
  readonly opType: string;
  readonly choice: string;
  /** Signal to error of the model's output, in decibels; `null` where nothing was lost. */
  readonly outputDb: number | null;
  /** Time that a run needs less than with the layer in float, in milliseconds; `null` where it was not measured. */
  readonly savedMs: number | null;
}

/** What is found of each topic; models are called by their variants' titles. */
export interface TopicResults {
  readonly hardware: {
    readonly limits: readonly MachineLimits[];
    readonly roofline: readonly TitledRoofline[];
    /** Models that were faster than their bound, however often the limits were measured: a sentence each. */
    readonly refused?: readonly string[] | undefined;
  };
  readonly throughput: readonly OfflineReport[];
  /** With the service time of each recording in each start, in milliseconds, where that was asked for. */
  readonly load: readonly (ServerReport & { readonly serviceMs?: readonly (readonly number[])[] | undefined })[];
  readonly caching: { readonly load: readonly ColdStartReport[]; readonly results: readonly ResultCachingReport[] };
  readonly sensitivity: readonly LayerEffect[];
}

/** What was found; a topic that was not measured is missing. */
export type LaboratoryResults = { readonly [T in Topic]?: TopicResults[T] | undefined };
