import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import { expandHalf, packHalf } from '../../src/model/half.js';
import { packModel } from '../../src/model/pack.js';
import { listModels, resolveModel } from '../../src/model/registry.js';
import { decodeFloat16, encodeFloat16 } from '../../src/onnx/halfFloat.js';
import { makeNode } from '../../src/onnx/node.js';
import { readModel } from '../../src/onnx/read.js';
import { makeTensor } from '../../src/onnx/tensor.js';
import { modelToBytes, writeModel } from '../../src/onnx/write.js';
import { largestDifference, pattern, runModel } from '../compress/runModel.js';
import { smallModel, weightValues } from '../onnx/smallModels.js';

function product(values: Float32Array) {
  return smallModel({
    nodes: [makeNode('MatMul', ['x', 'w'], ['y'])],
    inputs: { x: ['float32', ['n', 32]] },
    outputs: { y: ['float32', ['n', 32]] },
    weights: [makeTensor('w', 'float32', [32, 32], values)],
  });
}

const exact = decodeFloat16(encodeFloat16(weightValues(1024, 3)));

it('packs weights that float16 holds without loss, and expands them to the same bytes', () => {
  const model = product(exact);
  const packed = packHalf(model);
  expect(packed).toMatchObject({ values: 1024, roundedValues: 0, tensorsLeft: [] });
  expect(Buffer.compare(modelToBytes(expandHalf(packed.model)), modelToBytes(model))).toBe(0);
});

it('makes a file that the runtime loads as it is, with the answers of the original', async () => {
  const model = product(exact);
  const feeds = { x: pattern([3, 32], 1) };
  const [expected, actual] = [await runModel(model, feeds), await runModel(packHalf(model).model, feeds)];
  expect(largestDifference(expected['y']?.data ?? new Float32Array(), actual['y']?.data ?? new Float32Array(1))).toBe(
    0,
  );
});

it('says how many values it rounded, and leaves tensors that float16 cannot hold', () => {
  expect(packHalf(product(weightValues(1024, 3))).roundedValues).toBeGreaterThan(900);
  const large = exact.slice();
  large[5] = 70_000;
  expect(packHalf(product(large))).toMatchObject({ values: 0, tensorsLeft: ['w'] });
});

it('refuses to pack twice, or to expand what was not packed', () => {
  const model = product(exact);
  expect(() => packHalf(packHalf(model).model)).toThrow(InputError);
  expect(() => expandHalf(model)).toThrow(InputError);
});

it('replaces a model by card and half file alone', async () => {
  const root = await mkdtemp(join(tmpdir(), 'quantlab-pack-'));
  const trained = join(root, 'trained.onnx');
  await writeModel(product(weightValues(1024, 3)), trained);
  const [draft] = await listModels();
  if (draft === undefined) throw new Error('no shipped model');
  const folder = join(root, 'models');
  const packed = await packModel(trained, { ...draft, id: 'better' }, join(folder, 'better'));
  expect(packed.identical).toBe(false);
  expect(packed.roundedValues).toBeGreaterThan(900);
  expect(packed.card.parameters).toBe(1024);
  const { path, card } = await resolveModel('better', { folder, cacheFolder: join(root, 'cache') });
  expect((await readFile(path)).length).toBe(card.files.float.sizeBytes);
  await expect(packModel(trained, draft, join(folder, 'other'))).rejects.toThrow(/named by the model's id/);
  await expect(packModel(trained, { ...draft, id: 'Bad Id' }, join(folder, 'Bad Id'))).rejects.toThrow(InputError);
});

it('runs the shipped half-precision file as it is', async () => {
  const { path } = await resolveModel('deepspeech2-starter');
  const half = join(import.meta.dirname, '../../data/models/deepspeech2-starter/model.half.onnx');
  const feeds = {
    features: pattern([1, 40, 161], 1),
    lengths: { type: 'int64', shape: [1], data: BigInt64Array.of(40n) },
  } as const;
  const [expected, actual] = [await runModel(path, feeds), await runModel(half, feeds)];
  const difference = largestDifference(
    expected['log_probabilities']?.data ?? new Float32Array(),
    actual['log_probabilities']?.data ?? new Float32Array(1),
  );
  expect(difference).toBeLessThan(1e-4);
  expect((await readModel(half)).proto.metadataProps.map((entry) => entry.key)).toEqual(['quantlab.half']);
});
