import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readEnvironment } from '../../src/measure/machine/environment.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { bestDivision } from '../../src/study/bestDivision.js';
import { RUN_FILES, readFinishedRecord } from '../../src/study/runFolder.js';
import type { RunRecord } from '../../src/study/schema.js';

let folder: string;
let record: RunRecord;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-'));
  record = (await readFinishedRecord('data/results/laboratory')) as RunRecord;
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

/** The committed run of the laboratory, of another machine. */
async function write(changes: Partial<RunRecord>): Promise<void> {
  await writeFile(join(folder, RUN_FILES.record), JSON.stringify({ ...record, ...changes }));
}

it('is what the laboratory found, on the same processor', async () => {
  const { cpu, logicalCores } = await readEnvironment();
  const [report, ...others] = record.laboratory?.throughput ?? [];
  const [first, ...rest] = report?.results ?? [];
  if (report === undefined || first === undefined) throw new Error('the laboratory has no throughput');
  // That a batch is faster does not count: recordings come one by one.
  const batched = { ...first, arrangement: { ...first.arrangement, batchSize: 16 } };
  const single = { ...first, arrangement: { batchSize: 1, sorted: true, streams: 7, threads: 3 } };
  const throughput = [{ ...report, results: [batched, single, ...rest] }, ...others];
  await write({
    environment: { ...record.environment, cpu, logicalCores },
    laboratory: { ...record.laboratory, throughput },
  });
  const model = await resolveModel(record.protocol.laboratory?.model ?? '');
  expect(await bestDivision(model, folder)).toEqual({ streams: 7, threads: 3, source: 'laboratory' });
});

it('is measured on another processor', async () => {
  await write({ environment: { ...record.environment, cpu: 'another' } });
  const { streams, threads, source } = await bestDivision(await resolveModel('deepspeech2-lstm'), folder);
  expect(source).toBe('measured');
  expect(Math.min(streams, threads)).toBeGreaterThanOrEqual(1);
}, 240_000);
