/** Features of random sound: numbers of mean 0 and variance 1, nearly normal, the same on every machine. */
export function randomFeatures(frames: number, bins: number, seed: number): Float32Array {
  let state = Math.imul(seed, 2_654_435_761) >>> 0;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  // The sum of four uniform numbers of variance 1/12 each.
  return Float32Array.from(
    { length: frames * bins },
    () => (uniform() + uniform() + uniform() + uniform()) * Math.sqrt(3),
  );
}

/** Bytes of a `.npy` file (format 1.0) of float32 numbers. */
export function npyBytes(data: Float32Array, shape: readonly number[]): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const bytes = new Uint8Array(10 + header.length + data.byteLength);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length);
  return bytes;
}

/** The float32 numbers of such a file. */
export function npyNumbers(bytes: Uint8Array): Float32Array {
  const start = 10 + (bytes[8] ?? 0) + 256 * (bytes[9] ?? 0);
  // A Buffer's own `slice` is a view: only a copy begins at its buffer's start.
  return new Float32Array(new Uint8Array(bytes.subarray(start)).buffer);
}
