import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TIMING_VERSION } from '../../src/measure/latency/timingVersion.js';
import { buildDeepSpeech2, deepSpeech2Settings } from '../../src/onnx/build/build.js';
import { writeModel } from '../../src/onnx/file/write.js';
import { writeBuiltCard } from '../../src/recognise/kinds/ctc/builtCard.js';
import { listModels } from '../../src/recognise/registry/registry.js';
import { checkResults } from '../../src/study/checkResults.js';
import { readTopic, writeTopic } from '../../src/study/laboratory.js';
import { FULL_LABORATORY, SHORT_LABORATORY } from '../../src/study/laboratoryProtocol.js';
import { measureTopic, variantsPlan } from '../../src/study/measureLaboratory.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-laboratory-'));
const model = join(folder, 'small.onnx');
const out = join(folder, 'laboratory');

beforeAll(async () => {
  const options = { layers: 1, units: 16 };
  const built = buildDeepSpeech2(options);
  await writeModel(built, model);
  await writeBuiltCard(built, deepSpeech2Settings(options), model);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const protocol = {
  ...SHORT_LABORATORY,
  throughput: { utterances: 2, batchSizes: [2], rounds: 1 },
  sensitivity: { utterances: 1, calibrationUtterances: 1 },
};

describe('measureTopic', () => {
  it('keeps what it found, with machine, protocol and version of timing, under the titles of the variants', async () => {
    expect(await measureTopic('throughput', { out, protocol, model })).toBe('measured');
    const { result, environment, timingVersion, ...record } = await readTopic(out, 'throughput');
    expect(result.map((report) => report.model)).toEqual(expect.arrayContaining(['CPU float32', 'CPU int8 dynamic']));
    expect(record.protocol).toEqual(protocol.throughput);
    expect(environment.cpu.length).toBeGreaterThan(0);
    expect(timingVersion).toBe(TIMING_VERSION);
    expect(JSON.stringify({ ...record, result }).replaceAll(model, '')).not.toContain(folder);
  }, 120_000);

  it('leaves alone what was measured by this protocol and timed as today', async () => {
    const options = { out, protocol, model, resume: true };
    expect(await measureTopic('sensitivity', options)).toBe('measured');
    expect(await measureTopic('sensitivity', options)).toBe('kept');
    const record = await readTopic(out, 'sensitivity');
    await writeTopic(out, { ...record, timingVersion: TIMING_VERSION + 1 });
    appendFileSync(join(out, 'throughput.json'), '\n');
    const { faults, topics } = await checkResults(out);
    expect(faults).toEqual([
      expect.stringMatching(/throughput\.json: .*SHA-256/),
      expect.stringMatching(/sensitivity\.json: times of version 1 were required, got version 2/),
    ]);
    expect(topics).toEqual({ found: 2, same: 0 });
    expect(await measureTopic('sensitivity', options)).toBe('measured');
    const { result } = await readTopic(out, 'sensitivity');
    expect(new Set(result.map(({ opType }) => opType))).toEqual(new Set(['Conv', 'LSTM', 'MatMul']));
  }, 120_000);
});

it('plans float32, dynamic and hybrid of every shipped model', async () => {
  const { latencyTrials, memoryRuns, energyTrials } = FULL_LABORATORY.variants;
  const { conditions, ...plan } = await variantsPlan(FULL_LABORATORY.variants);
  const ids = (await listModels()).map(({ id }) => id);
  expect(conditions.map(({ id }) => id)).toEqual(
    ids.flatMap((id) => [`${id}.float32`, `${id}.dynamic`, `${id}.hybrid`]),
  );
  expect(plan).toMatchObject({ latencyTrials, resources: { memoryRuns, energyTrials } });
});
