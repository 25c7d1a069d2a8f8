import { InputError } from '../../../errors.js';
import type { CardTensors } from './card.js';

/** What a graph's scores are: see {@link CardTensors.scores}. */
export type ScoreKind = NonNullable<CardTensors['scores']>;

/** Rows that are looked at to tell what scores are, spread evenly over a recording. */
const ROWS_LOOKED_AT = 32;
/** How far from 1 a row of probabilities may sum: float16 and int8 round that much at most. */
const SUM_TOLERANCE = 0.1;
/** Rows whose sums are nearer to 1 than this are left as they are. */
const EXACT_SUM = 1e-3;

/**
 * Makes natural logarithms of probabilities of a graph's scores.
 *
 * @param rows - row-major, shape [steps, labels]
 * @param kind - what the card says they are. Default: told from the rows: those whose exponentials sum to one are logarithms, those
 *   that sum to one themselves are probabilities, any others are logits
 * @param where - file and output, for errors
 * @returns rows whose exponentials sum to one: those that came, or new ones
 * @throws {InputError} when a score is NaN or plus infinity, a row has no finite one, or the rows are not of the kind that the card says
 */
export function toLogProbabilities(
  rows: Float32Array,
  labels: number,
  kind: ScoreKind | undefined,
  where: string,
): Float32Array {
  requireNumbers(rows, labels, where);
  const own = kind ?? kindOf(rows, labels);
  if (own === 'logits') return logSoftmax(rows, labels);
  const sums = sumsOf(rows, labels, own);
  const wrong = sums.find((sum) => !(Math.abs(sum - 1) <= SUM_TOLERANCE));
  if (wrong !== undefined) {
    const meant = kindOf(rows, labels);
    throw new InputError(
      `${where}: ${own} that sum to 1 in each step were required by the card, got ${wrong.toPrecision(4)}; write "scores": "${meant}" into the tensors of the card, or leave it out`,
    );
  }
  const logarithms = own === 'probabilities' ? rows.map((value) => Math.log(Math.max(0, value))) : rows;
  const isExact = sums.every((sum) => Math.abs(sum - 1) <= EXACT_SUM);
  return isExact ? logarithms : logSoftmax(logarithms, labels);
}

/** Every value is looked at: one NaN would make every text that follows it worthless. */
function requireNumbers(rows: Float32Array, labels: number, where: string): void {
  for (let row = 0; row < rows.length; row += labels) {
    let highest = Number.NEGATIVE_INFINITY;
    for (let i = row; i < row + labels; i++) {
      const value = rows[i] as number;
      if (Number.isNaN(value)) highest = Number.NaN;
      else if (value > highest) highest = value;
    }
    if (Number.isFinite(highest)) continue;
    const came = Number.isNaN(highest) ? 'NaN' : highest > 0 ? 'infinity' : 'minus infinity only';
    throw new InputError(
      `${where}: finite scores were required, got ${came} in step ${row / labels}; the model is damaged, or its arithmetic overflows (float16)`,
    );
  }
}

function kindOf(rows: Float32Array, labels: number): ScoreKind {
  for (const kind of ['log-probabilities', 'probabilities'] as const) {
    if (sumsOf(rows, labels, kind).every((sum) => Math.abs(sum - 1) <= SUM_TOLERANCE)) return kind;
  }
  return 'logits';
}

/** Sums of some rows as probabilities; NaN where a value can be none. */
function sumsOf(rows: Float32Array, labels: number, kind: ScoreKind): number[] {
  const count = Math.min(rows.length / labels, ROWS_LOOKED_AT);
  return Array.from({ length: count }, (_, place) => {
    const row = Math.floor((place * (rows.length / labels)) / count) * labels;
    let sum = 0;
    for (let i = row; i < row + labels; i++) {
      const value = rows[i] as number;
      if (kind === 'log-probabilities') sum += Math.exp(value);
      else sum += value < -EXACT_SUM ? Number.NaN : value;
    }
    return sum;
  });
}

/** Natural logarithm of the softmax of each row. */
function logSoftmax(logits: Float32Array, labels: number): Float32Array {
  const result = new Float32Array(logits.length);
  for (let row = 0; row < logits.length; row += labels) {
    let highest = Number.NEGATIVE_INFINITY;
    for (let i = row; i < row + labels; i++) highest = Math.max(highest, logits[i] as number);
    let sum = 0;
    for (let i = row; i < row + labels; i++) sum += Math.exp((logits[i] as number) - highest);
    const normaliser = highest + Math.log(sum);
    for (let i = row; i < row + labels; i++) result[i] = (logits[i] as number) - normaliser;
  }
  return result;
}
