import { InputError } from '../../errors.js';
import { entropyRange } from './entropy.js';
import { AbsoluteHistogram, CenteredHistogram, percentileRange } from './histogram.js';
import { averageObserver, minMaxObserver } from './minMax.js';
import type { RangeObserver } from './range.js';

/** How values that were seen become a range. */
export type CalibrationMethod = 'minmax' | 'moving-average' | 'entropy' | 'percentile';

/** Options of a calibrator; the words and defaults are ONNX Runtime's. */
export interface CalibrationOptions {
  /** Default `minmax`. */
  readonly method?: CalibrationMethod;
  /** Makes the range symmetric about zero; entropy ignores it, as ONNX Runtime does. Default false, but true for percentile. */
  readonly symmetric?: boolean;
  /** Moving average: weight of the newest value, 0…1. Default 0.01. */
  readonly averagingConstant?: number;
  /**
   * Moving average: samples whose extremes are averaged before each step; `Infinity` is the plain mean over all samples,
   * which is what `quantize_static` does by itself. Default 1.
   */
  readonly stride?: number;
  /** Histogram bins before it grows. Default 128 for entropy, 2,048 for percentile. */
  readonly numBins?: number;
  /** Entropy: levels of the quantized distribution. Default 128. */
  readonly numQuantizedBins?: number;
  /** Percentile: share of the values inside the range, in percent, 0…100. Default 99.999. */
  readonly percentile?: number;
}

/** Defaults that hold for every method. */
const DEFAULTS = {
  method: 'minmax',
  averagingConstant: 0.01,
  stride: 1,
  numQuantizedBins: 128,
  percentile: 99.999,
} as const satisfies CalibrationOptions;

/**
 * Makes the calibrator of one tensor. Its ranges equal those of ONNX Runtime 1.31's Python calibrators when their
 * `collect_data` is called once for each sample, but for histograms that would
 * grow more than 32-fold (entropy) or 128-fold (percentile): those get wider bins.
 *
 * @throws {InputError} when an option is outside its range
 * @example createRangeObserver({ method: 'percentile', percentile: 99.9 })
 */
export function createRangeObserver(options: CalibrationOptions = {}): RangeObserver {
  const { method, averagingConstant, stride, numQuantizedBins, percentile } = { ...DEFAULTS, ...options };
  const symmetric = options.symmetric ?? method === 'percentile';
  required(averagingConstant >= 0 && averagingConstant <= 1, 'averagingConstant', '0…1', averagingConstant);
  required(stride === Number.POSITIVE_INFINITY || positive(stride), 'stride', '1 or more samples', stride);
  required(positive(numQuantizedBins), 'numQuantizedBins', '1 or more', numQuantizedBins);
  required(percentile >= 0 && percentile <= 100, 'percentile', '0…100', percentile);
  const numBins = options.numBins ?? (method === 'entropy' ? 128 : 2048);
  required(positive(numBins), 'numBins', '1 or more', numBins);
  switch (method) {
    case 'minmax':
      return minMaxObserver(symmetric);
    case 'moving-average':
      return averageObserver(symmetric, averagingConstant, stride);
    case 'entropy': {
      required(numBins >= numQuantizedBins, 'numBins', `numQuantizedBins, ${numQuantizedBins}, or more`, numBins);
      const histogram = new CenteredHistogram(numBins, 32 * numBins);
      return {
        observe: (values) => histogram.add(values),
        range: () => entropyRange(histogram.counts(), numQuantizedBins),
      };
    }
    case 'percentile': {
      const mostBins = 128 * numBins;
      const histogram = symmetric ? new AbsoluteHistogram(numBins, mostBins) : new CenteredHistogram(numBins, mostBins);
      return {
        observe: (values) => histogram.add(values),
        range: () => percentileRange(histogram.counts(), percentile, symmetric),
      };
    }
    default:
      throw new InputError(
        `calibration method: minmax, moving-average, entropy or percentile was required, got ${String(method)}; choose one`,
      );
  }
}

function positive(count: number): boolean {
  return Number.isInteger(count) && count >= 1;
}

function required(holds: boolean, option: string, what: string, came: number): void {
  if (!holds) throw new InputError(`calibration: ${option} was required to be ${what}, got ${came}; change the option`);
}
