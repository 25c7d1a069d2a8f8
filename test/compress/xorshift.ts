/** The data of make_calibration.py and make_weight_only.py: a 32-bit xorshift as numbers in −1…1, exact in float32. */
export function xorshiftUniform(seed: number, count: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 8) / 2 ** 23 - 1;
  });
}

/** The same cubed, in float32 steps: most numbers near zero, a few far out, as weights are. */
export function xorshiftCubed(seed: number, count: number): Float32Array {
  return xorshiftUniform(seed, count).map((x) => Math.fround(x * x) * x);
}
