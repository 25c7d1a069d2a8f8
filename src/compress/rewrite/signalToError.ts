/** How far values are from others: the power of both, the largest difference and how many are equal, sample after sample. */
export class SignalToError {
  #signal = 0;
  #error = 0;
  #count = 0;
  #equal = 0;
  #largest = 0;

  /**
   * Takes in values and what became of them. What is NaN or infinite in both alike counts as kept; a value that is lost to
   * NaN, or has no counterpart, counts as an endless error.
   */
  add(reference: ArrayLike<number>, other: ArrayLike<number>): void {
    if (reference.length !== other.length) this.#error = this.#largest = Number.POSITIVE_INFINITY;
    this.#count += reference.length;
    for (let i = 0; i < reference.length; i++) {
      const [value, became] = [reference[i] ?? 0, other[i] ?? 0];
      if (Object.is(value, became) || value === became) {
        this.#equal++;
        if (Number.isFinite(value)) this.#signal += value * value;
        continue;
      }
      const lost = value - became;
      this.#largest = Math.max(this.#largest, Number.isNaN(lost) ? Number.POSITIVE_INFINITY : Math.abs(lost));
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

  /** {@link decibels} for reports: `null` where nothing was lost. */
  get lossDb(): number | null {
    return this.decibels === Number.POSITIVE_INFINITY ? null : this.decibels;
  }

  /** Largest absolute difference; infinite where a value became no number, or has no counterpart. */
  get largestDifference(): number {
    return this.#largest;
  }

  /** Share of the values that are equal. */
  get equal(): number {
    return this.#count === 0 ? 1 : this.#equal / this.#count;
  }
}

/** Power of an array over that of its difference from another, in decibels; infinite where they are equal. */
export function signalToErrorDb(reference: Float32Array, other: Float32Array): number {
  const sum = new SignalToError();
  sum.add(reference, other);
  return sum.decibels;
}
