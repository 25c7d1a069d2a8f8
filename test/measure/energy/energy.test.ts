import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { measureEnergy } from '../../../src/measure/energy/energy.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';

/** Answers at once; its recordings last 2 s. */
const workerPath = fileURLToPath(new URL('../../fixtures/experiment/fakeWorker.mjs', import.meta.url));

const utterances = ['one', 'two'].map((id) => ({
  id,
  audioPath: `${id}.wav`,
  durationS: 2,
  text: id,
  speaker: 'none',
}));

/** A simulated counter, and a way to let it run. */
function simulatedPackage(): { readonly powercapRoot: string; readonly add: (microjoules: number) => void } {
  const powercapRoot = mkdtempSync(join(tmpdir(), 'quantlab-energy-'));
  const zone = join(powercapRoot, 'intel-rapl:0');
  mkdirSync(zone);
  writeFileSync(join(zone, 'name'), 'package-0\n');
  writeFileSync(join(zone, 'max_energy_range_uj'), '100000000\n');
  writeFileSync(join(zone, 'energy_uj'), '99000000\n');
  const add = (microjoules: number): void => {
    const now = Number(readFileSync(join(zone, 'energy_uj'), 'utf8')) + microjoules;
    writeFileSync(join(zone, 'energy_uj'), `${now % 100_000_000}\n`);
  };
  return { powercapRoot, add };
}

describe('measureEnergy', () => {
  it('divides what the counter says among the utterances, turn by turn, over its end', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const { powercapRoot, add } = simulatedPackage();
    const result = await measureEnergy([model, model], {
      utterances,
      trials: 70,
      threads: 1,
      idleS: 0,
      workerPath,
      ladder: { powercapRoot },
      // Each trial takes 0.7 J: the counter begins anew after the second.
      onProgress: () => add(700_000),
    });
    expect(result.source.method).toBe('rapl');
    expect(result.idleW).toBeNull();
    expect(result.models).toHaveLength(2);
    for (const one of result.models) {
      expect(one.trials).toBe(70);
      expect(one.joulesPerUtterance.value).toBeCloseTo(0.7, 9);
      expect(one.joulesPerAudioS.value).toBeCloseTo(0.35, 9);
      expect(one.joulesPerUtterance.low).toBeCloseTo(0.7, 9);
      expect(one.netJoulesPerUtterance).toBeNull();
      expect(one.meanW).toBeGreaterThan(0);
    }
  });

  it('subtracts what the machine takes at rest, where it is measured', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const { powercapRoot, add } = simulatedPackage();
    const options = { utterances, trials: 4, threads: 1, workerPath, ladder: { powercapRoot } };
    const result = await measureEnergy([model], { ...options, idleS: 0.01, onProgress: () => add(700_000) });
    // Nothing ran the counter while the machine was at rest.
    expect(result.idleW).toBe(0);
    expect(result.models[0]?.netJoulesPerUtterance?.value).toBeCloseTo(0.7, 9);
  });

  it('estimates where nothing can be measured, and says so', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const ladder = { powercapRoot: '/nowhere', cpu: 'unheard of', platform: 'linux' };
    const result = await measureEnergy([model], { utterances, trials: 3, threads: 1, workerPath, ladder });
    expect(result).toMatchObject({ source: { method: 'constant', estimated: true }, idleW: null });
    expect(result.models[0]?.meanW).toBeCloseTo(42.5, 6);
    expect(result.skipped).toHaveLength(3);
  });

  it('does not call a counter that stands still a measurement of nothing', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const { powercapRoot } = simulatedPackage();
    const options = { utterances, trials: 2, threads: 1, idleS: 0, workerPath, ladder: { powercapRoot } };
    await expect(measureEnergy([model], options)).rejects.toThrow(/got one that stands still \(rapl: package-0/);
  });

  it('refuses to measure nothing', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    await expect(measureEnergy([], { utterances })).rejects.toThrow(InputError);
    await expect(measureEnergy([model], { utterances: [] })).rejects.toThrow(InputError);
    await expect(measureEnergy([model], { utterances, trials: 0 })).rejects.toThrow(InputError);
  });
});
