import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BlockOptions, dequantizeBlocks, quantizeBlocks } from '../../../src/compress/weightOnly/blocks.js';
import { quantizeBlocksHqq } from '../../../src/compress/weightOnly/hqq.js';
import { InputError } from '../../../src/errors.js';
import { sha256OfBytes } from '../../../src/files.js';
import { signalToErrorDb } from '../runModel.js';
import { xorshiftCubed } from '../xorshift.js';

interface Case extends BlockOptions {
  readonly seed: number;
  readonly rows: number;
  readonly columns: number;
}

// ONNX Runtime's own weight-only quantizers: test/fixtures/compress/make_weight_only.py.
const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/compress/weight_only.json', import.meta.url), 'utf8'),
) as {
  nearest: (Case & { constant: boolean; packed: string; scales: string; zeroPoints: string | null })[];
  hqq: (Case & { codes: number[]; scales: number[]; zeroPoints: number[] })[];
};

function hash(array: Uint8Array | Float32Array): string {
  return sha256OfBytes(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
}

describe('blocks by rounding to nearest', () => {
  it.each(golden.nearest)(
    'equal ONNX Runtime: $bits bits, block $blockSize, symmetric $symmetric, $rows × $columns',
    (one) => {
      const { rows, columns } = one;
      const weights = xorshiftCubed(one.seed, rows * columns);
      if (one.constant) {
        for (let row = 0; row < rows; row++) weights.set([0, 0.25, -0.75], row * columns);
      }
      const matrix = quantizeBlocks(weights, rows, columns, one);
      expect(hash(matrix.scales)).toBe(one.scales);
      expect(matrix.zeroPoints === null ? null : hash(matrix.zeroPoints)).toBe(one.zeroPoints);
      expect(hash(matrix.packed)).toBe(one.packed);
    },
  );

  it('err by at most half a step, or a step where the middle is fixed', () => {
    const any = fc.record({
      bits: fc.constantFrom(4 as const, 8 as const),
      blockSize: fc.constantFrom(16, 32, 64),
      symmetric: fc.boolean(),
      rows: fc.integer({ min: 1, max: 70 }),
      columns: fc.integer({ min: 1, max: 4 }),
      seed: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(any, ({ rows, columns, seed, ...options }) => {
        const weights = xorshiftCubed(seed, rows * columns);
        const matrix = quantizeBlocks(weights, rows, columns, options);
        const back = dequantizeBlocks(matrix);
        const blocks = Math.ceil(rows / options.blockSize);
        for (let i = 0; i < weights.length; i++) {
          const block = (i % columns) * blocks + Math.floor(Math.floor(i / columns) / options.blockSize);
          const step = Math.abs(matrix.scales[block] ?? 0);
          const bound = options.symmetric ? step : step * 1.001 * 0.5 + step * 0.5;
          expect(Math.abs((back[i] ?? 0) - (weights[i] ?? 0))).toBeLessThanOrEqual(bound * 1.0001 + 1e-7);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('refuse what cannot be', () => {
    const options = { bits: 4, blockSize: 32, symmetric: true } as const;
    expect(() => quantizeBlocks(new Float32Array(6), 2, 3, { ...options, blockSize: 24 })).toThrow(InputError);
    expect(() => quantizeBlocks(new Float32Array(6), 2, 3, { ...options, bits: 3 as 4 })).toThrow(InputError);
    expect(() => quantizeBlocks(new Float32Array(5), 2, 3, options)).toThrow(/2 × 3 values/);
    expect(() => quantizeBlocks(Float32Array.of(1, Number.NaN), 2, 1, options)).toThrow(/finite weights/);
  });
});

describe('half-quadratic quantization', () => {
  it.each(golden.hqq)('follows ONNX Runtime: $bits bits, block $blockSize, $rows × $columns', (one) => {
    const weights = xorshiftCubed(one.seed, one.rows * one.columns);
    const { scales, zeroPoints, packed } = quantizeBlocksHqq(weights, one.rows, one.columns, one);
    expect(scales).toEqual(Float32Array.from(one.scales));
    // PyTorch adds in another order: zero points agree to 1e-4 of a code, so codes differ at most at ties.
    for (const [i, zero] of one.zeroPoints.entries())
      expect(Math.abs((zeroPoints?.[i] ?? 0) - zero)).toBeLessThan(1e-4);
    const codes = one.bits === 8 ? [...packed] : [...packed].flatMap((byte) => [byte & 15, byte >> 4]);
    const padded = Math.ceil(one.rows / one.blockSize) * one.blockSize * one.columns;
    expect(codes.length).toBe(padded);
    expect(codes.filter((code, i) => code !== one.codes[i]).length).toBeLessThanOrEqual(codes.length / 1000);
  });

  it('keeps weights that are not spread evenly', () => {
    const weights = xorshiftCubed(5, 256 * 8);
    const solved = dequantizeBlocks(quantizeBlocksHqq(weights, 256, 8, { bits: 4, blockSize: 64 }));
    expect(signalToErrorDb(weights, solved)).toBeGreaterThan(20);
    const fine = dequantizeBlocks(quantizeBlocksHqq(weights, 256, 8, { bits: 8, blockSize: 64 }));
    expect(signalToErrorDb(weights, fine)).toBeGreaterThan(44);
  });
});
