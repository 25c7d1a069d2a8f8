/**
 * Models above 2 GB: external weights read and written one at a time. Takes some seconds and gigabytes of disk, so it
 * runs when asked for: `LARGE=1 npx vitest run test/onnx/large`.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, StringStringEntryProtoSchema, type TensorProto } from 'onnx-buf';
import { expect, it } from 'vitest';
import { quantizeDynamic } from '../../src/compress/dynamic/dynamic.js';
import { readModel } from '../../src/onnx/file/read.js';
import { writeModel } from '../../src/onnx/file/write.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { inspectModel } from '../../src/onnx/inspect.js';
import { mainGraph } from '../../src/onnx/model.js';
import { makeUnfilledTensor } from '../../src/onnx/tensor/tensor.js';
import { pattern, runModel } from '../compress/runModel.js';
import { smallModel } from './smallModels.js';

const WIDTH = 8192;
const COUNT = 12;
const BYTES = WIDTH * WIDTH * 4;

/** A chain of products with twelve matrices of 268 MB in one sparse file: zeros but for the diagonal's first places. */
async function largeModel(folder: string): Promise<string> {
  const weights: TensorProto[] = [];
  const nodes = [];
  const file = await open(join(folder, 'weights.bin'), 'w');
  await file.truncate(COUNT * BYTES);
  for (let index = 0; index < COUNT; index++) {
    const tensor = makeUnfilledTensor(`w${index}`, 'float32', [WIDTH, WIDTH]);
    const entries = { location: 'weights.bin', offset: String(index * BYTES), length: String(BYTES) };
    tensor.dataLocation = 1;
    tensor.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    weights.push(tensor);
    for (let place = 0; place < 4; place++) {
      const at = index * BYTES + place * (WIDTH + 1) * 4;
      await file.write(new Uint8Array(Float32Array.of(1 + index / 8).buffer), 0, 4, at);
    }
    nodes.push(
      makeNode('MatMul', [index === 0 ? 'x' : `h${index}`, `w${index}`], [index === COUNT - 1 ? 'y' : `h${index + 1}`]),
    );
  }
  await file.close();
  const model = smallModel({
    nodes,
    inputs: { x: ['float32', ['n', WIDTH]] },
    outputs: { y: ['float32', ['n', WIDTH]] },
    weights,
  });
  const path = join(folder, 'large.onnx');
  await writeFile(path, toBinary(ModelProtoSchema, model.proto));
  return path;
}

it.skipIf(process.env['LARGE'] === undefined)(
  'are listed, copied and quantized without being in memory as a whole',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quantlab-large-'));
    try {
      const path = await largeModel(folder);
      expect((await inspectModel(path)).sizeBytes).toBeGreaterThan(2 ** 31);
      const model = await readModel(path);

      const copy = join(folder, 'copy.onnx');
      await writeModel(model, copy);
      expect((await stat(`${copy}.data`)).size).toBe(COUNT * BYTES);
      const { stdout } = await promisify(execFile)('cmp', [join(folder, 'weights.bin'), `${copy}.data`]);
      expect(stdout).toBe('');
      await rm(`${copy}.data`);

      const { model: quantized, report } = quantizeDynamic(model);
      expect(report.replacedNodes).toEqual({ MatMul: COUNT });
      expect(report.weightBytesBefore).toBe(COUNT * BYTES);
      const small = join(folder, 'small.onnx');
      await writeModel(quantized, small);
      expect(mainGraph(await readModel(small)).initializer).toHaveLength(3 * COUNT);
      // Half a gigabyte of integers, one weight in float and what it becomes, and the test itself; never 3.2 GB.
      expect(process.resourceUsage().maxRSS / 1024).toBeLessThan(1600);

      const outputs = await runModel(small, { x: pattern([1, WIDTH], 1) });
      const gain = Array.from({ length: COUNT }, (_, index) => 1 + index / 8).reduce((a, b) => a * b, 1);
      const [first = 0] = pattern([1, WIDTH], 1).data as Float32Array;
      // Twelve roundings of one activation to eight bits.
      expect((outputs['y']?.data[0] ?? 0) / (first * gain)).toBeCloseTo(1, 1);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  600_000,
);
