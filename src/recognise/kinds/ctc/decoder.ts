import { z } from 'zod';
import { InputError } from '../../../errors.js';
import { readJson, sha256OfBytes, sha256OfFile } from '../../../files.js';
import { BEAM_SEARCH_DEFAULTS, BeamSearch } from '../../../speech/decode/beamSearch.js';
import { decodeGreedy } from '../../../speech/decode/ctc.js';
import { timeWords } from '../../../speech/decode/timeStamps.js';
import { readArpa } from '../../../speech/languageModel/arpa.js';
import type { WordTime } from '../../../speech/types.js';
import type { BeamWeights, Decoder, DecoderOptions } from '../kind.js';
import type { CtcCard } from './card.js';
import type { LogProbabilities } from './outputTensors.js';

/** Each text that is kept costs time and memory in each step; beyond a few thousand nothing is gained. */
const WIDEST_BEAM = 10_000;

/** `X.json` beside `X.arpa.gz`; fields that say where it came from are left alone. */
const weightsSchema: z.ZodType<BeamWeights> = z.object({
  alpha: z.number().nonnegative().optional(),
  beta: z.number().optional(),
  unknownPenalty: z.number().max(0).optional(),
  beamWidth: z.int().positive().max(WIDEST_BEAM).optional(),
});

/** Where the weights of a language model stand: `X.json` for `X.arpa` and `X.arpa.gz`. */
export function weightsPath(languageModelPath: string): string {
  return `${languageModelPath.replace(/(\.arpa)?(\.gz)?$/, '')}.json`;
}

/**
 * Reads the weights of a language model.
 *
 * @returns what stands beside it; nothing where no file does
 * @throws {InputError} when the file is no JSON or a weight is impossible
 */
export async function readBeamWeights(languageModelPath: string): Promise<BeamWeights> {
  try {
    return await readJson(weightsPath(languageModelPath), weightsSchema);
  } catch (error) {
    if (error instanceof InputError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return {};
    throw error;
  }
}

/**
 * Makes a decoder for a model.
 *
 * @throws {InputError} when the language model cannot be read, or an option is impossible
 */
export async function createDecoder(card: CtcCard, options: DecoderOptions = {}): Promise<Decoder> {
  const { kind = 'greedy', wordTimes = false } = options;
  const { language } = options;
  if (language !== undefined) {
    throw new InputError(
      `${card.id}: no language was required of a model of the kind ctc, got ${language}; it writes one only: leave it out`,
    );
  }
  if (kind === 'greedy') {
    const key = wordTimes ? 'greedy, times' : 'greedy';
    return { key, decode: greedy(card, wordTimes), warnings: [], tellsWords: wordTimes };
  }
  if (kind !== 'beam') {
    throw new InputError(`decoder: greedy or beam was required, got ${String(kind)}; choose one`);
  }
  return await createBeamDecoder(card, options);
}

function greedy(card: CtcCard, wordTimes: boolean): Decoder['decode'] {
  return (scores) => {
    const { sequence, ...decoding } = decodeGreedy(scores.data, scores.steps, card.labels, card.blank);
    return wordTimes ? { ...decoding, words: timesOf(card, scores, sequence) } : decoding;
  };
}

async function createBeamDecoder(card: CtcCard, options: DecoderOptions): Promise<Decoder> {
  const { languageModelPath: path, hotWords = {}, wordTimes = false } = options;
  const beside = path === undefined ? {} : await readBeamWeights(path);
  const weights = {
    alpha: options.alpha ?? beside.alpha ?? BEAM_SEARCH_DEFAULTS.alpha,
    beta: options.beta ?? beside.beta ?? BEAM_SEARCH_DEFAULTS.beta,
    unknownPenalty: options.unknownPenalty ?? beside.unknownPenalty ?? BEAM_SEARCH_DEFAULTS.unknownPenalty,
    beamWidth: options.beamWidth ?? beside.beamWidth ?? BEAM_SEARCH_DEFAULTS.beamWidth,
  };
  if (weights.beamWidth > WIDEST_BEAM) {
    throw new InputError(`beamWidth: at most ${WIDEST_BEAM} was required, got ${weights.beamWidth}; 64 is usual`);
  }
  const search = new BeamSearch(card.labels, card.blank, {
    ...(path === undefined ? {} : { languageModel: await readArpa(path) }),
    ...weights,
    hotWords: new Map(Object.entries(hotWords)),
  });
  const sha256 = path === undefined ? null : await sha256OfFile(path);
  return {
    warnings: search.warnings,
    tellsWords: wordTimes,
    key: `beam ${sha256OfBytes(JSON.stringify([sha256, weights, hotWords, wordTimes]))}`,
    decode: (scores) => {
      const [best] = search.decode(scores.data, scores.steps);
      if (best === undefined) throw new Error('a beam search found no text at all');
      const { text, logProbability, confidence, sequence } = best;
      const decoding = { text, logProbability, confidence };
      return wordTimes ? { ...decoding, words: timesOf(card, scores, sequence) } : decoding;
    },
  };
}

function timesOf(card: CtcCard, { data, steps }: LogProbabilities, sequence: readonly number[]): readonly WordTime[] {
  return timeWords(data, steps, sequence, card.labels, card.blank, secondsPerStep(card));
}

/** Seconds of one output step: time stride × hop / sample rate. */
function secondsPerStep({ frontEnd, timeStride }: CtcCard): number {
  const hopSamples = frontEnd.kind === 'waveform' ? 1 : frontEnd.hopSamples;
  return (timeStride * hopSamples) / frontEnd.sampleRateHz;
}
