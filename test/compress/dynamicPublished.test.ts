/**
 * Dynamic quantization of models that packages ship, against ONNX Runtime's own tool: the hashes in
 * test/fixtures/compress/published.json, written by make_dynamic.py with onnxruntime 1.31.1. The models are not in this
 * repository; the tests run on those found in the folder that QUANTLAB_PUBLISHED names (unpacked packages) and are
 * skipped otherwise.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../src/compress/dynamic.js';
import type { DynamicOpType, QuantizeDynamicOptions } from '../../src/compress/dynamicOptions.js';
import { sha256OfBytes, sha256OfFile } from '../../src/files.js';
import { mainGraph } from '../../src/onnx/model.js';
import { readModel } from '../../src/onnx/read.js';
import { nestedGraphs } from '../../src/onnx/subgraphs.js';
import { shapeOf, tensorBytes, tensorDtype } from '../../src/onnx/tensor.js';

interface Published {
  readonly package: string;
  readonly file: string;
  readonly sha256: string;
  readonly opTypes: readonly DynamicOpType[];
  readonly options: QuantizeDynamicOptions;
  readonly tensors: Readonly<Record<string, readonly [string, readonly number[], string]>>;
}

const { models } = JSON.parse(
  readFileSync(new URL('../fixtures/compress/published.json', import.meta.url), 'utf8'),
) as { models: readonly Published[] };
const folder = process.env['QUANTLAB_PUBLISHED'] ?? '';

describe.each(models)('$package $file, $opTypes, per channel $options.perChannel', (expected) => {
  const path = join(folder, expected.file);

  it.skipIf(folder === '' || !existsSync(path))('holds every tensor that quantize_dynamic made', async () => {
    expect(await sha256OfFile(path)).toBe(expected.sha256);
    const opTypesToQuantize: DynamicOpType[] = [...expected.opTypes, 'Gemm'];
    const { model } = quantizeDynamic(await readModel(path), { ...expected.options, opTypesToQuantize });
    const found = new Map<string, unknown>();
    for (const graph of nestedGraphs(mainGraph(model))) {
      for (const tensor of graph.initializer) {
        found.set(tensor.name, [tensorDtype(tensor), shapeOf(tensor), sha256OfBytes(tensorBytes(tensor))]);
      }
    }
    for (const [name, digest] of Object.entries(expected.tensors))
      expect([name, found.get(name)]).toEqual([name, digest]);
  });
});
