import { SET_BYTES } from '../measure/machine/hardware.js';
import type { ExperimentPlan } from './plan.js';

/** How much each topic of the laboratory measures. */
export interface LaboratoryProtocol {
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
  /** The 95th percentile must stay within the bound; requests at each rate; rates that are tried at most. */
  readonly load: { readonly boundMs: number; readonly requests: number; readonly mostRates: number };
  /** Starts with and without the optimised model; requests at each hit rate, over so many recordings. */
  readonly caching: {
    readonly rounds: number;
    readonly requests: number;
    readonly utterances: number;
    readonly hitRates: readonly number[];
  };
  /** Utterances on which answers are compared, and that calibrate. */
  readonly sensitivity: { readonly utterances: number; readonly calibrationUtterances: number };
  /** How each variant of each model is measured: as in the experiment, with fewer trials. */
  readonly variants: Required<Pick<ExperimentPlan, 'latencyTrials' | 'throughputTrials'>> & {
    readonly memoryRuns: number;
    readonly energyTrials: number;
  };
}

/** Some minutes on two cores. */
export const FULL_LABORATORY: LaboratoryProtocol = {
  hardware: { kernelRuns: 10, modelRuns: 30, setBytes: SET_BYTES },
  throughput: { utterances: 32, batchSizes: [1, 4, 16], rounds: 3 },
  load: { boundMs: 200, requests: 200, mostRates: 8 },
  caching: { rounds: 6, requests: 150, utterances: 40, hitRates: [0, 0.5, 0.9, 1] },
  sensitivity: { utterances: 4, calibrationUtterances: 16 },
  variants: { latencyTrials: 60, throughputTrials: 8, memoryRuns: 5, energyTrials: 30 },
};

/** Enough to see every part work, too little to conclude from. */
export const SHORT_LABORATORY: LaboratoryProtocol = {
  hardware: { kernelRuns: 2, modelRuns: 3, setBytes: [2 ** 20, 64 * 2 ** 20] },
  throughput: { utterances: 4, batchSizes: [2], rounds: 1 },
  load: { boundMs: 200, requests: 130, mostRates: 2 },
  caching: { rounds: 2, requests: 20, utterances: 10, hitRates: [0, 1] },
  sensitivity: { utterances: 1, calibrationUtterances: 2 },
  variants: { latencyTrials: 5, throughputTrials: 1, memoryRuns: 2, energyTrials: 5 },
};
