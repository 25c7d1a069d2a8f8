import type { Fingerprint } from './fingerprint.js';

/** How like two recordings are, one shifted against the other. */
export interface Likeness {
  /** Share of bits that differ, over all steps in which either is not silent: about a half for other sound. */
  readonly errorRate: number;
  /** The largest share in any stretch. */
  readonly worstRate: number;
}

/** Steps of a stretch that are not silent: a third of a second. */
const STRETCH = 20;

const BITS = 32;

/**
 * Largest shares of the same recording. Of 259 recordings as Opus of 24 kbit/s, µ-law, at other volumes and with silence around them the
 * largest were 0.14 and 0.30; of 2,089 pairs of others of like length the least were 0.36 and 0.41 (`bench/similar`).
 */
const MOST_DIFFERING = 0.2;
const MOST_IN_A_STRETCH = 0.35;

/**
 * Compares two fingerprints.
 *
 * @param shift - step of the second at which the first begins
 */
export function likeness(one: Fingerprint, other: Fingerprint, shift: number): Likeness {
  const errors: number[] = [];
  const begin = Math.min(0, shift);
  const end = Math.max(one.words.length + shift, other.words.length);
  for (let at = begin; at < end; at++) {
    const [mine, theirs] = [at - shift, at];
    if (one.loud[mine] !== 1 && other.loud[theirs] !== 1) continue;
    const [a, b] = [one.words[mine], other.words[theirs]];
    errors.push(a === undefined || b === undefined ? BITS / 2 : differing(a, b));
  }
  let sum = 0;
  let stretch = 0;
  let worst = 0;
  for (const [index, count] of errors.entries()) {
    sum += count;
    stretch += count - (errors[index - STRETCH] ?? 0);
    if (index >= STRETCH - 1 || index === errors.length - 1)
      worst = Math.max(worst, stretch / Math.min(index + 1, STRETCH));
  }
  return { errorRate: sum / (BITS * errors.length), worstRate: worst / BITS };
}

/** Whether two recordings are one, in two forms: nearly alike as a whole, and nowhere other: one word that is another is another recording. */
export function isSameRecording({ errorRate, worstRate }: Likeness): boolean {
  return errorRate <= MOST_DIFFERING && worstRate <= MOST_IN_A_STRETCH;
}

/** Bits in which two words differ. */
function differing(a: number, b: number): number {
  let bits = a ^ b;
  bits -= (bits >>> 1) & 0x55555555;
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
