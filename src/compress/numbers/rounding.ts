/**
 * Rounds to the nearest integer, a tie to the even one (IEEE 754 roundToIntegralTiesToEven; NumPy's `rint`, ONNX's `Round`).
 *
 * @param value - NaN and infinities come back as they are
 * @example roundHalfToEven(2.5) // 2
 * @example roundHalfToEven(-0.5) // -0
 */
export function roundHalfToEven(value: number): number {
  // From 2⁵² on every double is an integer, and the sum below would lose its last bit.
  if (!(Math.abs(value) < 4_503_599_627_370_496)) return value;
  // Adding 2⁵² leaves no room for a fraction: the processor's own rounding, ties to even, removes it.
  const magnitude = Math.abs(value) + 4_503_599_627_370_496 - 4_503_599_627_370_496;
  return value < 0 || Object.is(value, -0) ? -magnitude : magnitude;
}
