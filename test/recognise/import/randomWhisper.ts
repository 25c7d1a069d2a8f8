import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uniformWeights } from '../../../src/onnx/build/buildRandom.js';

/** Sizes of a small Whisper, as Hugging Face calls them. */
export interface SmallConfig {
  readonly d_model: number;
  readonly encoder_layers: number;
  readonly encoder_attention_heads: number;
  readonly encoder_ffn_dim: number;
  readonly decoder_layers: number;
  readonly decoder_attention_heads: number;
  readonly decoder_ffn_dim: number;
  readonly num_mel_bins: number;
  readonly max_source_positions: number;
  readonly max_target_positions: number;
  readonly vocab_size: number;
}

const BYTES = 256;
const SPECIAL = ['endoftext', 'startoftranscript', 'en', 'de', 'translate', 'transcribe', 'startoflm', 'startofprev'];

/** Tokens: 256 bytes, ten that steer, and time stamps for each step of the window. */
export const smallConfig = (changes: Partial<SmallConfig> = {}): SmallConfig => {
  const steps = changes.max_source_positions ?? 1500;
  return {
    d_model: 16,
    encoder_layers: 2,
    encoder_attention_heads: 2,
    encoder_ffn_dim: 32,
    decoder_layers: 3,
    decoder_attention_heads: 4,
    decoder_ffn_dim: 24,
    num_mel_bins: 80,
    max_source_positions: steps,
    max_target_positions: 448,
    vocab_size: BYTES + SPECIAL.length + 2 + steps + 1,
    ...changes,
  };
};

export interface RandomArray {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Seeded weights by their names at Hugging Face, without `model.`. */
export function randomWeights(config: SmallConfig): Map<string, RandomArray> {
  const arrays = new Map<string, RandomArray>();
  const add = (name: string, ...shape: number[]): void => {
    const count = shape.reduce((product, dim) => product * dim, 1);
    arrays.set(name, { shape, values: uniformWeights(name, 1, count, 0.4) });
  };
  const { d_model: width, num_mel_bins: bins } = config;
  const linear = (name: string, outputs: number, inputs: number, hasBias = true): void => {
    add(`${name}.weight`, outputs, inputs);
    if (hasBias) add(`${name}.bias`, outputs);
  };
  const attention = (name: string): void => {
    for (const part of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) {
      linear(`${name}.${part}`, width, width, part !== 'k_proj');
    }
    norm(`${name}_layer_norm`);
  };
  const norm = (name: string): void => {
    add(`${name}.weight`, width);
    add(`${name}.bias`, width);
  };
  const layer = (name: string, inner: number): void => {
    attention(`${name}.self_attn`);
    linear(`${name}.fc1`, inner, width);
    linear(`${name}.fc2`, width, inner);
    norm(`${name}.final_layer_norm`);
  };
  add('encoder.conv1.weight', width, bins, 3);
  add('encoder.conv1.bias', width);
  add('encoder.conv2.weight', width, width, 3);
  add('encoder.conv2.bias', width);
  add('encoder.embed_positions.weight', config.max_source_positions, width);
  for (let index = 0; index < config.encoder_layers; index++) {
    layer(`encoder.layers.${index}`, config.encoder_ffn_dim);
  }
  norm('encoder.layer_norm');
  add('decoder.embed_tokens.weight', config.vocab_size, width);
  add('decoder.embed_positions.weight', config.max_target_positions, width);
  for (let index = 0; index < config.decoder_layers; index++) {
    layer(`decoder.layers.${index}`, config.decoder_ffn_dim);
    attention(`decoder.layers.${index}.encoder_attn`);
  }
  norm('decoder.layer_norm');
  return arrays;
}

/** A byte-level tokenizer without merges. */
export function smallTokenizer(): object {
  const special = [...SPECIAL, 'nospeech', 'notimestamps'];
  return {
    version: '1.0',
    added_tokens: special.map((name, index) => ({ id: BYTES + index, content: `<|${name}|>`, special: true })),
    model: { type: 'BPE', vocab: Object.fromEntries(byteLetters().map((letter, id) => [letter, id])), merges: [] },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  };
}

/** The letters that GPT-2 writes bytes with. */
function byteLetters(): string[] {
  const isPlain = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let others = 0;
  return Array.from({ length: BYTES }, (_, byte) => String.fromCodePoint(isPlain(byte) ? byte : 256 + others++));
}

/** The bytes of a safetensors file (https://github.com/huggingface/safetensors). */
export function safetensorsBytes(arrays: ReadonlyMap<string, RandomArray>, prefix = 'model.'): Buffer {
  const head: Record<string, object> = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const [name, { shape, values }] of arrays) {
    head[prefix + name] = { dtype: 'F32', shape, data_offsets: [at, at + values.byteLength] };
    at += values.byteLength;
  }
  const text = Buffer.from(JSON.stringify(head));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, ...[...arrays.values()].map(({ values }) => Buffer.from(values.buffer))]);
}

/** Writes the folder that `transformers` would. */
export function writeHuggingFaceFolder(folder: string, config: SmallConfig): void {
  mkdirSync(folder, { recursive: true });
  const json = (name: string, value: object): void => writeFileSync(join(folder, name), JSON.stringify(value));
  json('config.json', { model_type: 'whisper', architectures: ['WhisperForConditionalGeneration'], ...config });
  json('generation_config.json', {
    suppress_tokens: [1, 2],
    begin_suppress_tokens: [32, BYTES],
    alignment_heads: [[1, 0]],
    is_multilingual: true,
  });
  json('tokenizer.json', smallTokenizer());
  writeFileSync(join(folder, 'model.safetensors'), safetensorsBytes(randomWeights(config)));
}
