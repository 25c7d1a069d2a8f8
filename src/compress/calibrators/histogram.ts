import { extremes, nothingSeen } from './minMax.js';
import type { ValueRange } from './range.js';

/** A histogram and the extremes of what went into it. */
export interface Counts {
  /** Values in each bin. */
  readonly bins: Float64Array;
  /** Edges of the bins, one more than bins; float32 numbers. */
  readonly edges: Float64Array;
  readonly seen: ValueRange;
}

/** What both histograms have: bins that may grow in number up to a bound, and the range that was seen. */
abstract class GrowingHistogram {
  protected bins: Float64Array;
  protected edges: Float64Array = new Float64Array(0);
  protected seen: ValueRange | undefined;
  protected readonly mostBins: number;

  /**
   * @param numBins - bins at the beginning
   * @param mostBins - bins beyond which it is made anew with wider ones. ONNX Runtime lets them grow without bound: a near-silent
   * first sample would cost it gigabytes, and hours of its entropy search.
   */
  constructor(numBins: number, mostBins: number) {
    this.bins = new Float64Array(numBins);
    this.mostBins = Math.max(mostBins, 2 * numBins);
  }

  /** Counts a sample's values. */
  add(values: Float32Array): void {
    if (values.length === 0) return;
    const range = extremes(values);
    this.count(values, range);
    const before = this.seen ?? range;
    this.seen = {
      lowest: Math.min(before.lowest, range.lowest),
      highest: Math.max(before.highest, range.highest),
    };
  }

  counts(): Counts {
    return { bins: this.bins, edges: this.edges, seen: this.seen ?? nothingSeen() };
  }

  protected abstract count(values: Float32Array, range: ValueRange): void;
}

/**
 * A histogram that is symmetric about zero and grows outwards in whole bins as larger values come
 * (`HistogramCollector.collect_value` of ONNX Runtime, in the same float32 steps as NumPy's `histogram`).
 */
export class CenteredHistogram extends GrowingHistogram {
  #threshold = 0;

  protected override count(values: Float32Array, { lowest, highest }: ValueRange): void {
    const threshold = Math.max(Math.abs(lowest), Math.abs(highest));
    if (this.seen) this.#grow(threshold);
    else this.#threshold = threshold;
    this.edges = linearEdges(-this.#threshold, this.#threshold, this.bins.length);
    countUniform(values, this.bins, this.edges);
  }

  #grow(threshold: number): void {
    if (threshold <= this.#threshold) return;
    if (this.#threshold === 0) {
      this.#threshold = threshold;
      return;
    }
    const stride = Math.fround(Math.fround(2 * this.#threshold) / this.bins.length);
    const added = floorDivide(Math.fround(threshold - this.#threshold), stride) + 1;
    const old = { bins: this.bins, edges: this.edges };
    if (this.bins.length + 2 * added <= this.mostBins) {
      this.bins = new Float64Array(this.bins.length + 2 * added);
      this.bins.set(old.bins, added);
      this.#threshold = Math.fround(Math.fround(added * stride) + this.#threshold);
    } else {
      this.#threshold = threshold;
      this.bins = recounted(old, linearEdges(-threshold, threshold, 2 * Math.floor(this.mostBins / 4)));
    }
  }
}

/**
 * A histogram of magnitudes that grows upwards (`HistogramCollector.collect_absolute_value` of ONNX Runtime: values
 * below the first sample's smallest magnitude are not counted there either).
 */
export class AbsoluteHistogram extends GrowingHistogram {
  protected override count(values: Float32Array): void {
    const magnitudes = values.map(Math.abs);
    const range = extremes(magnitudes);
    if (this.seen) {
      this.#grow(range.highest);
      countBetween(magnitudes, this.bins, this.edges);
    } else {
      this.edges = linearEdges(range.lowest, range.highest, this.bins.length);
      countUniform(magnitudes, this.bins, this.edges);
    }
  }

  #grow(largest: number): void {
    const last = this.edges.at(-1) ?? 0;
    if (largest <= last) return;
    const width = Math.fround((this.edges[1] ?? 0) - (this.edges[0] ?? 0));
    const start = Math.fround(last + width);
    const added = Math.ceil(Math.fround(Math.fround(Math.fround(largest + width) - start) / width));
    const old = { bins: this.bins, edges: this.edges };
    if (this.bins.length + added <= this.mostBins) {
      this.edges = new Float64Array(old.edges.length + added);
      this.edges.set(old.edges);
      // NumPy's arange takes the step from its first two numbers.
      const step = Math.fround(Math.fround(start + width) - start);
      for (let i = 0; i < added; i++) this.edges[old.edges.length + i] = Math.fround(start + Math.fround(i * step));
      this.bins = new Float64Array(this.edges.length - 1);
      this.bins.set(old.bins);
    } else {
      this.edges = linearEdges(old.edges[0] ?? 0, largest, Math.floor(this.mostBins / 2));
      this.bins = recounted(old, this.edges);
    }
  }
}

/** Range that holds the given share of the counted values, in percent; both sides are cut alike unless symmetric. */
export function percentileRange(counts: Counts, percentile: number, symmetric: boolean): ValueRange {
  const { bins, edges, seen } = counts;
  let total = 0;
  for (const count of bins) total += count;
  const cumulative = new Float64Array(bins.length);
  let sum = 0;
  for (let i = 0; i < bins.length; i++) {
    sum += (bins[i] ?? 0) / total;
    cumulative[i] = sum;
  }
  const edgeAt = (share: number): number => edges[firstAtLeast(cumulative, share)] ?? edges.at(-1) ?? 0;
  const cut = (100 - percentile) / 200;
  const highest = edgeAt(symmetric ? percentile / 100 : 1 - cut);
  const lowest = symmetric ? -highest : edgeAt(cut);
  return withinSeen({ lowest, highest }, seen);
}

/** A range cut to what was seen: room beyond it would only cost resolution. Where nothing is left, what was seen. */
export function withinSeen(range: ValueRange, seen: ValueRange): ValueRange {
  const lowest = Math.max(range.lowest, seen.lowest);
  const highest = Math.min(range.highest, seen.highest);
  return lowest <= highest ? { lowest, highest } : seen;
}

/** NumPy's `linspace` in float32, widened by half on each side where the range is empty, as its `histogram` does. */
function linearEdges(from: number, to: number, bins: number): Float64Array {
  const first = from === to ? Math.fround(from - 0.5) : from;
  const last = from === to ? Math.fround(to + 0.5) : to;
  const step = Math.fround(Math.fround(last - first) / bins);
  const edges = new Float64Array(bins + 1);
  for (let i = 0; i < bins; i++) edges[i] = Math.fround(Math.fround(i * step) + first);
  edges[bins] = last;
  return edges;
}

/** Adds values to bins of equal width: an index by arithmetic, then put right at the edges (NumPy's fast path). */
function countUniform(values: Float32Array, bins: Float64Array, edges: Float64Array): void {
  const first = edges[0] ?? 0;
  const last = edges.at(-1) ?? 0;
  const width = Math.fround(last - first);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value < first || value > last) continue;
    let bin = Math.trunc(Math.fround(Math.fround(Math.fround(value - first) / width) * bins.length));
    if (bin === bins.length) bin--;
    if (value < (edges[bin] ?? 0)) bin--;
    else if (value >= (edges[bin + 1] ?? 0) && bin !== bins.length - 1) bin++;
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
}

/** Counts of wider bins: each old bin goes whole to where its middle lies. */
function recounted(old: { bins: Float64Array; edges: Float64Array }, edges: Float64Array): Float64Array {
  const bins = new Float64Array(edges.length - 1);
  for (let i = 0; i < old.bins.length; i++) {
    const middle = ((old.edges[i] ?? 0) + (old.edges[i + 1] ?? 0)) / 2;
    const bin = Math.min(Math.max(firstAbove(edges, middle) - 1, 0), bins.length - 1);
    bins[bin] = (bins[bin] ?? 0) + (old.bins[i] ?? 0);
  }
  return bins;
}

/** Adds values to bins of any width; the last bin holds its right edge. */
function countBetween(values: Float32Array, bins: Float64Array, edges: Float64Array): void {
  const first = edges[0] ?? 0;
  const last = edges.at(-1) ?? 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value < first || value > last) continue;
    const bin = value === last ? bins.length - 1 : firstAbove(edges, value) - 1;
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
}

/** NumPy's float32 `//`. */
function floorDivide(a: number, b: number): number {
  const remainder = a % b;
  const quotient = Math.fround(Math.fround(a - remainder) / b);
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

/** First index whose value is at least the one wanted. */
function firstAtLeast(sorted: Float64Array, wanted: number): number {
  return bisect(sorted, (value) => value < wanted);
}

/** First index whose value is above the one wanted. */
function firstAbove(sorted: Float64Array, wanted: number): number {
  return bisect(sorted, (value) => value <= wanted);
}

function bisect(sorted: Float64Array, before: (value: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(sorted[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}
