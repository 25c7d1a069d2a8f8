import { createFrontEnd } from '../../../speech/features/features.js';
import type { LogMelFrontEnd } from '../../../speech/types.js';
import type { ResolvedModel } from '../../model.js';
import type { EncoderDecoderCard } from './card.js';
import type { SpeechGraphs } from './graphs.js';
import type { SpeechParts } from './hearWindow.js';
import { speechTokensOf } from './speechTokens.js';
import { readTokenizer } from './tokenizer.js';

/**
 * Loads the parts of a model.
 *
 * @param open - its graphs; called last, when all else is known to be right
 * @param clock - milliseconds from any fixed point
 * @throws {InputError} when a file is missing or bad, or files do not belong together
 */
export async function openSpeech(
  { card, files }: ResolvedModel & { readonly card: EncoderDecoderCard },
  open: () => Promise<SpeechGraphs>,
  clock: () => number,
): Promise<SpeechParts> {
  const tokens = speechTokensOf(card);
  const tokenizer = await readTokenizer(files?.['tokenizer'] as string, tokens);
  const extractor = await createFrontEnd(card.frontEnd);
  const { sampleRateHz, hopSamples } = card.frontEnd as LogMelFrontEnd;
  const windowFrames = Math.round((card.windowS * sampleRateHz) / hopSamples);
  return { extractor, graphs: await open(), tokenizer, tokens, longestText: card.longestText, windowFrames, clock };
}
