import { InputError } from '../../errors.js';
import type { Weights } from './weights.js';

/** The sizes of a Whisper: all that its graphs depend on besides the weights. */
export interface WhisperShape {
  readonly width: number;
  readonly encoderLayers: number;
  readonly encoderHeads: number;
  /** Width of the feed-forward part of an encoder layer. */
  readonly encoderFeed: number;
  readonly decoderLayers: number;
  readonly decoderHeads: number;
  readonly decoderFeed: number;
  /** Mel bands: 80, since large-v3 128. */
  readonly bins: number;
  /** Steps of the encoder in its window of 30 s, two frames each. */
  readonly windowSteps: number;
  /** Tokens that the decoder has positions for. */
  readonly longestText: number;
  readonly vocabulary: number;
}

type Expected = readonly [name: string, shape: readonly number[], optional?: true];

/** Misfits that an error names. */
const MOST_NAMED = 5;

/**
 * Sees that all weights are there and have the shapes that the sizes ask for.
 *
 * @throws {InputError} that names those that do not
 */
export function checkShapes(weights: Weights, shape: WhisperShape): void {
  const faults: string[] = [];
  for (const [name, wanted, optional] of expectedWeights(shape)) {
    const came = weights.shapeOf(name);
    if (came === undefined ? optional : came.join() === wanted.join()) continue;
    faults.push(`${name} [${wanted.join(', ')}], got ${came === undefined ? 'none' : `[${came.join(', ')}]`}`);
  }
  if (faults.length === 0) return;
  const more = faults.length > MOST_NAMED ? `, and ${faults.length - MOST_NAMED} more` : '';
  throw new InputError(
    `${weights.path}: weights that fit the configuration were required: ${faults.slice(0, MOST_NAMED).join('; ')}${more}; the two files do not belong together`,
  );
}

/** Numbers in the weights of a model of these sizes; the table of the tokens counts once. */
export function countParameters(shape: WhisperShape): number {
  let count = 0;
  for (const [, dims, optional] of expectedWeights(shape)) {
    if (!optional) count += dims.reduce((product, dim) => product * dim, 1);
  }
  return count;
}

function expectedWeights(shape: WhisperShape): Expected[] {
  const { width, bins, windowSteps, longestText, vocabulary } = shape;
  const norm = (name: string): Expected[] => [
    [`${name}.weight`, [width]],
    [`${name}.bias`, [width]],
  ];
  const linear = (name: string, inputs: number, outputs: number): Expected[] => [
    [`${name}.weight`, [outputs, inputs]],
    [`${name}.bias`, [outputs]],
  ];
  const attention = (name: string): Expected[] => [
    ...norm(`${name}_layer_norm`),
    ...['q_proj', 'v_proj', 'out_proj'].flatMap((part) => linear(`${name}.${part}`, width, width)),
    [`${name}.k_proj.weight`, [width, width]],
    // Whisper has none: it would add the same to all scores of a query.
    [`${name}.k_proj.bias`, [width], true],
  ];
  const feed = (name: string, inner: number): Expected[] => [
    ...norm(`${name}.final_layer_norm`),
    ...linear(`${name}.fc1`, width, inner),
    ...linear(`${name}.fc2`, inner, width),
  ];
  const layers = (count: number, of: (index: number) => Expected[]): Expected[] =>
    Array.from({ length: count }, (_, index) => of(index)).flat();
  return [
    ['encoder.conv1.weight', [width, bins, 3]],
    ['encoder.conv1.bias', [width]],
    ['encoder.conv2.weight', [width, width, 3]],
    ['encoder.conv2.bias', [width]],
    ['encoder.embed_positions.weight', [windowSteps, width]],
    ...layers(shape.encoderLayers, (index) => [
      ...attention(`encoder.layers.${index}.self_attn`),
      ...feed(`encoder.layers.${index}`, shape.encoderFeed),
    ]),
    ...norm('encoder.layer_norm'),
    ['decoder.embed_tokens.weight', [vocabulary, width]],
    ['decoder.embed_positions.weight', [longestText, width]],
    ...layers(shape.decoderLayers, (index) => [
      ...attention(`decoder.layers.${index}.self_attn`),
      ...attention(`decoder.layers.${index}.encoder_attn`),
      ...feed(`decoder.layers.${index}`, shape.decoderFeed),
    ]),
    ...norm('decoder.layer_norm'),
  ];
}
