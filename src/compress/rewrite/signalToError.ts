/** Adds up the power of values and of what they differ from others by, sample after sample. */
export class SignalToError {
  #signal = 0;
  #error = 0;

  /**
   * Takes in values and what became of them. What is NaN or infinite in both alike counts as kept; a value that is lost to
   * NaN, or has no counterpart, counts as an endless error.
   */
  add(reference: ArrayLike<number>, other: ArrayLike<number>): void {
    if (reference.length !== other.length) this.#error = Number.POSITIVE_INFINITY;
    for (let i = 0; i < reference.length; i++) {
      const [value, became] = [reference[i] ?? 0, other[i] ?? 0];
      if (Object.is(value, became)) {
        if (Number.isFinite(value)) this.#signal += value * value;
        continue;
      }
      const lost = value - became;
      if (!Number.isFinite(lost)) this.#error = Number.POSITIVE_INFINITY;
      else {
        this.#signal += value * value;
        this.#error += lost * lost;
      }
    }
  }

  /** Signal to error in decibels: infinite where nothing was lost, minus infinity where all was. */
  get decibels(): number {
    if (this.#error === 0) return Number.POSITIVE_INFINITY;
    return 10 * Math.log10(this.#signal / this.#error);
  }
}

/** Power of an array over that of its difference from another, in decibels; infinite where they are equal. */
export function signalToErrorDb(reference: Float32Array, other: Float32Array): number {
  const sum = new SignalToError();
  sum.add(reference, other);
  return sum.decibels;
}
