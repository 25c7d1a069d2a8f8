import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorProto } from 'onnx-buf';
import { z } from 'zod';
import { InputError } from '../../errors.js';
import { readJson } from '../../files.js';
import { HuggingFaceWeights } from './huggingFaceWeights.js';
import type { DecodingFacts, ForeignModel } from './importedModel.js';
import { readSafetensors } from './safetensors.js';
import { checkShapes, type WhisperShape } from './whisperShape.js';

const whole = z.int().positive();

/** What is read of `config.json`; it says far more. */
const configSchema = z.object({
  model_type: z.literal('whisper'),
  d_model: whole,
  encoder_layers: whole,
  encoder_attention_heads: whole,
  encoder_ffn_dim: whole,
  decoder_layers: whole,
  decoder_attention_heads: whole,
  decoder_ffn_dim: whole,
  num_mel_bins: whole,
  max_source_positions: whole,
  max_target_positions: whole,
  vocab_size: whole,
  activation_function: z.literal('gelu').optional(),
  scale_embedding: z.literal(false).optional(),
});

const tokenList = z.array(z.int()).nullish();
const decodingSchema = z.object({
  suppress_tokens: tokenList,
  begin_suppress_tokens: tokenList,
  is_multilingual: z.boolean().nullish(),
  alignment_heads: z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative()])).nullish(),
});

const kindSchema = z.object({ model_type: z.string().optional(), architectures: z.array(z.string()).nullish() });

/**
 * Reads the `config.json` of Hugging Face's `transformers`.
 *
 * @throws {InputError} when it is of another architecture
 */
export async function readWhisperConfig(path: string): Promise<WhisperShape> {
  const { model_type: type, architectures } = await readJson(path, kindSchema);
  if (type !== 'whisper') {
    const came = [type, ...(architectures ?? [])].filter(Boolean).join(', ') || 'none';
    throw new InputError(
      `${path}: a model of the architecture whisper was required, got ${came}; others run when they are exported to ONNX with a card (quantlab card init)`,
    );
  }
  const config = await readJson(path, configSchema);
  const shape: WhisperShape = {
    width: config.d_model,
    encoderLayers: config.encoder_layers,
    encoderHeads: config.encoder_attention_heads,
    encoderFeed: config.encoder_ffn_dim,
    decoderLayers: config.decoder_layers,
    decoderHeads: config.decoder_attention_heads,
    decoderFeed: config.decoder_ffn_dim,
    bins: config.num_mel_bins,
    windowSteps: config.max_source_positions,
    longestText: config.max_target_positions,
    vocabulary: config.vocab_size,
  };
  for (const heads of [shape.encoderHeads, shape.decoderHeads]) {
    if (shape.width % heads !== 0) {
      throw new InputError(
        `${path}: a width that the heads divide was required, got ${shape.width} and ${heads}; restore the file`,
      );
    }
  }
  return shape;
}

/**
 * What `generation_config.json` says, or, in folders older than that file, `config.json`.
 *
 * @throws {InputError} when one is damaged
 */
export async function readDecodingFacts(folder: string): Promise<Pick<ForeignModel, 'decoding' | 'isMultilingual'>> {
  const own = join(folder, 'generation_config.json');
  const facts = await readJson((await isFile(own)) ? own : join(folder, 'config.json'), decodingSchema);
  const decoding: DecodingFacts = {
    // Older files write −1 for Whisper's own list, which the program that reads them has.
    suppressed: (facts.suppress_tokens ?? []).filter((id) => id >= 0),
    suppressedAtBegin: facts.begin_suppress_tokens ?? [],
    ...(facts.alignment_heads ? { alignmentHeads: facts.alignment_heads } : {}),
  };
  return { decoding, isMultilingual: facts.is_multilingual ?? undefined };
}

/**
 * Reads a folder of Hugging Face's `transformers`: `config.json`, `model.safetensors` (or its parts, by their index), and
 * `generation_config.json`.
 *
 * @throws {InputError} when it is of another architecture, cut, or its parts do not belong together
 */
export async function readHuggingFaceFolder(folder: string): Promise<ForeignModel> {
  const shape = await readWhisperConfig(join(folder, 'config.json'));
  const weights = await readWeights(folder);
  checkShapes(weights, shape);
  requireTied(weights);
  return { weights, shape, ...(await readDecodingFacts(folder)) };
}

async function readWeights(folder: string): Promise<HuggingFaceWeights> {
  const single = join(folder, 'model.safetensors');
  if (await isFile(single)) return new HuggingFaceWeights(single, readSafetensors(single));
  const index = join(folder, 'model.safetensors.index.json');
  const { weight_map: places } = await readJson(
    index,
    z.object({ weight_map: z.record(z.string(), z.string().regex(/^[\w.-]+\.safetensors$/)) }),
  );
  const arrays = new Map<string, TensorProto>();
  for (const part of new Set(Object.values(places))) {
    for (const [name, tensor] of readSafetensors(join(folder, part))) arrays.set(name, tensor);
  }
  return new HuggingFaceWeights(index, arrays);
}

/** Where the matrix of the last product is stored, too, it must be the table of the tokens: the graph has one for both. */
function requireTied(weights: HuggingFaceWeights): void {
  if (weights.shapeOf('proj_out.weight') === undefined) return;
  const last = weights.floatsOf('proj_out.weight');
  const table = weights.floatsOf('decoder.embed_tokens.weight');
  if (last.length === table.length && last.every((value, index) => value === table[index])) return;
  throw new InputError(
    `${weights.path}: proj_out.weight equal to model.decoder.embed_tokens.weight was required, as Whisper has them, got another; this model is not supported`,
  );
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
