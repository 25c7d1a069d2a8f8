import { mkdtemp, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type TensorProto } from 'onnx-buf';
import { beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import { sha256OfFile } from '../../src/files.js';
import { bindLazy } from '../../src/onnx/file/payload.js';
import { modelFromBytes, readModel } from '../../src/onnx/file/read.js';
import { modelToBytes, writeModel } from '../../src/onnx/file/write.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel, opsetVersion } from '../../src/onnx/model.js';
import { makeTensor, makeUnfilledTensor, tensorBytes, tensorFloats } from '../../src/onnx/tensor/tensor.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { pattern, runModel } from '../compress/runModel.js';
import { smallModel, weightValues } from './smallModels.js';

const fixtures = fileURLToPath(new URL('../fixtures/compress/', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-onnx-'));
});

function product(weight = makeTensor('w', 'float32', [64, 64], weightValues(4096, 1))) {
  return smallModel({
    nodes: [makeNode('MatMul', ['x', 'w'], ['y'])],
    inputs: { x: ['float32', ['n', 64]] },
    outputs: { y: ['float32', ['n', 64]] },
    weights: [weight],
  });
}

/** A product with one of two matrices, each in a branch of its own. */
function choosing(weightOf: (name: string, seed: number) => TensorProto): OnnxModel {
  const branch = (name: string, seed: number) => ({
    graph: mainGraph(
      smallModel({
        nodes: [makeNode('MatMul', ['x', `${name}_w`], [name])],
        inputs: {},
        outputs: { [name]: ['float32', ['n', 64]] },
        weights: [weightOf(`${name}_w`, seed)],
      }),
    ),
  });
  return smallModel({
    nodes: [
      makeNode('If', ['flag'], ['y'], { attributes: { then_branch: branch('a', 1), else_branch: branch('b', 2) } }),
    ],
    inputs: { x: ['float32', ['n', 64]], flag: ['bool', []] },
    outputs: { y: ['float32', ['n', 64]] },
  });
}

describe('reading and writing', () => {
  it('gives back the bytes of the shipped model, weights left in the file until they are copied', async () => {
    const { card, path } = await resolveModel('deepspeech2-lstm');
    const model = await readModel(path);
    expect(mainGraph(model).initializer.find((one) => one.name === 'lstm0.W')?.rawData.length).toBe(0);
    const copy = join(folder, 'copy.onnx');
    await writeModel(model, copy);
    expect(await sha256OfFile(copy)).toBe(card.graphs['model']?.file.sha256);
  });

  it.each(['mlp', 'lstm', 'branches', 'extremes', 'stack'])('gives back the bytes of %s.onnx', async (name) => {
    const bytes = await readFile(`${fixtures}${name}.onnx`);
    expect(Buffer.compare(modelToBytes(await readModel(`${fixtures}${name}.onnx`)), bytes)).toBe(0);
    expect(Buffer.compare(modelToBytes(modelFromBytes(bytes)), bytes)).toBe(0);
  });

  it('keeps unknown fields of model, graph and tensor', async () => {
    const model = product();
    const unknown = (no: number) => [{ no, wireType: 2, data: Uint8Array.of(3, 1, 2, 3) }];
    const graph = mainGraph(model);
    model.proto.$unknown = unknown(500);
    graph.$unknown = unknown(501);
    for (const tensor of graph.initializer) tensor.$unknown = unknown(502);
    const path = join(folder, 'unknown.onnx');
    const bytes = toBinary(ModelProtoSchema, model.proto);
    await writeFile(path, bytes);
    const read = await readModel(path);
    expect(mainGraph(read).initializer[0]?.rawData.length).toBe(0);
    expect(Buffer.compare(modelToBytes(read), bytes)).toBe(0);
  });

  it('refuses weights with more or less data than their shape asks for, by file and name', async () => {
    const path = join(folder, 'short.onnx');
    const make = (change: (tensor: TensorProto) => void): Promise<void> => {
      const tensor = makeTensor('w', 'float32', [2, 2], new Float32Array(4));
      change(tensor);
      return writeFile(path, toBinary(ModelProtoSchema, product(tensor).proto));
    };
    for (const [change, got] of [
      [(tensor: TensorProto) => Object.assign(tensor, { rawData: new Uint8Array(3) }), 3],
      [(tensor: TensorProto) => Object.assign(tensor, { rawData: new Uint8Array(17) }), 17],
      [(tensor: TensorProto) => Object.assign(tensor, { rawData: new Uint8Array(5000) }), 5000],
      [(tensor: TensorProto) => Object.assign(tensor, { rawData: new Uint8Array() }), 0],
      [(tensor: TensorProto) => Object.assign(tensor, { rawData: new Uint8Array(), floatData: [1, 2, 3] }), 12],
    ] as const) {
      await make(change);
      await expect(readModel(path)).rejects.toThrow(
        `${path}: tensor w: 16 bytes for float32 [2, 2] were required, got ${got}`,
      );
    }
    const constant = makeTensor('', 'float32', [2, 2], new Float32Array(4));
    constant.rawData = new Uint8Array(3);
    const inside = product();
    mainGraph(inside).node.push(makeNode('Constant', [], ['c'], { attributes: { value: { tensor: constant } } }));
    await writeFile(path, toBinary(ModelProtoSchema, inside.proto));
    await expect(readModel(path)).rejects.toThrow(`${path}: tensor (without a name)`);
  });

  it('tells the operator set', async () => {
    expect(opsetVersion(await readModel(`${fixtures}mlp.onnx`))).toBe(17);
    expect(opsetVersion(await readModel(`${fixtures}mlp.onnx`), 'com.microsoft')).toBe(0);
  });

  it('notices that the file changed after it was opened', async () => {
    const path = join(folder, 'model.onnx');
    await writeModel(product(), path);
    const model = await readModel(path);
    await writeModel(product(makeTensor('w', 'float32', [64, 64], weightValues(4096, 2))), path);
    const [weight] = mainGraph(model).initializer;
    expect(() => weight && tensorBytes(weight)).toThrow(/open the model again/);
  });
});

describe('external data', () => {
  async function external(location: string, offset: number, length: number): Promise<string> {
    const model = product();
    for (const tensor of mainGraph(model).initializer) {
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = 1;
      tensor.externalData = Object.entries({ location, offset: String(offset), length: String(length) }).map(
        ([key, value]) => ({ $typeName: 'onnx.StringStringEntryProto', key, value }),
      );
    }
    const path = join(folder, 'external.onnx');
    await writeFile(path, toBinary(ModelProtoSchema, model.proto));
    return path;
  }
  const bytes = new Uint8Array(weightValues(4096, 1).buffer);

  it('is read from its file', async () => {
    await writeFile(join(folder, 'weights.bin'), Buffer.concat([Buffer.alloc(12), bytes]));
    const model = await readModel(await external('weights.bin', 12, bytes.length));
    const [tensor] = mainGraph(model).initializer;
    expect(tensor && tensorFloats(tensor)).toEqual(weightValues(4096, 1));
  });

  it('is taken into the file that is written', async () => {
    await writeFile(join(folder, 'weights.bin'), bytes);
    const model = await readModel(await external('weights.bin', 0, bytes.length));
    const path = join(folder, 'inner', 'whole.onnx');
    await writeModel(model, path);
    expect(Buffer.compare(modelToBytes(await readModel(path)), modelToBytes(model))).toBe(0);
    const [tensor] = mainGraph(await readModel(path)).initializer;
    expect(tensor?.externalData).toEqual([]);
    expect(tensor && tensorFloats(tensor)).toEqual(weightValues(4096, 1));
  });

  it('is written where a model would grow past the limit, and the runtime reads it', async () => {
    const model = smallModel({
      nodes: [makeNode('MatMul', ['x', 'w'], ['h']), makeNode('MatMul', ['h', 'v'], ['y'])],
      inputs: { x: ['float32', ['n', 64]] },
      outputs: { y: ['float32', ['n', 3]] },
      weights: [
        makeTensor('w', 'float32', [64, 64], weightValues(4096, 1)),
        makeTensor('v', 'float32', [64, 3], weightValues(192, 2)),
      ],
    });
    const path = join(folder, 'large.onnx');
    await writeModel(model, path, { limitBytes: 5000 });
    expect((await readdir(folder)).sort()).toEqual(['large.onnx', 'large.onnx.data']);
    const read = await readModel(path);
    expect(mainGraph(read).initializer.map((tensor) => tensor.externalData.length)).toEqual([3, 0]);
    const feeds = { x: pattern([2, 64], 1) };
    const [expected, actual] = [await runModel(model, feeds), await runModel(path, feeds)];
    expect(actual['y']?.data).toEqual(expected['y']?.data);
    // Written again over itself: the old second file is read while the new one is made.
    await writeModel(read, path, { limitBytes: 5000 });
    expect((await runModel(path, feeds))['y']?.data).toEqual(expected['y']?.data);
  });

  it('is written for weights of nested graphs, stored or made when they are written', async () => {
    const model = choosing((name, seed) => makeTensor(name, 'float32', [64, 64], weightValues(4096, seed)));
    const lazy = choosing((name, seed) => {
      const tensor = makeUnfilledTensor(name, 'float32', [64, 64]);
      bindLazy(tensor, () => new Uint8Array(weightValues(4096, seed).buffer));
      return tensor;
    });
    expect(Buffer.compare(modelToBytes(lazy), modelToBytes(model))).toBe(0);
    const feeds = {
      x: pattern([2, 64], 1),
      flag: { type: 'bool', shape: [], data: Uint8Array.of(0) },
    } as const;
    const expected = (await runModel(model, feeds))['y']?.data;
    const path = join(folder, 'nested.onnx');
    await writeModel(lazy, path, { limitBytes: 5000 });
    expect((await stat(`${path}.data`)).size).toBe(2 * 16_384);
    expect((await runModel(path, feeds))['y']?.data).toEqual(expected);
    const whole = join(folder, 'whole.onnx');
    await writeModel(await readModel(path), whole);
    expect((await runModel(whole, feeds))['y']?.data).toEqual(expected);
  });

  it('is read before its file is replaced by the one written', async () => {
    const small = makeTensor('w', 'float32', [8, 8], weightValues(64, 1));
    const large = makeTensor('v', 'float32', [8, 64], weightValues(512, 2));
    const path = join(folder, 'external.onnx');
    await writeFile(`${path}.data`, Buffer.concat([small.rawData, large.rawData]));
    const model = smallModel({
      nodes: [makeNode('MatMul', ['x', 'w'], ['h']), makeNode('MatMul', ['h', 'v'], ['y'])],
      inputs: { x: ['float32', ['n', 8]] },
      outputs: { y: ['float32', ['n', 64]] },
      weights: [small, large],
    });
    const feeds = { x: pattern([2, 8], 1) };
    const expected = await runModel(model, feeds);
    let offset = 0;
    for (const tensor of mainGraph(model).initializer) {
      const length = tensor.rawData.length;
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = 1;
      tensor.externalData = Object.entries({ location: 'external.onnx.data', offset, length }).map(([key, value]) => ({
        $typeName: 'onnx.StringStringEntryProto',
        key,
        value: String(value),
      }));
      offset += length;
    }
    await writeFile(path, toBinary(ModelProtoSchema, model.proto));
    await writeModel(await readModel(path), path, { limitBytes: 1000 });
    expect((await stat(`${path}.data`)).size).toBe(2048);
    expect(await runModel(path, feeds)).toEqual(expected);
  });

  it.each(['../weights.bin', '/etc/hostname', 'inner/../../weights.bin', '..', ''])(
    'is refused outside the folder: %j',
    async (location) => {
      await expect(readModel(await external(location, 0, bytes.length))).rejects.toThrow(InputError);
    },
  );

  it('is refused behind a link that leaves the folder', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'quantlab-outside-'));
    await writeFile(join(outside, 'weights.bin'), bytes);
    await symlink(join(outside, 'weights.bin'), join(folder, 'link.bin'));
    await expect(readModel(await external('link.bin', 0, bytes.length))).rejects.toThrow(/link out of it/);
  });

  it('is refused when it is missing or cut', async () => {
    await expect(readModel(await external('missing.bin', 0, bytes.length))).rejects.toThrow(/missing\.bin/);
    await writeFile(join(folder, 'weights.bin'), bytes);
    await truncate(join(folder, 'weights.bin'), 100);
    await expect(readModel(await external('weights.bin', 0, bytes.length))).rejects.toThrow(/restore weights\.bin/);
    await expect(readModel(await external('weights.bin', 0, 100))).rejects.toThrow(InputError);
  });
});
