import { InputError } from '../../errors.js';
import type { Audio } from '../types.js';

/** A piece of a long recording, short enough for a recogniser. */
export interface Segment {
  /** Where it begins in the recording, in seconds. */
  readonly startS: number;
  readonly audio: Audio;
  /**
   * Sound that it shares with the segment before, in seconds: 0 where the cut lies in silence, so that no word can be on
   * both sides; otherwise the texts are joined by `joinTexts`.
   */
  readonly overlapS: number;
}

/** Where to cut. */
export interface SegmentOptions {
  /** Longest segment, in seconds. */
  readonly targetS?: number;
  /** The cut lies at the quietest place of this many seconds before the target. */
  readonly lookBackS?: number;
  /** Sound that both sides get where no silence was found, in seconds. */
  readonly overlapS?: number;
}

const DEFAULTS: Required<SegmentOptions> = { targetS: 15, lookBackS: 5, overlapS: 1 };

/** Length of the place whose loudness is taken: longer than the closure of a stop consonant, in seconds. */
const QUIET_S = 0.2;
/** Grid on which places are compared, in seconds. */
const STEP_S = 0.01;
/** A place is silent when its effective value is below this part of the whole segment's (−26 dB), or of 1 (−60 dB). */
const SILENT_PART = 0.05;
const SILENT_LEVEL = 0.001;
/** Sound that has to follow a cut, so that the last segment is never a scrap, in seconds. */
const MINIMUM_REST_S = 1;
/** Fast speech, for the longest run of words that two overlapping texts can share. */
const WORDS_PER_S = 5;

/**
 * Cuts long sound at its quietest places. Sound up to the target and a second is returned as one segment.
 *
 * @param audio - any length
 * @param options - see {@link SegmentOptions}; by default 15 s at most, cut in the last 5 s, 1 s of overlap
 * @returns segments in order, which together cover all samples
 * @throws {InputError} when the lengths do not fit each other
 */
export function splitAtSilence(audio: Audio, options: SegmentOptions = {}): readonly Segment[] {
  const splitter = new Splitter(audio.sampleRateHz, options);
  return [...splitter.push(audio.samples), ...splitter.finish()];
}

/**
 * Cuts sound that comes in pieces, as {@link splitAtSilence} cuts it as a whole; no more than one segment and one piece
 * are in memory at a time.
 *
 * @param chunks - pieces of one recording, in order, at one rate
 * @throws {InputError} when a piece has another rate than the first
 */
export async function* segmentStream(
  chunks: AsyncIterable<Audio> | Iterable<Audio>,
  options: SegmentOptions = {},
): AsyncGenerator<Segment> {
  let splitter: Splitter | undefined;
  for await (const { samples, sampleRateHz } of chunks) {
    splitter ??= new Splitter(sampleRateHz, options);
    if (sampleRateHz !== splitter.sampleRateHz) {
      throw new InputError(
        `sound: one sample rate was required, got ${splitter.sampleRateHz} Hz and then ${sampleRateHz} Hz; resample it first`,
      );
    }
    yield* splitter.push(samples);
  }
  if (splitter !== undefined) yield* splitter.finish();
}

/** Keeps the sound that is not cut yet. */
class Splitter {
  readonly sampleRateHz: number;
  readonly #target: number;
  readonly #lookBack: number;
  readonly #overlap: number;
  readonly #rest: number;
  #buffer: Float32Array = new Float32Array(0);
  #start = 0;
  /** Samples at the beginning of the buffer that the segment before has too. */
  #shared = 0;

  constructor(sampleRateHz: number, options: SegmentOptions) {
    const { targetS, lookBackS, overlapS } = { ...DEFAULTS, ...options };
    if (!(lookBackS > QUIET_S && overlapS >= 0 && targetS >= lookBackS + 2 * overlapS)) {
      throw new InputError(
        `segments: a look-back above ${QUIET_S} s and a target of it and two overlaps were required, got target ${targetS} s, look-back ${lookBackS} s, overlap ${overlapS} s; choose others`,
      );
    }
    this.sampleRateHz = sampleRateHz;
    this.#target = Math.round(targetS * sampleRateHz);
    this.#lookBack = Math.round(lookBackS * sampleRateHz);
    this.#overlap = Math.round(overlapS * sampleRateHz);
    this.#rest = Math.round(MINIMUM_REST_S * sampleRateHz);
  }

  *push(samples: Float32Array): Generator<Segment> {
    const joined = new Float32Array(this.#buffer.length + samples.length);
    joined.set(this.#buffer);
    joined.set(samples, this.#buffer.length);
    let from = 0;
    while (joined.length - from >= this.#target + this.#rest) {
      const window = joined.subarray(from, from + this.#target);
      const { position, silent } = quietestPlace(window, this.#lookBack, this.sampleRateHz);
      // Half of the overlap on each side of the cut, within the segment's longest length.
      const half = silent ? 0 : Math.floor(this.#overlap / 2);
      const end = Math.min(position + half, window.length);
      const next = position - half;
      yield this.#segment(window.slice(0, end));
      this.#start += next;
      this.#shared = end - next;
      from += next;
    }
    this.#buffer = joined.slice(from);
  }

  *finish(): Generator<Segment> {
    // What is left holds nothing new when all of it has been in the segment before.
    if (this.#buffer.length > this.#shared || this.#start === 0) {
      if (this.#buffer.length > 0) yield this.#segment(this.#buffer);
    }
    this.#buffer = new Float32Array(0);
  }

  #segment(samples: Float32Array): Segment {
    const { sampleRateHz } = this;
    return {
      startS: this.#start / sampleRateHz,
      audio: { samples, sampleRateHz },
      overlapS: this.#shared / sampleRateHz,
    };
  }
}

/** The middle of the quietest 0.2 s within the last samples; of equal ones the latest, so that segments stay long. */
function quietestPlace(
  samples: Float32Array,
  lookBack: number,
  sampleRateHz: number,
): { readonly position: number; readonly silent: boolean } {
  const step = Math.max(1, Math.round(STEP_S * sampleRateHz));
  const steps = Math.floor(samples.length / step);
  const energies = new Float64Array(steps);
  let total = 0;
  for (let i = 0; i < steps; i++) {
    let energy = 0;
    for (let n = i * step; n < (i + 1) * step; n++) energy += (samples[n] as number) ** 2;
    energies[i] = energy;
    total += energy;
  }
  const width = Math.round(QUIET_S / STEP_S);
  const first = Math.max(0, steps - Math.floor(lookBack / step));
  let best = steps - width;
  let least = Number.POSITIVE_INFINITY;
  for (let i = first; i + width <= steps; i++) {
    let energy = 0;
    for (let k = 0; k < width; k++) energy += energies[i + k] as number;
    if (energy <= least) {
      least = energy;
      best = i;
    }
  }
  const level = Math.sqrt(least / (width * step));
  const whole = Math.sqrt(total / (steps * step));
  return {
    position: Math.round((best + width / 2) * step),
    silent: level <= Math.max(SILENT_LEVEL, SILENT_PART * whole),
  };
}

/**
 * Joins the text of a segment to the text before it. Where the two share sound, the words that end the one and begin the
 * other are written once; a word that the cut has spoiled on either side is dropped when the words around it agree.
 *
 * @param before - text up to here
 * @param next - text of the segment
 * @param overlapS - the segment's {@link Segment.overlapS}
 * @example
 * joinTexts('please enter your pass', 'your password now', 1); // 'please enter your password now'
 */
export function joinTexts(before: string, next: string, overlapS: number): string {
  const left = wordsOf(before);
  const right = wordsOf(next);
  const { kept, dropped } = findJoin(left, right, overlapS);
  return [...left.slice(0, kept), ...right.slice(dropped)].join(' ');
}

/**
 * Finds where {@link joinTexts} joins two texts.
 *
 * @param left - words up to here
 * @param right - words of the next segment
 * @returns how many words of the left side stay, and how many of the right side are left out
 */
export function findJoin(
  left: readonly string[],
  right: readonly string[],
  overlapS: number,
): { readonly kept: number; readonly dropped: number } {
  if (overlapS <= 0 || left.length === 0 || right.length === 0) return { kept: left.length, dropped: 0 };
  const longest = Math.ceil(overlapS * WORDS_PER_S) + 1;
  for (let length = Math.min(longest, left.length, right.length); length > 0; length--) {
    // The last word of the left side and the first of the right side may be halves.
    for (const [dropLeft, dropRight] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const) {
      const end = left.length - dropLeft;
      const shared = left.slice(Math.max(0, end - length), end);
      if (shared.length === length && shared.every((word, i) => word === right[dropRight + i])) {
        return { kept: end, dropped: dropRight + length };
      }
    }
  }
  return { kept: left.length, dropped: 0 };
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
