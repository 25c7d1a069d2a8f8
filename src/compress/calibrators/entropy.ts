import { type Counts, withinSeen } from './histogram.js';
import type { ValueRange } from './range.js';

/** What a zero probability is replaced with, taken off the others: the divergence has no meaning at zero. */
const SMOOTHING = 0.0001;

/**
 * Range whose clipped and coarsened distribution stays nearest to the one that was seen, by Kullback–Leibler divergence
 * (Migacz, "8-bit inference with TensorRT", GTC 2017; ONNX Runtime's `get_entropy_threshold`, in the same float32 steps).
 *
 * @param numQuantizedBins - levels to which each candidate is coarsened
 */
export function entropyRange(counts: Counts, numQuantizedBins: number): ValueRange {
  const { bins, edges, seen } = counts;
  const centre = Math.floor(bins.length / 2);
  const narrowest = Math.floor(numQuantizedBins / 2);
  const below = prefixSums(bins);
  let best: ValueRange = { lowest: 0, highest: 0 };
  let least = Number.POSITIVE_INFINITY;
  for (let half = narrowest; half <= centre; half++) {
    const start = centre - half;
    const end = Math.min(centre + half + 1, bins.length);
    const divergence = candidateDivergence(bins, below, start, end, numQuantizedBins);
    if (divergence < least || half === narrowest) {
      least = divergence;
      best = { lowest: edges[start] ?? 0, highest: edges[end] ?? 0 };
    }
  }
  return withinSeen(best, seen);
}

function candidateDivergence(
  bins: Float64Array,
  below: Float64Array,
  start: number,
  end: number,
  numQuantizedBins: number,
): number {
  const inside = bins.subarray(start, end);
  const size = inside.length;
  const reference = inside.slice();
  reference[0] = (reference[0] ?? 0) + (below[start] ?? 0);
  reference[size - 1] = (reference[size - 1] ?? 0) + (below[bins.length] ?? 0) - (below[end] ?? 0);
  const candidate = new Float64Array(size);
  const merged = Math.floor(size / numQuantizedBins);
  for (let level = 0; level < numQuantizedBins; level++) {
    const from = start + level * merged;
    const to = from + merged;
    // What is left after whole levels counts in the last one, but is not spread out again.
    const sum = (below[level === numQuantizedBins - 1 ? end : to] ?? 0) - (below[from] ?? 0);
    let occupied = 0;
    for (let i = from - start; i < to - start; i++) if (reference[i] !== 0) occupied++;
    if (occupied > 0) candidate.fill(Math.trunc(sum / occupied), from - start, to - start);
  }
  const p = smoothed(reference);
  const q = smoothed(candidate);
  return p && q ? divergenceOf(p, q) : Number.POSITIVE_INFINITY;
}

/** Replaces zeros; undefined where that cannot be done: all are zero, or too few are not. */
function smoothed(distribution: Float64Array): Float32Array | undefined {
  let zeros = 0;
  for (const count of distribution) if (count === 0) zeros++;
  const others = distribution.length - zeros;
  const taken = (SMOOTHING * zeros) / others;
  if (others === 0 || taken >= 1) return undefined;
  const given = Math.fround(SMOOTHING);
  return Float32Array.from(distribution, (count) => (count === 0 ? given : Math.fround(count) + Math.fround(-taken)));
}

/** Σ p · ln(p / q) of two distributions that are normalised first; float32 throughout. */
function divergenceOf(p: Float32Array, q: Float32Array): number {
  const sumP = pairwiseSum(p, 0, p.length);
  const sumQ = pairwiseSum(q, 0, q.length);
  const terms = p.map((value, i) => {
    const pk = Math.fround(value / sumP);
    const qk = Math.fround((q[i] ?? 0) / sumQ);
    return pk * Math.fround(Math.log(Math.fround(pk / qk)));
  });
  return pairwiseSum(terms, 0, terms.length);
}

/** NumPy's order of adding up float32 numbers: eight running sums a block of up to 128, blocks joined as a tree. */
function pairwiseSum(values: Float32Array, from: number, count: number): number {
  if (count < 8) {
    let sum = -0;
    for (let i = from; i < from + count; i++) sum = Math.fround(sum + (values[i] ?? 0));
    return sum;
  }
  if (count > 128) {
    const half = Math.floor(count / 2) - (Math.floor(count / 2) % 8);
    return Math.fround(pairwiseSum(values, from, half) + pairwiseSum(values, from + half, count - half));
  }
  const running = values.slice(from, from + 8);
  const whole = count - (count % 8);
  for (let i = 8; i < whole; i++) running[i % 8] = (running[i % 8] ?? 0) + (values[from + i] ?? 0);
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = running;
  const left = Math.fround(Math.fround(a + b) + Math.fround(c + d));
  const right = Math.fround(Math.fround(e + f) + Math.fround(g + h));
  let sum = Math.fround(left + right);
  for (let i = from + whole; i < from + count; i++) sum = Math.fround(sum + (values[i] ?? 0));
  return sum;
}

function prefixSums(bins: Float64Array): Float64Array {
  const sums = new Float64Array(bins.length + 1);
  for (let i = 0; i < bins.length; i++) sums[i + 1] = (sums[i] ?? 0) + (bins[i] ?? 0);
  return sums;
}
