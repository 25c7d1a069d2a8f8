import { highest, logSumOf } from './tokenRules.js';

/** A token that was chosen. */
export interface ChosenToken {
  readonly token: number;
  /** Natural logarithm of its probability, at temperature 1. */
  readonly logProbability: number;
}

/**
 * Chooses what is said next.
 *
 * @param logits - of all tokens, after the rules
 * @param temperature - 0: the likeliest; above: drawn, the likelier the more often, from logits over the temperature
 * @param random - a number in 0 … 1, where it is drawn
 * @param logSum - the logarithm of the sum of their exponentials, where it is known
 */
export function chooseToken(
  logits: Float32Array,
  temperature: number,
  random: () => number,
  logSum: number = logSumOf(logits, 0, logits.length),
): ChosenToken {
  const token = temperature === 0 ? likeliest(logits) : drawn(logits, temperature, random());
  return { token, logProbability: (logits[token] as number) - logSum };
}

/** The first of the highest. */
function likeliest(logits: Float32Array): number {
  return logits.indexOf(highest(logits, 0, logits.length));
}

function drawn(logits: Float32Array, temperature: number, share: number): number {
  const top = highest(logits, 0, logits.length);
  let sum = 0;
  for (const logit of logits) sum += Math.exp((logit - top) / temperature);
  let left = share * sum;
  let last = likeliest(logits);
  for (const [token, logit] of logits.entries()) {
    const weight = Math.exp((logit - top) / temperature);
    if (weight === 0) continue;
    last = token;
    left -= weight;
    if (left < 0) break;
  }
  return last;
}
