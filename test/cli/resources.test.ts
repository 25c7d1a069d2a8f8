import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildDeepSpeech2, deepSpeech2Settings } from '../../src/onnx/build/build.js';
import { writeModel } from '../../src/onnx/file/write.js';
import { writeBuiltCard } from '../../src/recognise/kinds/ctc/builtCard.js';
import { writeInventedRun } from '../report/fixture.js';
import { quantlab } from './terminal.js';

async function inventedRun(): Promise<string> {
  const folder = join(mkdtempSync(join(tmpdir(), 'quantlab-cost-')), 'run');
  await writeInventedRun(folder);
  return folder;
}

async function smallModel(): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'quantlab-resources-')), 'small.onnx');
  const options = { layers: 1, units: 16 };
  const built = buildDeepSpeech2(options);
  await writeModel(built, path);
  await writeBuiltCard(built, deepSpeech2Settings(options), path);
  return path;
}

describe('quantlab cost', () => {
  it('prices a given speed, on the reader’s own machine too', async () => {
    const { exitCode, out } = await quantlab('cost', '--rtfx', '100', '--price', '0.12', '--title', 'my box', '--json');
    expect(exitCode).toBe(0);
    const { costs } = JSON.parse(out) as { costs: readonly { instance: string; usdPer1000Hours: { value: number } }[] };
    // 1,000 hours at 100 times real time are 10 hours of a machine at $0.12.
    expect(costs.find(({ instance }) => instance === 'my box')?.usdPer1000Hours.value).toBeCloseTo(1.2, 9);
  });

  it('prices the throughput of a run, says what it assumes, and names every page', async () => {
    const { exitCode, out } = await quantlab('cost', '--run', await inventedRun());
    expect(exitCode).toBe(0);
    expect(out).toContain('CPU float32');
    expect(out).toMatch(/^Assumed: .*virtual processors as fast as one of the \d+ measured/m);
    expect(out).toMatch(/^Prices: AWS: https:\/\//m);
    expect(out).toContain('415 % better');
  });

  it('takes another table of prices', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'quantlab-prices-')), 'prices.json');
    const row = {
      provider: 'Ours',
      instance: 'one',
      region: 'here',
      kind: 'cpu',
      hardware: 'x',
      architecture: process.arch,
    };
    const rest = { logicalProcessors: 4, usdPerHour: 1, page: 'https://example.org', found: '2026-11-21' };
    writeFileSync(path, JSON.stringify({ instances: [{ ...row, ...rest }] }));
    const { out } = await quantlab('cost', '--rtfx', '10', '--prices', path, '--json');
    expect(JSON.parse(out)).toMatchObject({
      costs: [{ instance: 'one', usdPer1000Hours: { value: 25 } }],
      breakEven: [],
    });
    writeFileSync(path, '{"instances": [{}]}');
    expect((await quantlab('cost', '--rtfx', '10', '--prices', path)).exitCode).toBe(1);
  });

  it('ends with 2 for a speed of nothing', async () => {
    expect((await quantlab('cost', '--rtfx', '0')).exitCode).toBe(2);
  });
});

describe('quantlab memory', () => {
  it('tells memory and size of a model', async () => {
    const path = await smallModel();
    const { exitCode, out, err } = await quantlab('memory', path, '--runs', '2');
    expect(err).toBe('');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^small +on +[\d.]+ MB/m);
    expect(out).toMatch(/gzip -9/);
    expect(out).toMatch(/float32 [\d.]+ MB/);
  });
});

describe('quantlab energy', () => {
  it('says how the number was found', async () => {
    const path = await smallModel();
    const rated = ['--rated-watts', '65', '--rated-threads', '12'];
    const { exitCode, out } = await quantlab('energy', path, '--trials', '2', '--threads', '1', ...rated);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^(?:Estimated \(rated-power\): 65 W|Measured \((?:rapl|powermetrics)\))/m);
  });

  it('ends with 2 for half of what it needs', async () => {
    expect((await quantlab('energy', '--rated-watts', '65')).exitCode).toBe(2);
  });
});
