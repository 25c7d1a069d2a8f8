import { InputError } from '../../errors.js';
import { roundHalfToEven } from '../numbers/rounding.js';

/** Integer types that weights are quantized to. */
export type WeightType = 'int8' | 'uint8';

/** How real numbers map to integers: real = scale · (integer − zeroPoint). */
export interface QuantizationParams {
  /** A float32 value. */
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Integers that a type and its options allow. */
interface IntegerRange {
  readonly lowest: number;
  readonly highest: number;
}

/** Smallest normal float32: smaller scales are replaced by 1. */
const SMALLEST_NORMAL = 2 ** -126;

/**
 * Integers that the scale is stretched over.
 *
 * ONNX Runtime's `get_qmin_qmax_for_qType`: int8 symmetric −127…127, reduced −64…64; uint8 0…255, reduced 0…127.
 */
function integerRange(type: WeightType, reduceRange: boolean): IntegerRange {
  if (type === 'int8') return reduceRange ? { lowest: -64, highest: 64 } : { lowest: -127, highest: 127 };
  return { lowest: 0, highest: reduceRange ? 127 : 255 };
}

/**
 * Scale and zero point for values between two bounds, equal to those of ONNX Runtime 1.31's `compute_scale_zp`:
 * int8 symmetric about 0, uint8 stretched to include 0; computed in float64, the scale stored as float32.
 *
 * @param min - smallest value, float32
 * @param max - largest value, float32
 * @param type - integer type
 * @param reduceRange - use 7 bits, for processors whose 8-bit products saturate
 * @throws {InputError} when a bound is not finite
 * @example scaleAndZeroPoint(-1, 0.5, 'int8', false) // { scale: 0.007874015718698502, zeroPoint: 0 }
 */
export function scaleAndZeroPoint(
  min: number,
  max: number,
  type: WeightType,
  reduceRange: boolean,
): QuantizationParams {
  if (!Number.isFinite(min) || !Number.isFinite(max)) {
    throw new InputError(`values to quantize: finite bounds were required, got ${min} to ${max}`);
  }
  const { lowest, highest } = integerRange(type, reduceRange);
  let low = Math.min(min, 0);
  let high = Math.max(max, 0);
  if (type === 'int8') {
    high = Math.max(-low, high);
    low = -high;
  }
  const scale = (high - low) / (highest - lowest);
  if (scale < SMALLEST_NORMAL) return { scale: 1, zeroPoint: 0 };
  const zeroPoint = type === 'int8' ? 0 : roundHalfToEven(lowest - low / scale);
  return { scale: Math.fround(scale), zeroPoint };
}

/**
 * Which values share their parameters: those of one group and channel of an array [groups, outer, channels, inner].
 * With one group and one channel all of them do.
 */
export interface ChannelLayout {
  readonly groups: number;
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

/** Quantized values with the parameters of each channel. */
export interface QuantizedValues {
  readonly values: Int8Array | Uint8Array;
  /** One for each channel of each group. */
  readonly scales: Float32Array;
  readonly zeroPoints: Int8Array | Uint8Array;
  /** Signal to error of the whole, in decibels; infinite where nothing was lost. */
  readonly signalToErrorDb: number;
}

/** Options of {@link quantizeValues}. */
export interface QuantizeValuesOptions {
  readonly type: WeightType;
  readonly reduceRange: boolean;
}

/**
 * Quantizes an array channel by channel, byte for byte as ONNX Runtime 1.31's `quantize_data` does:
 * q = round half to even(float32(w / scale)) + zero point, clipped to the type.
 *
 * @param data - float32 values, row-major
 * @param layout - which of them share parameters
 * @param memory - where the integers go, at least as many bytes as values; new memory by default
 * @throws {InputError} when a value is not finite
 */
export function quantizeValues(
  data: Float32Array,
  layout: ChannelLayout,
  options: QuantizeValuesOptions,
  memory?: Uint8Array,
): QuantizedValues {
  const { outer, inner } = layout;
  const channels = layout.groups * layout.channels;
  const { lows, highs } = channelBounds(data, layout);
  const scales = new Float32Array(channels);
  const signed = options.type === 'int8';
  const zeroPoints = signed ? new Int8Array(channels) : new Uint8Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const params = scaleAndZeroPoint(lows[channel] ?? 0, highs[channel] ?? 0, options.type, options.reduceRange);
    scales[channel] = params.scale;
    zeroPoints[channel] = params.zeroPoint;
  }
  // Bytes for both types: a negative number wraps to the byte that int8 gives it, and each loop sees one kind of array.
  const bytes = memory?.subarray(0, data.length) ?? new Uint8Array(data.length);
  const sums = { signal: 0, error: 0 };
  let at = 0;
  for (let block = 0; block < layout.groups * outer; block++) {
    const first = Math.floor(block / outer) * layout.channels;
    for (let channel = first; channel < first + layout.channels; channel++) {
      const scale = scales[channel] as number;
      if (signed) quantizeSymmetric(data, bytes, at, at + inner, scale, sums);
      else quantizeAffine(data, bytes, at, at + inner, scale, zeroPoints[channel] as number, sums);
      at += inner;
    }
  }
  const { signal, error } = sums;
  // A NaN passes every comparison unseen; it does not pass a sum.
  if (!Number.isFinite(signal)) throw new InputError('values to quantize: finite values were required, got others');
  const signalToErrorDb = error === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / error);
  return {
    values: signed ? new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes,
    scales,
    zeroPoints,
    signalToErrorDb,
  };
}

/** Powers of the values and of what rounding took from them. */
interface PowerSums {
  signal: number;
  error: number;
}

/** The inner loop for int8: the range is symmetric, so nothing needs clipping. */
function quantizeSymmetric(
  data: Float32Array,
  bytes: Uint8Array,
  from: number,
  to: number,
  scale: number,
  sums: PowerSums,
): void {
  let signal = 0;
  let error = 0;
  for (let at = from; at < to; at++) {
    const value = data[at] as number;
    const rounded = roundHalfToEven(Math.fround(value / scale)) | 0;
    bytes[at] = rounded;
    const lost = value - scale * rounded;
    signal += value * value;
    error += lost * lost;
  }
  sums.signal += signal;
  sums.error += error;
}

/** The inner loop for uint8: the zero point is rounded, too, so that an end of the range may fall outside. */
function quantizeAffine(
  data: Float32Array,
  bytes: Uint8Array,
  from: number,
  to: number,
  scale: number,
  zeroPoint: number,
  sums: PowerSums,
): void {
  let signal = 0;
  let error = 0;
  for (let at = from; at < to; at++) {
    const value = data[at] as number;
    const exact = roundHalfToEven(Math.fround(value / scale)) + zeroPoint;
    const rounded = Math.min(Math.max(exact, 0), 255);
    bytes[at] = rounded;
    const lost = value - scale * (rounded - zeroPoint);
    signal += value * value;
    error += lost * lost;
  }
  sums.signal += signal;
  sums.error += error;
}

/** Smallest and largest value of each channel of each group. */
function channelBounds(data: Float32Array, layout: ChannelLayout): { lows: Float32Array; highs: Float32Array } {
  const { groups, outer, channels, inner } = layout;
  const lows = new Float32Array(groups * channels).fill(Number.POSITIVE_INFINITY);
  const highs = new Float32Array(groups * channels).fill(Number.NEGATIVE_INFINITY);
  let at = 0;
  for (let block = 0; block < groups * outer; block++) {
    const first = Math.floor(block / outer) * channels;
    for (let channel = first; channel < first + channels; channel++) {
      let low = lows[channel] ?? 0;
      let high = highs[channel] ?? 0;
      const end = at + inner;
      for (; at < end; at++) {
        const value = data[at] as number;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      lows[channel] = low;
      highs[channel] = high;
    }
  }
  return { lows, highs };
}
