import { join } from 'node:path';
import type { EncoderDecoderCard, SpecialTokens } from '../../../../src/recognise/kinds/encoderDecoder/card.js';
import type { ResolvedModel } from '../../../../src/recognise/model.js';
import type { LogMelFrontEnd } from '../../../../src/speech/types.js';

/** Whisper's; equal to openai-whisper's features (test/speech/features). */
export const WHISPER_FRONT_END: LogMelFrontEnd = {
  kind: 'log-mel',
  sampleRateHz: 16_000,
  fftSamples: 400,
  windowSamples: 400,
  hopSamples: 160,
  window: 'hann-periodic',
  bins: 80,
  melScale: 'slaney',
  logGuard: 1e-10,
  logGuardMode: 'clamp',
  logarithm: 'decimal',
  padding: 'reflect',
  dropLastFrame: true,
  normalisation: 'whisper',
};

/** A model in a folder that `importModel` wrote, with a card of what hearing needs. */
export function whisperModel(
  folder: string,
  tokens: SpecialTokens,
  longestText: number,
): ResolvedModel & { readonly card: EncoderDecoderCard } {
  const card = {
    schema: 'quantlab.model-card/2',
    kind: 'encoder-decoder',
    id: 'whisper',
    frontEnd: WHISPER_FRONT_END,
    layers: 3,
    longestText,
    windowS: 30,
    tokens,
  } as unknown as EncoderDecoderCard;
  const [encoder, decoder] = ['encoder.onnx', 'decoder.onnx'].map((name) => join(folder, name)) as [string, string];
  return { card, path: folder, graphs: { encoder, decoder }, files: { tokenizer: join(folder, 'tokenizer.json') } };
}
