import type { FeatureScale } from '../types.js';

/** Added to a band's deviation: NeMo's constant. */
const DEVIATION_GUARD = 1e-5;
/** A variance below this part of the mean square is rounding of a constant: then all values are 0. */
const MINIMUM_VARIANCE = 1e-12;
/** Whisper's: decimal logarithms this far below the highest of the utterance are raised, and what is added to and divides all. */
const WHISPER_RANGE = 8;
const WHISPER_SHIFT = 4;

/**
 * Scales the logarithms of bands as a card says, in place.
 *
 * @param data - row-major, shape [frames, bins]
 * @param scale - of the front end
 */
export function scaleFeatures(data: Float32Array, frames: number, bins: number, scale: FeatureScale): void {
  switch (scale.normalisation) {
    case 'none':
      break;
    case 'utterance':
      standardise(data, 0, 1, data.length, populationScale);
      break;
    case 'whisper':
      scaleAsWhisper(data);
      break;
    case 'global':
      scaleByCard(data, bins, scale);
      break;
    default: {
      const scaleOf = BY_BAND[scale.normalisation];
      for (let bin = 0; bin < bins; bin++) standardise(data, bin, bins, frames, scaleOf);
    }
  }
}

type ScaleOf = (squares: number, count: number, mean: number) => number;

const BY_BAND: Readonly<Record<'per-feature' | 'mean' | 'mean-variance', ScaleOf>> = {
  // NeMo's `normalize_batch('per_feature')`; a single frame has no deviation.
  'per-feature': (squares, count) => 1 / (Math.sqrt(squares / Math.max(1, count - 1)) + DEVIATION_GUARD),
  mean: () => 1,
  'mean-variance': populationScale,
};

/** Takes the mean from `count` values, `step` apart, and multiplies by a scale of their squares' sum. */
function standardise(data: Float32Array, from: number, step: number, count: number, scaleOf: ScaleOf): void {
  let sum = 0;
  for (let i = 0, at = from; i < count; i++, at += step) sum += data[at] as number;
  const mean = sum / count;
  let squares = 0;
  for (let i = 0, at = from; i < count; i++, at += step) squares += ((data[at] as number) - mean) ** 2;
  const scale = scaleOf(squares, count, mean);
  for (let i = 0, at = from; i < count; i++, at += step) data[at] = ((data[at] as number) - mean) * scale;
}

function populationScale(squares: number, count: number, mean: number): number {
  const variance = squares / count;
  return variance <= MINIMUM_VARIANCE * (variance + mean * mean) ? 0 : 1 / Math.sqrt(variance);
}

function scaleAsWhisper(data: Float32Array): void {
  const lowest = data.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY) - WHISPER_RANGE;
  for (let i = 0; i < data.length; i++) {
    data[i] = (Math.max(data[i] as number, lowest) + WHISPER_SHIFT) / WHISPER_SHIFT;
  }
}

function scaleByCard(data: Float32Array, bins: number, { mean = [], deviation = [] }: FeatureScale): void {
  for (let i = 0; i < data.length; i++) {
    const bin = i % bins;
    data[i] = ((data[i] as number) - (mean[bin] ?? 0)) / (deviation[bin] ?? 1);
  }
}
