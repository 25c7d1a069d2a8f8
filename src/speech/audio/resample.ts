import { InputError } from '../../errors.js';

/** Shape of the Kaiser window, and the filter's half length in periods of the lower rate: SciPy's defaults. */
const KAISER_BETA = 5;
const HALF_PERIODS = 10;

/** Filters that are kept; a program meets a few pairs of rates at most. */
const KEPT_FILTERS = 8;

/** Taps below this part of the largest one are rounding of zeros (a sinc has many): they are not multiplied. */
const NEGLIGIBLE = 1e-15;

/** A low-pass filter split into its phases: row p holds, last tap first, what an output of phase p needs. */
interface PolyphaseFilter {
  readonly taps: Float64Array;
  readonly tapsPerPhase: number;
  /** First tap of each row that is not zero, and the place after the last such one. */
  readonly begins: Int32Array;
  readonly ends: Int32Array;
}

const filters = new Map<string, PolyphaseFilter>();

/**
 * Changes the sample rate by a polyphase finite impulse response filter: a Kaiser-windowed sinc (beta 5, ten periods of
 * the lower rate on each side), zero phase, silence assumed beyond the ends.
 *
 * Equal to `scipy.signal.resample_poly(samples, toHz, fromHz)` with its defaults (SciPy 1.17), in double precision and
 * rounded once to float32. Time and memory grow linearly with the samples.
 *
 * @param samples - mono sound
 * @param fromHz - its sample rate, a whole number of hertz
 * @param toHz - the rate wanted, a whole number of hertz
 * @returns ceil(samples × toHz / fromHz) samples; a copy when the rates are equal
 * @throws {InputError} when a rate is not a whole number above 0
 * @example
 * resample(new Float32Array(8_000), 8_000, 16_000).length; // 16000
 */
export function resample(samples: Float32Array, fromHz: number, toHz: number): Float32Array {
  for (const rateHz of [fromHz, toHz]) {
    if (!Number.isInteger(rateHz) || rateHz <= 0) {
      throw new InputError(`sample rate: a whole number of hertz above 0 was required, got ${rateHz}; give one`);
    }
  }
  if (fromHz === toHz) return samples.slice();
  const divisor = greatestCommonDivisor(fromHz, toHz);
  const up = toHz / divisor;
  const down = fromHz / divisor;
  const { taps, tapsPerPhase, begins, ends } = filterFor(up, down);
  const halfLength = HALF_PERIODS * Math.max(up, down);
  const output = new Float32Array(Math.ceil((samples.length * up) / down));
  const wholeStep = Math.floor(down / up);
  const phaseStep = down % up;
  let phase = halfLength % up;
  let oldest = Math.floor(halfLength / up) - tapsPerPhase + 1;
  for (let n = 0; n < output.length; n++) {
    // Output n is the sum over j of tap[phase, j] × input[oldest + j].
    const row = phase * tapsPerPhase;
    // (0 − oldest, as −oldest may be the floating-point number −0, which is slow.)
    const first = Math.max(begins[phase] as number, 0 - oldest);
    const end = Math.min(ends[phase] as number, samples.length - oldest);
    // Four sums at a time: one alone waits for each addition before the next.
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let j = first;
    for (; j + 3 < end; j += 4) {
      const tap = row + j;
      const sample = oldest + j;
      a += (taps[tap] as number) * (samples[sample] as number);
      b += (taps[tap + 1] as number) * (samples[sample + 1] as number);
      c += (taps[tap + 2] as number) * (samples[sample + 2] as number);
      d += (taps[tap + 3] as number) * (samples[sample + 3] as number);
    }
    for (; j < end; j++) a += (taps[row + j] as number) * (samples[oldest + j] as number);
    output[n] = a + b + (c + d);
    oldest += wholeStep;
    phase += phaseStep;
    if (phase >= up) {
      phase -= up;
      oldest++;
    }
  }
  return output;
}

function filterFor(up: number, down: number): PolyphaseFilter {
  const key = `${up}/${down}`;
  const kept = filters.get(key);
  if (kept !== undefined) return kept;
  const filter = designFilter(up, down);
  const [oldest] = filters.keys();
  if (filters.size >= KEPT_FILTERS && oldest !== undefined) filters.delete(oldest);
  filters.set(key, filter);
  return filter;
}

/** `scipy.signal.firwin(20·max(up, down) + 1, 1 / max(up, down), window=('kaiser', 5.0))`, times `up`. */
function designFilter(up: number, down: number): PolyphaseFilter {
  const cutoff = 1 / Math.max(up, down);
  const halfLength = HALF_PERIODS * Math.max(up, down);
  const impulse = new Float64Array(2 * halfLength + 1);
  let sum = 0;
  for (let n = 0; n < impulse.length; n++) {
    const m = n - halfLength;
    const window = besselI0(KAISER_BETA * Math.sqrt(Math.max(0, 1 - (m / halfLength) ** 2))) / besselI0(KAISER_BETA);
    const x = Math.PI * cutoff * m;
    const tap = cutoff * (m === 0 ? 1 : Math.sin(x) / x) * window;
    impulse[n] = tap;
    sum += tap;
  }
  const tapsPerPhase = Math.ceil(impulse.length / up);
  const taps = new Float64Array(tapsPerPhase * up);
  for (let n = 0; n < impulse.length; n++) {
    const phase = n % up;
    const age = (n - phase) / up;
    taps[phase * tapsPerPhase + tapsPerPhase - 1 - age] = ((impulse[n] ?? 0) / sum) * up;
  }
  const least = NEGLIGIBLE * (impulse[halfLength] ?? 0);
  const begins = new Int32Array(up);
  const ends = new Int32Array(up);
  for (let phase = 0; phase < up; phase++) {
    const row = taps.subarray(phase * tapsPerPhase, (phase + 1) * tapsPerPhase);
    begins[phase] = row.findIndex((tap) => Math.abs(tap) > least);
    ends[phase] = row.findLastIndex((tap) => Math.abs(tap) > least) + 1;
  }
  return { taps, tapsPerPhase, begins, ends };
}

/** Modified Bessel function of the first kind, order 0, by its power series; exact to double precision up to x = 20. */
function besselI0(x: number): number {
  const quarter = (x * x) / 4;
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
