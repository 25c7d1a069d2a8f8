import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from '../../../src/onnx/tensor/halfFloat.js';

const toFloat16Bits = (value: number): number => encodeFloat16(Float32Array.of(value))[0] ?? 0;
const toBfloat16Bits = (value: number): number => encodeBfloat16(Float32Array.of(value))[0] ?? 0;
const fromFloat16Bits = (code: number): number => decodeFloat16(Uint16Array.of(code))[0] ?? 0;
const fromBfloat16Bits = (code: number): number => decodeBfloat16(Uint16Array.of(code))[0] ?? 0;

// NumPy's float16 and ml_dtypes' bfloat16: test/fixtures/compress/make_numbers.py.
const reference = JSON.parse(
  readFileSync(new URL('../../fixtures/compress/numbers.json', import.meta.url), 'utf8'),
) as Record<'float32Bits' | 'float16' | 'bfloat16', number[]>;
const values = new Float32Array(new Uint32Array(reference.float32Bits).buffer);

describe('16-bit floats', () => {
  it('rounds as NumPy rounds to float16', () => {
    expect([...encodeFloat16(values)]).toEqual(reference.float16);
  });

  it('rounds as ml_dtypes rounds to bfloat16', () => {
    expect([...encodeBfloat16(values)]).toEqual(reference.bfloat16);
  });

  it('brings back each of the 65,536 codes', () => {
    const codes = Uint16Array.from({ length: 65_536 }, (_, code) => code);
    const numbers = codes.filter((code) => !Number.isNaN(fromFloat16Bits(code)));
    expect(numbers.length).toBe(65_536 - 2 * 1023);
    const brain = codes.filter((code) => !Number.isNaN(fromBfloat16Bits(code)));
    expect(brain.length).toBe(65_536 - 2 * 127);
    const [again, brainAgain] = [encodeFloat16(decodeFloat16(numbers)), encodeBfloat16(decodeBfloat16(brain))];
    expect(numbers.filter((code, at) => code !== again[at])).toHaveLength(0);
    expect(brain.filter((code, at) => code !== brainAgain[at])).toHaveLength(0);
  });

  it('makes every NaN quiet', () => {
    expect(toFloat16Bits(Number.NaN) & 0x7fff).toBe(0x7e00);
    expect(toBfloat16Bits(Number.NaN) & 0x7fff).toBe(0x7fc0);
    expect(Number.isNaN(fromFloat16Bits(0x7c01))).toBe(true);
  });

  it('gives the nearest number', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -65_504, max: 65_504 }), (value) => {
        const code = toFloat16Bits(value);
        const error = Math.abs(fromFloat16Bits(code) - value);
        for (const neighbour of [code - 1, code + 1]) {
          const other = fromFloat16Bits(neighbour & 0xffff);
          if (!Number.isNaN(other)) expect(error).toBeLessThanOrEqual(Math.abs(other - value));
        }
      }),
    );
  });
});
