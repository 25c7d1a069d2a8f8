// Counts by hand, from the shapes: a multiply-add is two operations; LSTM as in Hochreiter & Schmidhuber 1997, four products a step.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../../src/compress/dynamic/dynamic.js';
import { quantizeRecurrent } from '../../../src/compress/recurrent/recurrent.js';
import type { MachineLimits } from '../../../src/measure/machine/hardware.js';
import { boundOf } from '../../../src/measure/machine/roofline.js';
import { countWork, type NodeWork } from '../../../src/measure/machine/work.js';
import { buildDeepSpeech2, type DeepSpeech2Options } from '../../../src/onnx/build/build.js';
import { writeModel } from '../../../src/onnx/file/write.js';
import type { OnnxModel } from '../../../src/onnx/model.js';

const FRAMES = 40;
/** The convolutions stride by two in time. */
const STEPS = 20;
const UNITS = 24;

const SMALL: DeepSpeech2Options = { layers: 1, units: UNITS };

async function count(model: OnnxModel): Promise<readonly NodeWork[]> {
  const path = join(mkdtempSync(join(tmpdir(), 'quantlab-work-')), 'model.onnx');
  await writeModel(model, path);
  return await countWork(path, async () => [
    {
      features: new Tensor('float32', new Float32Array(FRAMES * 161).fill(0.1), [1, FRAMES, 161]),
      lengths: new Tensor('int64', BigInt64Array.of(BigInt(FRAMES)), [1]),
    },
  ]);
}

function operationsOf(works: readonly NodeWork[], opTypes: RegExp): number {
  return works.filter(({ opType }) => opTypes.test(opType)).reduce((sum, { operations }) => sum + operations, 0);
}

describe('countWork', () => {
  it('counts convolutions, recurrences and products by their shapes', async () => {
    const works = await count(buildDeepSpeech2(SMALL));
    // Two convolutions of 32 channels: 41×11 on one channel, 21×11 on 32; 161 bins become 81, then 41.
    const convolutions = 2 * 32 * STEPS * (81 * 41 * 11 + 41 * 21 * 11 * 32);
    expect(operationsOf(works, /^Conv$/)).toBe(convolutions);
    const width = 32 * 41;
    const lstm = works.find(({ opType }) => opType === 'LSTM');
    expect(lstm).toMatchObject({
      arithmetic: 'float32',
      operations: 2 * STEPS * 2 * 4 * UNITS * (width + UNITS),
      streamedSetBytes: expect.closeTo(4 * 4 * UNITS * UNITS, -3),
    });
    expect(operationsOf(works, /^MatMul$/)).toBe(2 * STEPS * UNITS * 29);
  });

  it('sees which arithmetic a quantized model is in, and that its weights are smaller', async () => {
    const [float, quantized] = [
      await count(buildDeepSpeech2(SMALL)),
      await count(quantizeDynamic(buildDeepSpeech2(SMALL)).model),
    ];
    const lstm = quantized.find(({ opType }) => opType === 'DynamicQuantizeLSTM');
    const before = float.find(({ opType }) => opType === 'LSTM');
    expect(lstm?.arithmetic).toBe('int8');
    expect(lstm?.operations).toBe(before?.operations);
    expect(lstm?.bytesStreamed).toBeLessThan((before?.bytesStreamed ?? 0) / 3);
  });

  it('counts a recurrence that is a loop once for each step', async () => {
    const gru = buildDeepSpeech2({ ...SMALL, cell: 'gru' });
    const float = operationsOf(await count(gru), /^GRU$/);
    const works = await count(quantizeRecurrent(gru).model);
    expect(operationsOf(works, /^GRU$/)).toBe(0);
    // The same products, the recurrence's in the loop.
    const products = operationsOf(works, /^MatMul/) - 2 * STEPS * UNITS * 29;
    expect(products).toBe(float);
    const inLoop = works.filter(({ bytesStreamed }) => bytesStreamed > 0);
    expect(inLoop.reduce((sum, { operations }) => sum + operations, 0)).toBe(2 * STEPS * 2 * 3 * UNITS * UNITS);
  });
});

describe('boundOf', () => {
  const limits: MachineLimits = {
    threads: 1,
    float32PerS: 100e9,
    int8PerS: 400e9,
    bandwidths: [
      { setBytes: 1e6, bytesPerS: 50e9 },
      { setBytes: 1e8, bytesPerS: 10e9 },
    ],
  };
  const work: NodeWork = {
    name: 'a',
    opType: 'MatMul',
    arithmetic: 'float32',
    operations: 1e9,
    bytesOnce: 1e7,
    bytesStreamed: 0,
    streamedSetBytes: 0,
  };

  it('is arithmetic or memory, whichever takes longer, node by node', () => {
    // 10 ms of arithmetic and 1 ms of memory; then 2.5 ms and 1 + 20 ms from the cache.
    const recurrent: NodeWork = { ...work, arithmetic: 'int8', bytesStreamed: 1e9, streamedSetBytes: 2e6 };
    const bound = boundOf([work, recurrent], limits);
    expect(bound.arithmeticMs).toBeCloseTo(12.5, 9);
    expect(bound.memoryMs).toBeCloseTo(22, 9);
    expect(bound.boundMs).toBeCloseTo(10 + 21, 9);
    expect(bound).toMatchObject({ float32Operations: 1e9, int8Operations: 1e9, bytesOnce: 2e7, bytesStreamed: 1e9 });
  });

  it('takes the memory beyond the caches for weights that fit in none', () => {
    const recurrent: NodeWork = { ...work, bytesOnce: 0, bytesStreamed: 1e9, streamedSetBytes: 1e9 };
    expect(boundOf([recurrent], limits).memoryMs).toBeCloseTo(100, 9);
  });
});
