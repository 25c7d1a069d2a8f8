import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../src/compress/dynamic/dynamic.js';
import { evaluate } from '../../src/measure/latency/bench.js';
import { readModel } from '../../src/onnx/file/read.js';
import { writeModel } from '../../src/onnx/file/write.js';
import type { ResolvedModel } from '../../src/recognise/model.js';
import { manifestPath } from '../../src/recognise/registry/embedded.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { readManifest } from '../../src/speech/corpora/manifest.js';
import type { Utterance } from '../../src/speech/types.js';
import { compareModels } from '../../src/tune/compareModels.js';

const SPEECH = { manifest: 'dev', utterances: 3, threads: 1 };

/** The utterances of {@link SPEECH}, as they are spread over the manifest. */
async function speech(): Promise<Utterance[]> {
  const all = await readManifest(manifestPath(SPEECH.manifest));
  return [0, 1, 2].map((i) => all[Math.floor((i * all.length) / SPEECH.utterances)] as Utterance);
}

let folder: string;
let float: ResolvedModel;
let variant: ResolvedModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-compare-'));
  float = await resolveModel('deepspeech2-lstm');
  const path = join(folder, 'int8.onnx');
  variant = { card: float.card, path, graphs: { model: path } };
  await writeModel(quantizeDynamic(await readModel(float.path)).model, variant.path);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('comparing two models on speech', () => {
  it('finds a model equal to itself', async () => {
    const { values, sameText, texts, utterances } = await compareModels(float, float, SPEECH);
    expect(texts).toMatchObject({ werChange: { value: 0 }, test: { margin: 0.01, withinMargin: 'too few words' } });
    expect(utterances).toBe(3);
    expect(sameText).toBe(1);
    expect(values.map(({ opType }) => opType)).toEqual(['Conv', 'Conv', 'LSTM', 'LSTM', 'LSTM', 'MatMul', 'output']);
    expect(
      values.every(({ signalToErrorDb, largestDifference }) => signalToErrorDb === null && largestDifference === 0),
    ).toBe(true);
  });

  it('finds the first difference where the first quantized layer is', async () => {
    const { values, texts } = await compareModels(float, variant, SPEECH);
    const [one, other] = await evaluate([float, variant], { utterances: await speech(), threads: 1 });
    expect(texts).toEqual(other?.comparison);
    expect(one?.comparison).toBeNull();
    const [first, second, third] = values;
    // Convolutions stay float; the LSTM after them is the first that is quantized.
    expect([first?.signalToErrorDb, second?.signalToErrorDb]).toEqual([null, null]);
    expect(third?.signalToErrorDb).toBeGreaterThan(20);
    expect(values.at(-1)?.signalToErrorDb).toBeGreaterThan(20);
    expect(values.at(-1)?.largestDifference).toBeGreaterThan(0);
  });
});
