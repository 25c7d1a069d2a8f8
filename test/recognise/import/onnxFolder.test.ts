import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder, LOWEST_OPSET } from '../../../src/onnx/build/buildGraph.js';
import { writeModel } from '../../../src/onnx/file/write.js';
import { makeValueInfo } from '../../../src/onnx/graph/valueInfo.js';
import { importModel } from '../../../src/recognise/import/importModel.js';
import { smallConfig, writeHuggingFaceFolder } from './randomWhisper.js';

const root = mkdtempSync(join(tmpdir(), 'quantlab-onnx-'));
afterAll(() => rmSync(root, { recursive: true }));

const config = smallConfig();

/** A graph with Optimum's names that does nothing: what is imported as it is need not run. */
async function writeGraph(path: string, bins: number, part: 'encoder' | 'decoder' | 'next'): Promise<void> {
  const graph = new GraphBuilder(0);
  const [input, output] = part === 'encoder' ? ['input_features', 'last_hidden_state'] : ['input_ids', 'logits'];
  graph.node('Identity', [input], output);
  const inputs = [makeValueInfo(input, part === 'encoder' ? 'float32' : 'int64', ['n', bins, 'frames'])];
  if (part === 'next') inputs.push(makeValueInfo('past_key_values.0.decoder.key', 'float32', ['n', 4, 'p', 4]));
  const size = part === 'encoder' ? config.d_model : config.vocab_size;
  const outputs = [makeValueInfo(output, 'float32', ['n', 's', size])];
  await writeModel(graph.model({ name: part, description: '', opset: LOWEST_OPSET, inputs, outputs }), path);
}

let count = 0;
async function folderOf(names: Readonly<Record<string, 'encoder' | 'decoder' | 'next'>>, bins = 80): Promise<string> {
  const folder = join(root, `${count++}`);
  writeHuggingFaceFolder(folder, config);
  rmSync(join(folder, 'model.safetensors'));
  mkdirSync(join(folder, 'onnx'));
  for (const [name, part] of Object.entries(names)) await writeGraph(join(folder, name), bins, part);
  return folder;
}

describe('a folder of Optimum or transformers.js', () => {
  it('is taken as it is: merged and quantized, in `onnx` below it', async () => {
    const folder = await folderOf({
      'onnx/encoder_model_quantized.onnx': 'encoder',
      'onnx/decoder_model_merged_quantized.onnx': 'decoder',
      // Without its encoder this is none of a pair.
      'onnx/decoder_model_merged.onnx': 'next',
    });
    const out = join(folder, 'out');
    const card = await importModel(folder, out);
    expect(card.layout).toBe('optimum');
    expect(Object.keys(card.graphs)).toEqual(['encoder', 'decoder']);
    const bytes = (...path: string[]): Buffer => readFileSync(join(folder, ...path));
    expect(bytes('out', 'encoder.onnx').equals(bytes('onnx', 'encoder_model_quantized.onnx'))).toBe(true);
    expect(bytes('out', 'decoder.onnx').equals(bytes('onnx', 'decoder_model_merged_quantized.onnx'))).toBe(true);
  });

  it('is taken with two decoders, beside its configuration', async () => {
    const folder = await folderOf({
      'encoder_model.onnx': 'encoder',
      'decoder_model.onnx': 'decoder',
      'decoder_with_past_model.onnx': 'next',
    });
    const card = await importModel(folder, join(folder, 'out'));
    expect(card.graphs.decoderWithPast?.file.path).toBe('decoder_with_past.onnx');
  });

  it('is refused when a part is missing, cut, of other tensors or of other sizes', async () => {
    const refused = async (folder: string, words: RegExp): Promise<void> => {
      await expect(importModel(folder, join(folder, 'out'))).rejects.toThrow(words);
    };
    await refused(await folderOf({ 'encoder_model.onnx': 'encoder' }), /encoder_model\.onnx with its decoder/);
    const names = { 'encoder_model.onnx': 'encoder', 'decoder_model_merged.onnx': 'decoder' } as const;
    await refused(await folderOf(names, 128), /axis 1 of input_features of the size 80.*got 128/);
    await refused(await folderOf({ ...names, 'encoder_model.onnx': 'decoder' }), /input_features were required, got/);
    const cut = await folderOf(names);
    truncateSync(join(cut, 'decoder_model_merged.onnx'), 40);
    await refused(cut, /decoder_model_merged\.onnx/);
    const other = await folderOf(names);
    writeFileSync(join(other, 'config.json'), JSON.stringify({ model_type: 'moonshine' }));
    await refused(other, /whisper was required, got moonshine/);
  });
});
