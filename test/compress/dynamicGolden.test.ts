/**
 * Dynamic quantization against ONNX Runtime's own tool. Golden data: test/fixtures/compress/dynamic.json, written by
 * make_dynamic.py with onnxruntime 1.31.1; the tensors must be equal bit for bit.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../src/compress/dynamic/dynamic.js';
import type { DynamicOpType } from '../../src/compress/dynamic/dynamicOptions.js';
import type { WeightType } from '../../src/compress/rewrite/params.js';
import { sha256OfBytes } from '../../src/files.js';
import { readModel } from '../../src/onnx/file/read.js';
import { modelNodes, nestedGraphs } from '../../src/onnx/graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../../src/onnx/model.js';
import { shapeOf, tensorBytes, tensorDtype } from '../../src/onnx/tensor/tensor.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { type Fed, largestDifference, pattern, runModel } from './runModel.js';

interface Golden {
  readonly opTypes: readonly DynamicOpType[];
  readonly options: { readonly perChannel: boolean; readonly reduceRange: boolean; readonly weightType: WeightType };
  readonly tensors: Readonly<Record<string, readonly [string, readonly number[], string]>>;
  readonly operators: Readonly<Record<string, number>>;
  readonly nodes: readonly string[];
  readonly outputs: Readonly<Record<string, readonly [readonly number[], string]>>;
}

const folder = fileURLToPath(new URL('../fixtures/compress/', import.meta.url));
const golden = JSON.parse(readFileSync(`${folder}dynamic.json`, 'utf8')) as { models: Record<string, Golden[]> };

const feeds: Record<string, Record<string, Fed>> = {
  mlp: { x: pattern([5, 20], 1) },
  stack: { x: pattern([3, 2, 10], 1) },
  extremes: { x: pattern([4, 16], 1) },
  lstm: {
    x: pattern([6, 3, 20], 1),
    lengths: { type: 'int32', shape: [3], data: Int32Array.of(6, 4, 5) },
    h0: pattern([1, 3, 16], 2),
    c0: pattern([1, 3, 16], 3),
  },
  branches: { x: pattern([3, 10], 1), flag: { type: 'bool', shape: [], data: Uint8Array.of(0) } },
  conv: { x: pattern([2, 3, 12, 10], 1) },
  embed: { ids: { type: 'int64', shape: [5], data: BigInt64Array.of(3n, 0n, 15n, 7n, 7n) } },
  attention: {
    ids: { type: 'int32', shape: [1, 4], data: Int32Array.of(3, 0, 29, 7) },
    segments: { type: 'int32', shape: [1, 4], data: Int32Array.of(0, 0, 1, 1) },
  },
  shipped: { features: pattern([1, 40, 161], 1), lengths: { type: 'int64', shape: [1], data: BigInt64Array.of(40n) } },
};

/**
 * Largest difference of the answers. The recurrent models round their state at each step, so that the last bit of a
 * sigmoid on another processor can move a whole step of the 8-bit grid.
 */
const tolerances: Record<string, number> = { lstm: 2e-2, shipped: 2e-1 };

/** The tool turns each Gemm into MatMul whatever it is asked for; here Gemm is a type of its own. */
function opTypes({ opTypes: asked }: Golden): readonly DynamicOpType[] {
  return asked.includes('MatMul') ? [...asked, 'Gemm'] : asked;
}

function digests(model: OnnxModel): Record<string, [string, number[], string]> {
  const found: Record<string, [string, number[], string]> = {};
  for (const graph of nestedGraphs(mainGraph(model))) {
    for (const tensor of graph.initializer) {
      found[tensor.name] = [tensorDtype(tensor), shapeOf(tensor), sha256OfBytes(tensorBytes(tensor))];
    }
  }
  return found;
}

describe.each(Object.keys(golden.models))('%s', (name) => {
  let path = `${folder}${name}.onnx`;
  beforeAll(async () => {
    if (name === 'shipped') path = (await resolveModel('deepspeech2-lstm')).path;
  });

  it.each(golden.models[name] ?? [])('equals quantize_dynamic with $options', async (expected) => {
    const { model } = quantizeDynamic(await readModel(path), {
      ...expected.options,
      opTypesToQuantize: opTypes(expected),
    });
    expect(digests(model)).toEqual(expected.tensors);
    const operators: Record<string, number> = {};
    const nodes = [...modelNodes(model.proto)];
    for (const { opType } of nodes) operators[opType] = (operators[opType] ?? 0) + 1;
    expect(operators).toEqual(expected.operators);
    expect(nodes.map((node) => node.name).sort()).toEqual([...expected.nodes].sort());
    const outputs = await runModel(model, feeds[name] ?? {});
    for (const [key, [shape, base64]] of Object.entries(expected.outputs)) {
      const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
      expect(outputs[key]?.shape).toEqual(shape);
      const difference = largestDifference(new Float32Array(bytes.buffer), outputs[key]?.data ?? new Float32Array());
      if (process.env['SHOW_DIFFERENCES']) process.stdout.write(`${name} ${key} ${difference}\n`);
      expect(difference).toBeLessThan(tolerances[name] ?? 1e-5);
    }
  });
});
