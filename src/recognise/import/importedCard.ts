import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { sha256OfFile } from '../../files.js';
import { FRONT_END_PRESETS } from '../../speech/features/frontEndPresets.js';
import type { CardFile, CardGraph } from '../card/card.js';
import { idFromName } from '../card/idFromName.js';
import type { EncoderDecoderCard, SpecialTokens } from '../kinds/encoderDecoder/card.js';
import type { ForeignModel } from './importedModel.js';
import { countParameters } from './whisperShape.js';

/** Seconds of a step of the encoder: two frames. */
const STEP_S = 0.02;

/** OpenAI's sizes by width and layers of the decoder: large of every version, and turbo, have one width. */
const SIZES: Readonly<Record<string, string>> = {
  '384.4': 'tiny',
  '512.6': 'base',
  '768.12': 'small',
  '1024.24': 'medium',
  '1280.32': 'large',
  '1280.4': 'turbo',
};

/**
 * The card of an imported model.
 *
 * @param out - folder of the model, whose files are written
 * @param paths - names of its graphs' files
 */
export async function importedCard(
  { shape, program, layout, decoding }: ForeignModel,
  tokens: SpecialTokens,
  out: string,
  paths: Readonly<Record<string, string>>,
): Promise<EncoderDecoderCard> {
  const { width, encoderLayers, decoderLayers, windowSteps } = shape;
  const graph = async (name: string): Promise<CardGraph> => ({ file: await fileOf(out, paths[name] ?? '') });
  const { alignmentHeads, suppressed, suppressedFirst } = decoding;
  const size = SIZES[`${width}.${decoderLayers}`];
  return {
    schema: 'quantlab.model-card/2',
    kind: 'encoder-decoder',
    id: idFromName(basename(resolve(out)), 'whisper'),
    title: `Whisper${size === undefined ? '' : ` ${size}`}, ${tokens.languages ? 'many languages' : 'English'}`,
    network: `Transformer: encoder of ${encoderLayers} layers, decoder of ${decoderLayers}, ${width} wide`,
    parameters: countParameters(shape),
    graphs: {
      encoder: await graph('encoder'),
      decoder: await graph('decoder'),
      ...(paths['decoderWithPast'] !== undefined && { decoderWithPast: await graph('decoderWithPast') }),
    },
    files: { tokenizer: await fileOf(out, 'tokenizer.json') },
    frontEnd: FRONT_END_PRESETS.whisper.make({ sampleRateHz: 16_000, bins: shape.bins }),
    layout,
    layers: decoderLayers,
    heads: shape.decoderHeads,
    width,
    sizes: {
      encoderLayers,
      encoderHeads: shape.encoderHeads,
      encoderFeed: shape.encoderFeed,
      decoderFeed: shape.decoderFeed,
    },
    vocabulary: shape.vocabulary,
    longestText: shape.longestText,
    windowS: windowSteps * STEP_S,
    tokens: { ...tokens, suppressed, suppressedFirst },
    ...(alignmentHeads !== undefined && { alignmentHeads }),
    licence: 'that of the weights; OpenAI published its own under the MIT licence',
    trainingData: [`Imported from a folder of ${program}; what the weights heard is known to those who made them.`],
  };
}

async function fileOf(folder: string, name: string): Promise<CardFile> {
  const path = join(folder, name);
  return { path: name, sha256: await sha256OfFile(path), sizeBytes: (await stat(path)).size };
}
