/** Odd constants of the generator below and of the hash that seeds it. */
const GOLDEN = 0x6d2b79f5;
const FNV_PRIME = 16_777_619;
const FNV_BASIS = 2_166_136_261;

/**
 * Seeded uniform numbers in −bound…bound, float32: the same on every machine, and for a weight the same whatever other
 * weights a model has.
 *
 * The generator is mulberry32 (T. Ettinger, public domain), its state the FNV-1a hash of name and seed.
 *
 * @param name - name of the weight
 * @param seed - of the model; a whole number
 * @param count - how many
 * @param bound - largest magnitude
 */
export function uniformWeights(name: string, seed: number, count: number, bound: number): Float32Array {
  let state = hash(`${seed}:${name}`);
  const values = new Float32Array(count);
  const scale = bound / 2 ** 31;
  for (let i = 0; i < count; i++) {
    state = (state + GOLDEN) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    values[i] = (bits ^ (bits >>> 14)) * scale;
  }
  return values;
}

function hash(text: string): number {
  let value = FNV_BASIS;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, FNV_PRIME);
  return value | 0;
}
