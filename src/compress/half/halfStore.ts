import type { TensorProto } from 'onnx-buf';
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from '../../onnx/tensor/halfFloat.js';
import { elementCount, tensorDtype, tensorFloats } from '../../onnx/tensor/tensor.js';
import { signalToErrorDb } from '../rewrite/signalToError.js';

/** A 16-bit floating-point format. */
export type HalfFormat = 'float16' | 'bfloat16';

/** Largest finite float16. */
export const LARGEST_FLOAT16 = 65_504;

/**
 * What a constant must keep in half precision, in decibels. One rounding to 11 bits of significand keeps at least 66; a
 * constant below this has lost bits to the end of the exponent's range, or is gone.
 */
const LEAST_DB: Readonly<Record<HalfFormat, number>> = { float16: 50, bfloat16: 30 };

/** A constant in half precision. */
export interface HalfTensor {
  readonly codes: Uint16Array;
  /** Infinite where nothing is lost. */
  readonly signalToErrorDb: number;
  /** Finite values beyond the range; they became the largest of their sign. */
  readonly clipped: number;
  /** Whether half precision holds the constant: nothing was clipped, and what is left of it is near enough. */
  readonly fits: boolean;
}

/** The constants of one model in half precision, each computed once. */
export class HalfStore {
  readonly #known = new Map<TensorProto, HalfTensor>();

  constructor(readonly format: HalfFormat) {}

  /** A float32 constant in half precision. */
  of(tensor: TensorProto): HalfTensor {
    const known = this.#known.get(tensor);
    if (known !== undefined) return known;
    const made = this.#round(tensorFloats(tensor));
    this.#known.set(tensor, made);
    return made;
  }

  #round(values: Float32Array): HalfTensor {
    const largest = this.format === 'float16' ? LARGEST_FLOAT16 : Number.MAX_VALUE;
    let clipped = 0;
    let stored = values;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      if (Math.abs(value) <= largest || !Number.isFinite(value)) continue;
      if (stored === values) stored = values.slice();
      stored[i] = Math.sign(value) * largest;
      clipped++;
    }
    const half = this.format === 'float16';
    const codes = half ? encodeFloat16(stored) : encodeBfloat16(stored);
    const back = half ? decodeFloat16(codes) : decodeBfloat16(codes);
    const decibels = signalToErrorDb(values, back);
    return { codes, signalToErrorDb: decibels, clipped, fits: clipped === 0 && decibels >= LEAST_DB[this.format] };
  }
}

/** Whether a constant is float32 and has elements. */
export function isFloat32(tensor: TensorProto): boolean {
  return tensorDtype(tensor) === 'float32' && elementCount(tensor) > 0;
}
