import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readModel } from '../../../src/onnx/file/read.js';
import { mainGraph } from '../../../src/onnx/model.js';
import { makeUnfilledTensor, tensorFloats } from '../../../src/onnx/tensor/tensor.js';
import { importModel } from '../../../src/recognise/import/importModel.js';
import { ctranslate2Arrays, ctranslate2Bytes, writeCTranslate2Folder } from './ctranslate2Bytes.js';
import {
  randomWeights,
  safetensorsBytes,
  smallConfig,
  smallTokenizer,
  writeHuggingFaceFolder,
} from './randomWhisper.js';

const root = mkdtempSync(join(tmpdir(), 'quantlab-bad-'));
afterAll(() => rmSync(root, { recursive: true }));

const config = smallConfig();
let [hf, ct2, out] = ['', '', ''];
let count = 0;

beforeEach(() => {
  count++;
  [hf, ct2, out] = ['hf', 'ct2', 'out'].map((name) => join(root, `${name}${count}`)) as [string, string, string];
  writeHuggingFaceFolder(hf, config);
  writeCTranslate2Folder(ct2, config);
});

/** Refused with these words, and nothing written. */
async function refused(folder: string, words: RegExp): Promise<void> {
  await expect(importModel(folder, out)).rejects.toThrow(words);
  await expect(importModel(folder, out)).rejects.toHaveProperty('name', 'InputError');
  expect(existsSync(out)).toBe(false);
}

function changeJson(path: string, changes: object): void {
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...changes }));
}

describe('a folder that is no Whisper', () => {
  it('of no program, or of weights that are pickled', async () => {
    const empty = join(root, `empty${count}`);
    mkdirSync(empty);
    await refused(empty, /model\.safetensors.*model\.bin.*encoder_model\.onnx.*got none of them/);
    writeFileSync(join(empty, 'pytorch_model.bin'), '');
    await refused(empty, /pytorch_model\.bin is not read: get the model\.safetensors/);
  });

  it('of another architecture: which one, and what is supported', async () => {
    changeJson(join(hf, 'config.json'), { model_type: 'wav2vec2', architectures: ['Wav2Vec2ForCTC'] });
    await refused(hf, /the architecture whisper was required, got wav2vec2, Wav2Vec2ForCTC/);
    writeFileSync(join(ct2, 'model.bin'), ctranslate2Bytes(ctranslate2Arrays(config), { spec: 'TransformerSpec' }));
    await refused(ct2, /WhisperSpec.*got TransformerSpec/);
  });

  it('written into itself', async () => {
    await expect(importModel(hf, `${hf}/`)).rejects.toThrow(/another folder.*got the same/);
  });
});

describe('a safetensors file', () => {
  it.each([0.5, 0.99, 0.0001])('cut to %f of its length is refused', async (part) => {
    const path = join(hf, 'model.safetensors');
    truncateSync(path, Math.floor(readFileSync(path).length * part));
    await refused(hf, /cut or damaged/);
  });

  it('whose head is no head, says sizes that do not fit, or is followed by more', async () => {
    const path = join(hf, 'model.safetensors');
    const whole = readFileSync(path);
    writeFileSync(path, Buffer.concat([whole, Buffer.alloc(4)]));
    await refused(hf, /bytes by its head were required/);
    writeFileSync(path, Buffer.alloc(64, 0xff));
    await refused(hf, /first bytes are no size of a head/);
    const lying = Buffer.from(whole.toString('latin1').replace('"shape":[16,80,3]', '"shape":[16,80,4]'), 'latin1');
    writeFileSync(path, lying);
    await refused(hf, /20480 bytes were required for model\.encoder\.conv1\.weight/);
  });

  it('whose shapes do not fit the configuration, or whose last product has a table of its own', async () => {
    changeJson(join(hf, 'config.json'), { encoder_ffn_dim: 40 });
    await refused(hf, /encoder\.layers\.0\.fc1\.weight \[40, 16\], got \[32, 16\].*do not belong together/);
    writeHuggingFaceFolder(hf, config);
    changeJson(join(hf, 'config.json'), { encoder_layers: 3 });
    await refused(hf, /encoder\.layers\.2\.\S+ \[16\], got none/);
    writeHuggingFaceFolder(hf, config);
    const weights = randomWeights(config);
    const table = weights.get('decoder.embed_tokens.weight') ?? { shape: [], values: new Float32Array() };
    const other = { ...table, values: table.values.map((value) => value + 1) };
    const bytes = safetensorsBytes(new Map([...weights, ['decoder.proj_out', other]]));
    // Outside of `model.`, where transformers has it.
    const named = bytes.toString('latin1').replace('"model.decoder.proj_out"', '"proj_out.weight"       ');
    writeFileSync(join(hf, 'model.safetensors'), Buffer.from(named, 'latin1'));
    await refused(hf, /proj_out\.weight equal to/);
  });
});

describe('a model.bin', () => {
  it.each([0.5, 0.999, 0.00001])('cut to %f of its length is refused', async (part) => {
    const path = join(ct2, 'model.bin');
    truncateSync(path, Math.floor(readFileSync(path).length * part));
    await refused(ct2, /cut or damaged/);
  });

  it('of another version, with sizes that lie, without scales, or with more behind its end', async () => {
    const path = join(ct2, 'model.bin');
    const write = (arrays = ctranslate2Arrays(config), version = 6): void =>
      writeFileSync(path, ctranslate2Bytes(arrays, { version }));
    write(undefined, 5);
    await refused(ct2, /binary version 6 was required, got 5/);
    const name = 'encoder/conv1/bias';
    write(ctranslate2Arrays(config).set(name, { shape: [17], type: 0, bytes: new Uint8Array(64) }));
    await refused(ct2, /68 bytes were required for encoder\/conv1\/bias, float32 \[17\], got 64/);
    write(ctranslate2Arrays(config).set(name, { shape: [15], type: 0, bytes: new Uint8Array(60) }));
    await refused(ct2, /encoder\.conv1\.bias \[16\], got \[15\]/);
    write(ctranslate2Arrays(config).set('decoder/num_heads', { shape: [], type: 2, bytes: Uint8Array.of(3, 0) }));
    await refused(ct2, /heads in decoder\/num_heads that divides the width 16 was required, got 3/);
    write();
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(3)]));
    await refused(ct2, /bytes by its content were required/);
  });

  it('of integers is read by its scales, and refused without them', async () => {
    const arrays = ctranslate2Arrays(config);
    // The table has a second name, decoder/projection/weight, but its scale has none: so the library writes it.
    const names = ['decoder/layer_0/ffn/linear_0/weight', 'decoder/embeddings/weight'];
    for (const [index, name] of names.entries()) {
      const shape = arrays.get(name)?.shape ?? [];
      const [rows = 0, columns = 0] = shape;
      arrays.set(name, { shape, type: 1, bytes: new Uint8Array(rows * columns).fill(100) });
      writeFileSync(join(ct2, 'model.bin'), ctranslate2Bytes(arrays));
      await refused(ct2, new RegExp(`a scale for each of the ${rows} rows of ${name} was required, got none`));
      // An integer is its value times the scale of its row.
      const scales = Float32Array.from({ length: rows }, (_, row) => (row === 1 ? 25 : 50) * (index + 1));
      arrays.set(`${name}_scale`, { shape: [rows], type: 0, bytes: new Uint8Array(scales.buffer) });
    }
    writeFileSync(join(ct2, 'model.bin'), ctranslate2Bytes(arrays));
    await importModel(ct2, out);
    const { initializer } = mainGraph(await readModel(join(out, 'decoder.onnx')));
    const valuesOf = (name: string): Float32Array =>
      tensorFloats(initializer.find((tensor) => tensor.name === name) ?? makeUnfilledTensor(name, 'float32', [0]));
    // Stored the other way round: [inputs, outputs].
    expect([...valuesOf('layer0.feed.in.weight').subarray(0, 3)]).toEqual([2, 4, 2]);
    expect([...valuesOf('tokens.weight').subarray(15, 17)]).toEqual([1, 2]);
  });
});

describe('what stands beside the weights', () => {
  it('a tokenizer of another vocabulary, or of another model', async () => {
    const tokenizer = smallTokenizer() as { added_tokens: { id: number; content: string }[] };
    const more = [...tokenizer.added_tokens, { id: config.vocab_size, content: '<|more|>' }];
    writeFileSync(join(hf, 'tokenizer.json'), JSON.stringify({ ...tokenizer, added_tokens: more }));
    await refused(hf, new RegExp(`tokenizer of ${config.vocab_size} tokens.*got one of ${config.vocab_size + 1}`));
    writeFileSync(join(hf, 'tokenizer.json'), JSON.stringify({ ...tokenizer, added_tokens: [] }));
    await refused(hf, /the tokenizer of a Whisper was required, got one without the token <\|notimestamps\|>/);
    rmSync(join(hf, 'tokenizer.json'));
    await refused(hf, /tokenizer\.json: a file was required, got nothing/);
  });

  it('a front end of other bands', async () => {
    writeFileSync(join(hf, 'preprocessor_config.json'), JSON.stringify({ feature_size: 128 }));
    await refused(hf, /80 mel bands, as the model reads, were required, got 128/);
  });
});
