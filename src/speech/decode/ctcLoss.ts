import { labelPieces } from './labelPieces.js';
import { Spelling } from './spelling.js';

/**
 * How unlikely a network of connectionist temporal classification (CTC) finds a text: minus the natural logarithm of the probabilities
 * of all its paths together (the forward algorithm, in logarithms).
 *
 * @param logProbabilities - natural logarithms, row-major, shape [steps, classes]; what follows is not read
 * @param steps - output steps of this utterance, padding not counted
 * @param sequence - classes of the text, blanks not among them
 * @param classes - of the network
 * @param blank - class that stands for nothing
 * @returns nats; infinity where no path of so many steps says the text
 * @see Graves et al. 2006, "Connectionist Temporal Classification", section 4.1; `torch.nn.functional.ctc_loss`
 * @example ctcLoss(Float32Array.of(Math.log(0.5), Math.log(0.5)), 1, [1], 2, 0); // ln 2, 0.693
 */
export function ctcLoss(
  logProbabilities: Float32Array,
  steps: number,
  sequence: readonly number[],
  classes: number,
  blank: number,
): number {
  // States are blank, class, blank, class, …, blank. A way begins in the first, so that one step leads to it or to the second.
  const states = 2 * sequence.length + 1;
  const labels = Int32Array.from({ length: states }, (_, state) =>
    state % 2 ? (sequence[state >> 1] ?? blank) : blank,
  );
  let before = new Float64Array(states).fill(Number.NEGATIVE_INFINITY);
  before[0] = 0;
  let now = new Float64Array(states);
  for (let step = 0; step < steps; step++) {
    const row = step * classes;
    for (let state = 0; state < states; state++) {
      const label = labels[state] as number;
      let way = before[state] as number;
      if (state > 0) way = logSum(way, before[state - 1] as number);
      // A blank between two classes may be left out, but not between two that are the same.
      if (state % 2 && state > 1 && label !== labels[state - 2]) way = logSum(way, before[state - 2] as number);
      now[state] = way + (logProbabilities[row + label] as number);
    }
    [before, now] = [now, before];
  }
  const last = before[states - 1] as number;
  return 0 - (states === 1 ? last : logSum(last, before[states - 2] as number));
}

function logSum(one: number, other: number): number {
  const high = Math.max(one, other);
  const apart = Math.min(one, other) - high;
  // Beyond 37 nats the smaller is below the last bit of the larger; of two infinities the difference is no number.
  return apart > -37 ? high + Math.log1p(Math.exp(apart)) : high;
}

/**
 * Finds the classes of texts.
 *
 * @param labels - of a model card, a character or a mark of a word's beginning each; classes that stand for nothing are empty
 * @returns tells the classes of a text; `null` where a character has none. Of a network with a class of several characters it is always
 * `null`: there a text has many spellings, of which the network learned one
 */
export function spellerOf(labels: readonly string[]): (text: string) => number[] | null {
  const pieces = labelPieces(labels);
  const spelling = new Spelling(labels);
  const places = new Map<string, number>();
  for (const [place, { startsWord, text }] of pieces.entries()) {
    if (/^(<.*>|\[.*\])$/s.test(text)) continue;
    if ([...text].length + Number(startsWord) > 1) return () => null;
    const key = startsWord ? ' ' : text;
    if (key !== '' && !places.has(key)) places.set(key, place);
  }
  return (text) => {
    const words = text.split(/\s+/).flatMap((word) => (word === '' ? [] : [spelling.write(word) ?? null]));
    if (words.includes(null)) return null;
    const sequence = [...words.join(' ')].map((character) => places.get(character) ?? -1);
    return sequence.includes(-1) ? null : sequence;
  };
}
