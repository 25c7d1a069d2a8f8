import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import { modelToBytes, writeModel } from '../../src/onnx/file/write.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { decodeFloat16, encodeFloat16 } from '../../src/onnx/tensor/halfFloat.js';
import { makeTensor } from '../../src/onnx/tensor/tensor.js';
import { listModels, resolveModel } from '../../src/recognise/registry/registry.js';
import { packModel } from '../../src/recognise/weights/pack.js';
import { packWeights, unpackWeights } from '../../src/recognise/weights/packedWeights.js';
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

it('packs weights that float16 holds without loss, and unpacks them to the same bytes', () => {
  const model = product(exact);
  const packed = packWeights(model);
  expect(packed).toMatchObject({ values: 1024, roundedValues: 0, tensorsLeft: [] });
  expect(Buffer.compare(modelToBytes(unpackWeights(packed.bytes, 'here')), modelToBytes(model))).toBe(0);
});

it('leaves small initializers, other types and other places of weights as they are', async () => {
  const constant = makeTensor('c', 'float32', [32], exact.slice(0, 32));
  const whole = makeTensor(
    'i',
    'int64',
    [300],
    BigInt64Array.from({ length: 300 }, (_, i) => BigInt(i)),
  );
  const typed = makeTensor('t', 'float32', [1024], exact);
  const model = smallModel({
    nodes: [makeNode('Identity', ['x'], ['y'])],
    inputs: { x: ['float32', ['n', 32]] },
    outputs: { y: ['float32', ['n', 32]] },
    weights: [constant, whole, Object.assign(typed, { rawData: new Uint8Array(0), floatData: [...exact] })],
  });
  const packed = packWeights(model);
  expect(packed).toMatchObject({ values: 0, roundedValues: 0, tensorsLeft: [] });
  expect(Buffer.compare(modelToBytes(unpackWeights(packed.bytes, 'here')), modelToBytes(model))).toBe(0);
});

it('says how many values it rounded, and leaves tensors that float16 cannot hold', () => {
  expect(packWeights(product(weightValues(1024, 3))).roundedValues).toBeGreaterThan(900);
  const large = exact.slice();
  large[5] = 70_000;
  expect(packWeights(product(large))).toMatchObject({ values: 0, tensorsLeft: ['w'] });
});

it('refuses to unpack what was not packed, or is cut or too long', () => {
  const { bytes } = packWeights(product(exact));
  expect(() => unpackWeights(modelToBytes(product(exact)), 'here')).toThrow(/here: packed weights were required/);
  for (const length of [0, 5, 19, 25, 100, bytes.length - 1]) {
    expect(() => unpackWeights(bytes.subarray(0, length), 'here')).toThrow(InputError);
  }
  expect(() => unpackWeights(Buffer.concat([bytes, Buffer.of(0)]), 'here')).toThrow(/no more bytes were required/);
});

it('replaces a model by card and weights alone', async () => {
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
  expect((await readFile(path)).length).toBe(card.graphs['model']?.file.sizeBytes);
  await expect(packModel(trained, draft, join(folder, 'other'))).rejects.toThrow(/named by the model's id/);
  await expect(packModel(trained, { ...draft, id: 'Bad Id' }, join(folder, 'Bad Id'))).rejects.toThrow(InputError);
});
