import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../src/compress/dynamic/dynamic.js';
import { entropyCode } from '../../src/compress/entropyCode.js';
import { quantizeWeightOnly } from '../../src/compress/weightOnly/weightOnly.js';
import { InputError } from '../../src/errors.js';
import { modelFromBytes, readModel } from '../../src/onnx/file/read.js';
import { modelToBytes, writeModel } from '../../src/onnx/file/write.js';
import { copyMessage } from '../../src/onnx/graph/copy.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../src/onnx/model.js';
import { makeTensor, tensorBytes } from '../../src/onnx/tensor/tensor.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { smallModel, valueInfo, weight } from './smallModels.js';

const product = (values: Uint8Array): OnnxModel =>
  smallModel(
    [makeNode('Cast', ['w'], ['y'], { attributes: { to: 1 } })],
    [makeTensor('w', 'uint8', [values.length], values)],
    [],
    [valueInfo('y', [values.length])],
  );

/** As it is read from its file. */
const again = (model: OnnxModel): OnnxModel => modelFromBytes(modelToBytes(model));

describe('entropyCode', () => {
  let quantized: OnnxModel;
  beforeAll(async () => {
    const { path } = await resolveModel('deepspeech2-lstm');
    quantized = quantizeDynamic(await readModel(path)).model;
  });

  it('brings the shipped model in int8 back byte for byte, from a file smaller by what the report says', () => {
    const { model, report } = entropyCode(quantized);
    const [before, after] = [modelToBytes(quantized), modelToBytes(model)];
    expect(Buffer.compare(modelToBytes(modelFromBytes(after)), before)).toBe(0);
    const saved = report.sizeBytes - report.codedBytes;
    // Beside the weights only the lengths of the fields themselves change, by a byte here and there.
    expect(Math.abs(before.length - after.length - saved)).toBeLessThan(3 * report.tensors.length);
    // Weights of one scale a tensor use the outer codes rarely; with a scale for each channel it would be 7.3 bits.
    for (const { dtype, entropyBits, sizeBytes, codedBytes } of report.tensors) {
      if (sizeBytes < 100_000 || dtype === 'float32') continue;
      expect(entropyBits).toBeGreaterThan(4.5);
      expect(entropyBits).toBeLessThan(7);
      expect(codedBytes * 8).toBeLessThan((entropyBits + 0.1) * sizeBytes);
    }
    expect(saved / report.sizeBytes).toBeGreaterThan(0.2);
  });

  it('brings back weights that stand in int32_data, and takes in those that have a file of their own', async () => {
    const values = Int8Array.from({ length: 4096 }, (_, index) => (index % 7) - 3);
    const stored = makeTensor('w', 'int8', [64, 64], values);
    const model = smallModel(
      [makeNode('Cast', ['w'], ['y'], { attributes: { to: 1 } })],
      [copyMessage(stored, { int32Data: [...values] }, ['rawData'])],
      [],
      [valueInfo('y', [64, 64])],
    );
    const coded = modelToBytes(entropyCode(model).model);
    expect(coded.length).toBeLessThan(0.5 * 4096);
    const [inline] = mainGraph(modelFromBytes(coded)).initializer;
    expect(inline && new Int8Array(tensorBytes(inline))).toEqual(values);

    const folder = await mkdtemp(join(tmpdir(), 'quantlab-code-'));
    const path = join(folder, 'external.onnx');
    mainGraph(model).initializer = [stored];
    await writeModel(model, path, { limitBytes: 100 });
    const inCode = join(folder, 'coded.onnx');
    await writeModel(entropyCode(await readModel(path)).model, inCode);
    const [back] = mainGraph(await readModel(inCode)).initializer;
    expect(back && new Int8Array(tensorBytes(back))).toEqual(values);
    expect(back?.externalData).toEqual([]);
  });

  it('codes packed 4-bit weights by their bytes', () => {
    const float = smallModel(
      [makeNode('MatMul', ['x', 'w'], ['y'], { name: 'm' })],
      [weight('w', [256, 64], 3)],
      [valueInfo('x', ['n', 256])],
      [valueInfo('y', ['n', 64])],
    );
    const packed = quantizeWeightOnly(float, { bits: 4 }).model;
    const { model, report } = entropyCode(packed);
    expect(report.tensors.map(({ dtype, sizeBytes }) => [dtype, sizeBytes])).toEqual([
      ['uint8', 8192],
      ['float32', 512],
    ]);
    expect(report.codedBytes).toBeLessThan(8192);
    expect(Buffer.compare(modelToBytes(again(model)), modelToBytes(packed))).toBe(0);
  });

  it.each([
    ['float32', 1 / 3],
    ['float32 that float16 holds', 1],
  ])('codes %s', (_kind, factor) => {
    const values = Float32Array.from({ length: 4096 }, (_, i) => Math.round(40 * Math.sin(i) ** 3) * factor);
    const float = smallModel(
      [makeNode('Neg', ['w'], ['y'])],
      [makeTensor('w', 'float32', [4096], values)],
      [],
      [valueInfo('y', [4096])],
    );
    const { model, report } = entropyCode(float);
    expect(report.codedBytes).toBeLessThan(0.3 * report.sizeBytes);
    expect(Buffer.compare(modelToBytes(again(model)), modelToBytes(float))).toBe(0);
  });

  it('leaves a tensor that would not shrink, and says so', () => {
    // Each value twice, and no three in the same order again.
    const even = product(Uint8Array.from({ length: 512 }, (_, i) => (i < 256 ? i : 181 * i)));
    const { model, report } = entropyCode(even);
    expect(report.tensors[0]).toMatchObject({ entropyBits: 8, sizeBytes: 512, codedBytes: 512 });
    expect(Buffer.compare(modelToBytes(model), modelToBytes(even))).toBe(0);
    expect(Buffer.compare(modelToBytes(again(model)), modelToBytes(even))).toBe(0);
  });

  it('gives the same bytes each time and leaves the original as it was', () => {
    const before = modelToBytes(quantized);
    const first = modelToBytes(entropyCode(quantized).model);
    expect(Buffer.compare(first, modelToBytes(entropyCode(quantized).model))).toBe(0);
    expect(Buffer.compare(modelToBytes(quantized), before)).toBe(0);
  });

  it('refuses a damaged code by the name of its tensor', () => {
    const { model } = entropyCode(product(new Uint8Array(1000)));
    const [tensor] = mainGraph(model).initializer;
    const read = () => {
      const [coded] = mainGraph(again(model)).initializer;
      return coded && tensorBytes(coded);
    };
    tensor?.rawData.fill(0xff, 10);
    expect(read).toThrow(InputError);
    expect(read).toThrow(/tensor w: a stream of 1000 bytes were required, got/);
    if (tensor) tensor.rawData = tensor.rawData.subarray(0, 8);
    expect(read).toThrow(/tensor w: 5 bytes were required, got 3/);
  });
});
