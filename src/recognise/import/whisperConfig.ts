import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../../errors.js';
import { readJson } from '../../files.js';
import { isFile } from './foreignFiles.js';
import type { DecodingFacts, ForeignModel } from './importedModel.js';
import type { WhisperShape } from './whisperShape.js';

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
      `${path}: a model of the architecture whisper was required, got ${came}; others run when they are exported to ONNX with a card`,
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
    suppressedFirst: facts.begin_suppress_tokens ?? [],
    ...(facts.alignment_heads ? { alignmentHeads: facts.alignment_heads } : {}),
  };
  return { decoding, isMultilingual: facts.is_multilingual ?? undefined };
}

/** What Whisper's ears are, whatever its size; all but the bands. */
const preprocessorSchema = z.object({
  feature_size: whole,
  sampling_rate: z.literal(16_000).optional(),
  hop_length: z.literal(160).optional(),
  n_fft: z.literal(400).optional(),
});

/**
 * Sees that the front end of a folder (`preprocessor_config.json`, where it has one) is Whisper's.
 *
 * @throws {InputError} when it is another, or has other bands than the model reads
 */
export async function checkPreprocessor(folder: string, { bins }: WhisperShape): Promise<void> {
  const path = join(folder, 'preprocessor_config.json');
  if (!(await isFile(path))) return;
  const { feature_size: came } = await readJson(path, preprocessorSchema);
  if (came === bins) return;
  throw new InputError(
    `${path}: ${bins} mel bands, as the model reads, were required, got ${came}; the two files do not belong together`,
  );
}
