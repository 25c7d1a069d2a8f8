/** One function makes models smaller, for programs and for the command line. Expected values follow from the shapes that the test writes. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_MODEL, quantize } from '../../src/index.js';
import { writeModel } from '../../src/onnx/file/write.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { inspectModel } from '../../src/onnx/inspect.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { smallModel, valueInfo, weight } from '../compress/smallModels.js';

let folder: string;
let bare: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-quantize-'));
  bare = join(folder, 'bare.onnx');
  const node = makeNode('MatMul', ['x', 'w'], ['y'], { name: 'product' });
  const [x, y] = [valueInfo('x', ['n', 64]), valueInfo('y', ['n', 64])];
  await writeModel(smallModel([node], [weight('w', [64, 64], 3)], [x], [y]), bare);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('quantize', () => {
  it('takes a model without a card, and gives its file and what was done to each weight', async () => {
    const out = join(folder, 'new', 'small.onnx');
    const graphs = await quantize(bare, 'dynamic', { out });
    expect(graphs).toMatchObject([{ graph: 'model', path: out, recipe: { name: 'dynamic' } }]);
    // 64 × 64 weights of four bytes become one byte each, with a scale of four bytes and a zero point of one.
    const { compressed } = graphs[0]?.report ?? { compressed: [] };
    expect(compressed).toMatchObject([{ name: 'w', to: 'int8', sizeBytesBefore: 16_384, sizeBytesAfter: 4101 }]);
    expect(graphs[0]?.sizeBytes.before).toBeGreaterThan(2 * (graphs[0]?.sizeBytes.after ?? 0));
    expect((await inspectModel(out)).operators).toMatchObject({ MatMulInteger: 1 });
    expect(await readdir(join(folder, 'new'))).toEqual(['small.onnx']);
  });

  it('writes nothing where nothing gets smaller, or the place is of the wrong kind', async () => {
    const embedding = { steps: [{ transform: 'dynamic', options: { opTypesToQuantize: ['LSTM'] } }] } as const;
    const recipe = { schema: 'quantlab.recipe/1', name: 'lstm', description: '', ...embedding } as const;
    const out = join(folder, 'never.onnx');
    await expect(quantize(bare, recipe, { out })).rejects.toThrow(
      /bare\.onnx: weights that the recipe lstm makes smaller/,
    );
    await expect(quantize(bare, { ...recipe, name: 'LSTM, too' }, { out })).rejects.toThrow(
      /recipe: field name was required to be valid, got: lower-case letters, digits, dots and hyphens are required/,
    );
    await expect(quantize(bare, 'dynamic', { out: join(folder, 'never') })).rejects.toThrow(/a name ending in \.onnx/);
    await expect(quantize(bare, 'static', { out })).rejects.toThrow(
      /a calibration set was required by the static step/,
    );
    expect((await readdir(folder)).filter((name) => name.startsWith('never'))).toEqual([]);
  });

  it('gives of a model with a card one that is ready to be loaded, with its reports, and a card beside it', async () => {
    const { model, quantized, sizeBytes } = await quantize(DEFAULT_MODEL, 'dynamic', folder);
    expect(quantized).toMatchObject([{ graph: 'model', path: model.path, sizeBytes: { after: sizeBytes } }]);
    expect(quantized[0]?.report.compressed.length).toBeGreaterThan(0);
    expect((await resolveModel(model.path)).card.id).toBe(`${DEFAULT_MODEL}.dynamic`);
    expect((await quantize(DEFAULT_MODEL, 'none')).quantized).toEqual([]);
  });
});
