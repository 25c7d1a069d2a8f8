/**
 * The bits of the two 16-bit floating-point formats of ONNX, from and to float32 arrays.
 * Rounding is to nearest, ties to even (IEEE 754-2019, 4.3.1); a value beyond the range becomes an infinity;
 * every NaN becomes the quiet NaN of its sign.
 */

const number = new Float32Array(1);
const bits = new Uint32Array(number.buffer);
/** All 65,536 values, made at first use: a look-up is several times faster than the arithmetic. */
let float16Values: Float32Array | undefined;

/**
 * Value of a float16 bit pattern (IEEE 754 binary16); exact.
 *
 * @param code - 16 bits
 * @example fromFloat16Bits(0x0001) // 2 ** -24, the smallest subnormal
 */
function fromFloat16Bits(code: number): number {
  const sign = code & 0x8000 ? -1 : 1;
  const exponent = (code >>> 10) & 0x1f;
  const fraction = code & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Float16 bit patterns of float32 values, in order. */
export function encodeFloat16(values: Float32Array): Uint16Array {
  return encode(values, float16OfBits);
}

/** Bfloat16 bit patterns of float32 values, in order. */
export function encodeBfloat16(values: Float32Array): Uint16Array {
  return encode(values, bfloat16OfBits);
}

/** Values of float16 bit patterns, in order; exact. */
export function decodeFloat16(codes: Uint16Array): Float32Array {
  float16Values ??= Float32Array.from({ length: 65_536 }, (_, code) => fromFloat16Bits(code));
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) values[i] = float16Values[codes[i] ?? 0] ?? 0;
  return values;
}

/** Values of bfloat16 bit patterns, in order; exact. */
export function decodeBfloat16(codes: Uint16Array): Float32Array {
  const upper = new Uint32Array(codes.length);
  for (let i = 0; i < codes.length; i++) upper[i] = (codes[i] ?? 0) << 16;
  return new Float32Array(upper.buffer);
}

function encode(values: Float32Array, convert: (float32Bits: number) => number): Uint16Array {
  const source = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const codes = new Uint16Array(values.length);
  for (let i = 0; i < codes.length; i++) codes[i] = convert(source[i] ?? 0);
  return codes;
}

/** 65,520 as float32: half way between the largest float16, 65,504, and what would follow it. */
const FLOAT16_OVERFLOW = 0x477ff000;
/** 2⁻¹⁴ as float32: the smallest normal float16. */
const FLOAT16_SMALLEST_NORMAL = 0x38800000;

function float16OfBits(source: number): number {
  const sign = (source >>> 16) & 0x8000;
  const magnitude = source & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= FLOAT16_OVERFLOW) return sign | 0x7c00;
  if (magnitude < FLOAT16_SMALLEST_NORMAL) {
    // The unit in the last place of a float32 next to 0.5 is 2⁻²⁴, the step of float16 subnormals: the sum rounds for us.
    bits[0] = magnitude;
    number[0] = (number[0] ?? 0) + 0.5;
    return sign | ((bits[0] ?? 0) - 0x3f000000);
  }
  // Exponent bias 127 → 15, then 13 fraction bits rounded away; a carry into the exponent is the right result.
  const rebiased = magnitude - 0x38000000;
  return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
}

function bfloat16OfBits(source: number): number {
  if ((source & 0x7fffffff) > 0x7f800000) return ((source >>> 16) & 0x8000) | 0x7fc0;
  return ((source + 0x7fff + ((source >>> 16) & 1)) >>> 16) & 0xffff;
}
