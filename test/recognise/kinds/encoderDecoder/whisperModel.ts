import { join } from 'node:path';
import type { EncoderDecoderCard, SpecialTokens } from '../../../../src/recognise/kinds/encoderDecoder/card.js';
import type { ResolvedModel } from '../../../../src/recognise/model.js';
import { FRONT_END_PRESETS } from '../../../../src/speech/features/frontEndPresets.js';
import type { FrontEnd } from '../../../../src/speech/types.js';

/** Of 80 bands; equal to openai-whisper's features (test/speech/kaldiWhisper.test.ts). */
export const WHISPER_FRONT_END: FrontEnd = FRONT_END_PRESETS.whisper.make({ sampleRateHz: 16_000, bins: 80 });

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
