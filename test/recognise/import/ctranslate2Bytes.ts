import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RandomArray, randomWeights, type SmallConfig, smallTokenizer } from './randomWhisper.js';

/** An array as CTranslate2 stores it. */
export interface StoredArray {
  readonly shape: readonly number[];
  /** 0 float32, 1 int8, 2 int16, 4 float16. */
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** The bytes of a `model.bin` of binary version 6 (CTranslate2's `model_spec.py`, `_serialize`). */
export function ctranslate2Bytes(
  arrays: ReadonlyMap<string, StoredArray>,
  { version = 6, spec = 'WhisperSpec' }: { readonly version?: number; readonly spec?: string } = {},
): Buffer {
  const parts: Buffer[] = [];
  const uint = (value: number, bytes = 4): void => {
    const part = Buffer.alloc(bytes);
    part.writeUIntLE(value, 0, bytes);
    parts.push(part);
  };
  const text = (value: string): void => {
    uint(Buffer.byteLength(value) + 1, 2);
    parts.push(Buffer.from(`${value}\0`));
  };
  uint(version);
  text(spec);
  uint(3);
  uint(arrays.size);
  for (const [name, { shape, type, bytes }] of arrays) {
    text(name);
    uint(shape.length, 1);
    for (const dim of shape) uint(dim);
    uint(type, 1);
    uint(bytes.length);
    parts.push(Buffer.from(bytes));
  }
  uint(1);
  text('decoder/projection/weight');
  text('decoder/embeddings/weight');
  return Buffer.concat(parts);
}

/** The arrays of a model by the names that CTranslate2's converter gives them (`converters/transformers.py`, `WhisperLoader`). */
export function ctranslate2Arrays(config: SmallConfig): Map<string, StoredArray> {
  const weights = randomWeights(config);
  const arrays = new Map<string, StoredArray>();
  const of = (name: string): RandomArray => {
    const array = weights.get(name);
    if (array === undefined) throw new Error(`no weight ${name}`);
    return array;
  };
  const put = (name: string, shape: readonly number[], ...values: readonly Float32Array[]): void => {
    const bytes = Buffer.concat(values.map((part) => Buffer.from(part.buffer)));
    arrays.set(name, { shape, type: 0, bytes });
  };
  const copy = (name: string, source: string): void => put(name, of(source).shape, of(source).values);
  const linear = (name: string, ...sources: readonly string[]): void => {
    const [rows = 0, columns = 0] = of(`${sources[0]}.weight`).shape;
    const count = rows * sources.length;
    put(`${name}/weight`, [count, columns], ...sources.map((source) => of(`${source}.weight`).values));
    const none = new Float32Array(rows);
    put(`${name}/bias`, [count], ...sources.map((source) => weights.get(`${source}.bias`)?.values ?? none));
  };
  const norm = (name: string, source: string): void => {
    copy(`${name}/gamma`, `${source}.weight`);
    copy(`${name}/beta`, `${source}.bias`);
  };
  const number = (name: string, value: number): void => {
    arrays.set(name, { shape: [], type: 2, bytes: new Uint8Array(Int16Array.of(value).buffer) });
  };
  for (const part of ['conv1', 'conv2']) {
    copy(`encoder/${part}/weight`, `encoder.${part}.weight`);
    copy(`encoder/${part}/bias`, `encoder.${part}.bias`);
  }
  copy('decoder/embeddings/weight', 'decoder.embed_tokens.weight');
  for (const side of ['encoder', 'decoder'] as const) {
    copy(`${side}/position_encodings/encodings`, `${side}.embed_positions.weight`);
    norm(`${side}/layer_norm`, `${side}.layer_norm`);
    number(`${side}/num_heads`, config[`${side}_attention_heads`]);
    for (let index = 0; index < config[`${side}_layers`]; index++) {
      const [name, source] = [`${side}/layer_${index}`, `${side}.layers.${index}`];
      norm(`${name}/self_attention/layer_norm`, `${source}.self_attn_layer_norm`);
      const own = `${source}.self_attn`;
      linear(`${name}/self_attention/linear_0`, `${own}.q_proj`, `${own}.k_proj`, `${own}.v_proj`);
      linear(`${name}/self_attention/linear_1`, `${own}.out_proj`);
      if (side === 'decoder') {
        const cross = `${source}.encoder_attn`;
        norm(`${name}/attention/layer_norm`, `${cross}_layer_norm`);
        linear(`${name}/attention/linear_0`, `${cross}.q_proj`);
        linear(`${name}/attention/linear_1`, `${cross}.k_proj`, `${cross}.v_proj`);
        linear(`${name}/attention/linear_2`, `${cross}.out_proj`);
      }
      norm(`${name}/ffn/layer_norm`, `${source}.final_layer_norm`);
      linear(`${name}/ffn/linear_0`, `${source}.fc1`);
      linear(`${name}/ffn/linear_1`, `${source}.fc2`);
    }
  }
  return arrays;
}

/** Writes the folder that faster-whisper would keep. */
export function writeCTranslate2Folder(folder: string, config: SmallConfig, bytes?: Buffer): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.bin'), bytes ?? ctranslate2Bytes(ctranslate2Arrays(config)));
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ suppress_ids: [1, 2], suppress_ids_begin: [32, 256], alignment_heads: [[1, 0]], lang_ids: [258] }),
  );
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(smallTokenizer()));
}
