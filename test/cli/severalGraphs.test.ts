/** A model of several graphs is a folder: what takes a model takes it. Expected values follow from the shapes that the test writes. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../src/onnx/file/write.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import type { OnnxModel } from '../../src/onnx/model.js';
import { writeCard } from '../../src/recognise/card/readCard.js';
import { cardFile } from '../../src/recognise/card/variantCard.js';
import type { EncoderDecoderCard } from '../../src/recognise/kinds/encoderDecoder/card.js';
import { modelSha256, modelSizeBytes } from '../../src/recognise/model.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { quantize } from '../../src/study/variants.js';
import { smallModel, valueInfo, weight } from '../compress/smallModels.js';
import { quantlab } from './terminal.js';

let folder: string;
let model: string;

/** A product with 16 × 16 weights. */
function product(name: string): OnnxModel {
  const node = makeNode('MatMul', ['x', `${name}.weight`], ['y'], { name });
  const [x, y] = [valueInfo('x', ['n', 16]), valueInfo('y', ['n', 16])];
  return smallModel([node], [weight(`${name}.weight`, [16, 16], 3)], [x], [y]);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-graphs-'));
  model = join(folder, 'tiny');
  const at = (name: string): string => join(model, name);
  await writeModel(product('listen'), at('encoder.onnx'));
  await writeModel(product('write'), at('decoder.onnx'));
  await writeFile(at('tokenizer.json'), '{}');
  const card: EncoderDecoderCard = {
    schema: 'quantlab.model-card/2',
    kind: 'encoder-decoder',
    id: 'tiny',
    title: 'Two products',
    network: 'a product in each graph',
    parameters: 512,
    graphs: {
      encoder: { file: await cardFile(at('encoder.onnx')) },
      decoder: { file: await cardFile(at('decoder.onnx')) },
    },
    files: { tokenizer: await cardFile(at('tokenizer.json')) },
    frontEnd: { kind: 'waveform', sampleRateHz: 16_000, normalisation: 'none' },
    layers: 1,
    heads: 1,
    width: 16,
    vocabulary: 16,
    longestText: 8,
    windowS: 30,
    tokens: { start: 0, end: 1 },
    licence: 'MIT',
    trainingData: [],
    intendedUse: 'tests',
    limits: 'it recognizes nothing',
    figures: [],
  };
  await writeCard(card, at('model.json'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('a model of several graphs', () => {
  it('is found by its folder and by its card, and is as large as its graphs', async () => {
    const found = await resolveModel(model);
    expect(found).toEqual(await resolveModel(join(model, 'model.json')));
    expect(Object.keys(found.graphs)).toEqual(['encoder', 'decoder']);
    expect(found).toMatchObject({ path: model, files: { tokenizer: join(model, 'tokenizer.json') } });
    const sizes = Object.values(found.card.graphs).map((graph) => graph?.file.sizeBytes ?? 0);
    expect(await modelSizeBytes(found)).toBe((sizes[0] ?? 0) + (sizes[1] ?? 0));
  });

  it('becomes a folder of smaller graphs, with a table for each, that is a model again', async () => {
    const out = join(folder, 'int8');
    const { exitCode, out: said, err } = await quantlab('quantize', model, '-o', out);
    expect(exitCode, err).toBe(0);
    expect(said).toMatch(/^encoder\n[\s\S]*listen\.weight[\s\S]*\ndecoder\n[\s\S]*write\.weight/);
    expect((await readdir(out)).sort()).toEqual(['decoder.onnx', 'encoder.onnx', 'model.json', 'tokenizer.json']);
    const { card } = await resolveModel(out);
    expect(card).toMatchObject({ id: 'tiny.dynamic', kind: 'encoder-decoder', title: 'Two products, dynamic' });
    const json = await quantlab('quantize', model, '-o', out, '--json');
    const { graphs } = JSON.parse(json.out) as { graphs: { graph: string; report: { compressed: unknown[] } }[] };
    expect(graphs.map(({ graph, report }) => [graph, report.compressed.length])).toEqual([
      ['encoder', 1],
      ['decoder', 1],
    ]);
  });

  it('is a variant whose checksum is of all its files', async () => {
    const { model: variant, sha256 } = await quantize(model, 'dynamic', join(folder, 'variants'));
    expect(Object.keys(variant.graphs)).toEqual(['encoder', 'decoder']);
    expect(sha256).toBe(await modelSha256(variant));
    expect(sha256).not.toBe(await modelSha256(await resolveModel(model)));
  });

  it('is shown graph by graph', async () => {
    const { exitCode, out, err } = await quantlab('inspect', model);
    expect(exitCode, err).toBe(0);
    expect(out).toMatch(/encoder\.onnx: [\s\S]*listen\.weight[\s\S]*decoder\.onnx: [\s\S]*write\.weight/);
    expect(Object.keys(JSON.parse((await quantlab('inspect', model, '--json')).out))).toEqual(['encoder', 'decoder']);
  });

  it('refuses what does not fit it', async () => {
    const named = await quantlab('quantize', model, '-o', join(folder, 'one.onnx'));
    expect(named).toMatchObject({ exitCode: 1, out: '' });
    expect(named.err).toMatch(/one\.onnx: a folder, since .*tiny has several files, was required/);
    for (const command of [
      ['sensitivity', model],
      ['search', model, '-o', join(folder, 'found.json')],
    ]) {
      const unnamed = await quantlab(...command);
      expect(unnamed.err).toMatch(/the name of a graph \(encoder, decoder\) was required, got none/);
      expect((await quantlab(...command, '--graph', 'nosuch')).err).toMatch(
        /\(encoder, decoder\) was required, got nosuch/,
      );
    }
    await expect(resolveModel(join(model, 'encoder.onnx'))).rejects.toThrow(/one of the 2 of tiny; name their folder/);
    const tokenizer = join(model, 'tokenizer.json');
    const text = await readFile(tokenizer, 'utf8');
    await writeFile(tokenizer, '{"other": 1}');
    await expect(resolveModel(model)).rejects.toThrow(/tokenizer\.json: the file with SHA-256/);
    await writeFile(tokenizer, text);
  });
});
