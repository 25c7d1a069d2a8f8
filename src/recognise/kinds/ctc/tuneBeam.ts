import { InputError } from '../../../errors.js';
import { BEAM_SEARCH_DEFAULTS, BeamSearch } from '../../../speech/decode/beamSearch.js';
import type { NgramModel } from '../../../speech/languageModel/ngram.js';
import type { NormaliserName } from '../../../speech/text/normaliser.js';
import { ratesOf } from '../../../speech/text/wer.js';
import type { BeamWeights } from '../kind.js';
import type { CtcCard } from './card.js';
import type { LogProbabilities } from './outputTensors.js';

/** What a network gave for a recording, and what is said in it. */
export interface ScoredUtterance {
  readonly scores: LogProbabilities;
  readonly reference: string;
}

/** Weights, and how often the search errs with them. */
export interface WeightTrial {
  readonly weights: Required<BeamWeights>;
  /** Word error rate, a fraction. */
  readonly wer: number;
  /** Character error rate, a fraction. */
  readonly cer: number;
}

/** How weights are found. */
export interface TuneBeamOptions {
  /** Texts that are kept; it is taken as it is. */
  readonly beamWidth: number;
  /** Form in which texts are compared. Default `plain`. */
  readonly normaliser?: NormaliserName | undefined;
  /** Told of each trial. */
  readonly onTrial?: (trial: WeightTrial) => void;
}

/** Values that are tried of each weight. */
const GRID = {
  alpha: [0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.5, 2],
  beta: [-2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4, 5],
  unknownPenalty: [-20, -10, -7, -5, -4, -3, -2, -1, 0],
} as const;

/** Rounds over all weights; it ends sooner when none changes. */
const ROUNDS = 4;

/**
 * Finds the weights of a beam search that err least, one weight after the other over a grid until none changes. Of equal
 * word error rates the lower character error rate counts, then the first tried.
 *
 * @param utterances - of a development set; never of what is judged
 * @returns the best, and with it how the defaults did
 * @throws {InputError} when there is no utterance
 */
export function tuneBeam(
  card: CtcCard,
  languageModel: NgramModel,
  utterances: readonly ScoredUtterance[],
  { beamWidth, normaliser, onTrial }: TuneBeamOptions,
): { readonly best: WeightTrial; readonly defaults: WeightTrial } {
  if (utterances.length === 0) {
    throw new InputError('tuning: one utterance or more was required, got none; name a development set');
  }
  const known = new Map<string, WeightTrial>();
  const tryOut = (weights: Required<BeamWeights>): WeightTrial => {
    const key = JSON.stringify(weights);
    const trial = known.get(key) ?? measure(card, languageModel, utterances, weights, normaliser);
    if (!known.has(key)) onTrial?.(trial);
    known.set(key, trial);
    return trial;
  };
  const { alpha, beta, unknownPenalty } = BEAM_SEARCH_DEFAULTS;
  const defaults = tryOut({ alpha, beta, unknownPenalty, beamWidth });
  let best = defaults;
  for (let round = 0; round < ROUNDS; round++) {
    const before = best;
    for (const name of ['alpha', 'beta', 'unknownPenalty'] as const) {
      for (const value of GRID[name]) {
        const trial = tryOut({ ...best.weights, [name]: value });
        if (trial.wer < best.wer || (trial.wer === best.wer && trial.cer < best.cer)) best = trial;
      }
    }
    if (best === before) break;
  }
  return { best, defaults };
}

function measure(
  card: CtcCard,
  languageModel: NgramModel,
  utterances: readonly ScoredUtterance[],
  weights: Required<BeamWeights>,
  normaliser: NormaliserName | undefined,
): WeightTrial {
  const { alpha = 0, beta = 0, unknownPenalty = 0, beamWidth = 1 } = weights;
  const search = new BeamSearch(card.labels, card.blank, { languageModel, alpha, beta, unknownPenalty, beamWidth });
  const heard = utterances.map(({ scores, reference }) => {
    return { reference, text: search.decode(scores.data, scores.steps)[0]?.text ?? '' };
  });
  return { weights, ...ratesOf(heard, normaliser) };
}
