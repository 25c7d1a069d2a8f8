import { readFileSync } from 'node:fs';

/** An array of NumPy's `.npy` format, version 1: float32, C order. */
export function readNpy(name: string): { readonly shape: readonly number[]; readonly data: Float32Array } {
  const bytes = readFileSync(fixture(name));
  const headerBytes = bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, 10 + headerBytes);
  if (!header.includes("'descr': '<f4'") || !header.includes("'fortran_order': False")) throw new Error(header);
  const shape = (/\(([^)]*)\)/.exec(header)?.[1] ?? '').split(',').filter(Boolean).map(Number);
  return { shape, data: new Float32Array(Uint8Array.from(bytes.subarray(10 + headerBytes)).buffer) };
}

/** Path of a file made by test/fixtures/speech/make.py. */
export function fixture(name: string): string {
  return new URL(`../fixtures/speech/${name}`, import.meta.url).pathname;
}

/** The largest difference; infinite when the lengths differ. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}
