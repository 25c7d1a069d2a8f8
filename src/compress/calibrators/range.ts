/** The values that a tensor takes, or is allowed to take: float32 numbers, lowest ≤ highest. */
export interface ValueRange {
  readonly lowest: number;
  readonly highest: number;
}

/** Watches one tensor over the samples; its memory does not grow with their number. */
export interface RangeObserver {
  /**
   * Takes in the values of one sample.
   *
   * @throws {InputError} when a value is NaN or infinite
   */
  observe(values: Float32Array): void;
  /**
   * The range so far.
   *
   * @throws {InputError} when nothing was observed
   */
  range(): ValueRange;
}
