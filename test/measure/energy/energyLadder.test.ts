// Rungs and constants: CodeCarbon 3.3.1, "Methodology" and codecarbon/external/hardware.py. Lines of nvidia-smi as
// `--query-gpu=index,power.draw --format=csv,noheader,nounits` prints them; of powermetrics as macOS 12 and 13 do.
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UnavailableError } from '../../../src/errors.js';
import { chooseEnergyMeter } from '../../../src/measure/energy/energyLadder.js';
import {
  nvidiaPower,
  type PowerProgram,
  PowerSampler,
  parseNvidia,
  parsePowermetrics,
} from '../../../src/measure/energy/powerSampler.js';
import { findRatedPower, readPowerTable } from '../../../src/measure/energy/ratedPower.js';

const NO_COUNTERS = { powercapRoot: join(tmpdir(), 'quantlab-no-powercap') };

/** Puts a program of our own called nvidia-smi first on the path. */
function fakeNvidia(script: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'quantlab-nvidia-'));
  const path = join(folder, 'nvidia-smi');
  writeFileSync(path, `#!${process.execPath}\n${script}\n`);
  chmodSync(path, 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH'] ?? ''}`);
}

const PRINTS_FOR_EVER = 'const say = () => console.log("0, 100.00\\n1, 50.5"); say(); setInterval(say, 5);';

describe('chooseEnergyMeter', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('takes rated power times load where there is no counter, and says why', async () => {
    const options = { ...NO_COUNTERS, cpu: 'AMD EPYC 7763 64-Core Processor', platform: 'linux', isRoot: true };
    const { meter, skipped } = await chooseEnergyMeter(options);
    expect(meter.source).toMatchObject({
      method: 'rated-power',
      estimated: true,
      citation: expect.stringContaining('https://'),
    });
    expect(skipped.map(({ method }) => method)).toEqual(['rapl', 'powermetrics']);
    expect(skipped[0]?.reason).toContain('this system shows no energy counters');
    // 280 W and 128 threads: AMD's specification, as the table cites it.
    expect(await meter.read({ wallS: 10, cpuS: 4 })).toBeCloseTo((280 * 4) / 128, 9);
  });

  it('falls to a constant that is no measurement', async () => {
    const { meter, skipped } = await chooseEnergyMeter({ ...NO_COUNTERS, cpu: 'AMD EPYC', platform: 'linux' });
    expect(meter.source).toMatchObject({ method: 'constant', estimated: true });
    expect(skipped.map(({ method }) => method)).toEqual(['rapl', 'powermetrics', 'rated-power']);
    expect(await meter.read({ wallS: 2, cpuS: 100 })).toBe(2 * 42.5);
  });

  it('says that powermetrics needs root', async () => {
    const { skipped } = await chooseEnergyMeter({ ...NO_COUNTERS, platform: 'darwin', isRoot: false });
    expect(skipped[1]).toEqual({ method: 'powermetrics', reason: expect.stringContaining('run with sudo') });
  });

  it('measures GPUs, all of them, by nvidia-smi', async () => {
    fakeNvidia(PRINTS_FOR_EVER);
    const { meter } = await chooseEnergyMeter({ device: 'gpu' });
    expect(meter.source).toMatchObject({ method: 'nvidia-smi', estimated: false });
    // Wait for energy, not for a time: the program may be slow to print.
    let joules = 0;
    while (joules < 5) {
      await new Promise(setImmediate);
      joules += await meter.read({ wallS: 0, cpuS: 0 });
    }
    await meter.stop();
    expect(joules).toBeGreaterThanOrEqual(5);
  });

  it.each([
    [
      'there is no driver',
      'console.error("NVIDIA-SMI has failed"); process.exit(9);',
      /exit code 9 \(NVIDIA-SMI has failed\)/,
    ],
    ['the card does not measure', 'console.log("0, [N/A]"); process.exit(0);', /exit code 0 \(0, \[N\/A\]\)/],
  ])('does not guess the energy of a GPU where %s', async (_, script, message) => {
    fakeNvidia(script);
    await expect(chooseEnergyMeter({ device: 'gpu' })).rejects.toThrow(UnavailableError);
    await expect(chooseEnergyMeter({ device: 'gpu' })).rejects.toThrow(message);
  });

  it('says that nvidia-smi is missing', async () => {
    vi.stubEnv('PATH', mkdtempSync(join(tmpdir(), 'quantlab-empty-')));
    await expect(chooseEnergyMeter({ device: 'gpu' })).rejects.toThrow(/nvidia-smi: .* got no such program/);
  });
});

describe('PowerSampler', () => {
  it('lets each reading hold until the next', async () => {
    // A clock of our own: 0, then 1 s at the first reading of the program, and so on.
    let now = 0;
    const program: PowerProgram = {
      ...nvidiaPower(),
      command: process.execPath,
      args: ['-e', 'console.log("0, 20"); setInterval(() => undefined, 1000);'],
      clock: () => now,
    };
    const sampler = new PowerSampler(program);
    await sampler.start();
    now = 3000;
    expect(await sampler.read()).toBe(60);
    expect(await sampler.read()).toBe(0);
    now = 3500;
    expect(await sampler.read()).toBe(10);
    await sampler.stop();
  });

  it('adds several devices', async () => {
    let now = 0;
    const sampler = new PowerSampler({
      ...nvidiaPower(),
      command: process.execPath,
      args: ['-e', 'console.log("0, 100\\n1, 50.5"); setInterval(() => undefined, 1000);'],
      clock: () => now,
    });
    await sampler.start();
    // The second line may be read later than the first: seconds pass until both are.
    let joules = 0;
    while (joules !== 150.5) {
      await new Promise(setImmediate);
      now += 1000;
      joules = await sampler.read();
      expect([100, 150.5]).toContain(joules);
    }
    await sampler.stop();
  });

  it('does not wait for ever for a program that says nothing', async () => {
    const silent = {
      ...nvidiaPower(),
      command: process.execPath,
      args: ['-e', 'setInterval(() => undefined, 1000);'],
      startLimitMs: 50,
    };
    await expect(new PowerSampler(silent).start()).rejects.toThrow(/got none in 0\.05 s/);
  });

  it('says that the program has ended in the meantime', async () => {
    const short = { ...nvidiaPower(), command: process.execPath, args: ['-e', 'console.log("0, 20")'] };
    const sampler = new PowerSampler(short);
    await sampler.start();
    await expect(
      (async () => {
        for (;;) {
          await new Promise(setImmediate);
          await sampler.read();
        }
      })(),
    ).rejects.toThrow(/got exit code 0/);
    await sampler.stop();
  });
});

describe('lines of power', () => {
  it('are read as nvidia-smi prints them', () => {
    expect(parseNvidia('0, 27.41')).toEqual({ device: '0', watts: 27.41 });
    expect(parseNvidia('1, [Not Supported]')).toBeNull();
    expect(parseNvidia('')).toBeNull();
  });

  it('are read as powermetrics prints them', () => {
    expect(parsePowermetrics('CPU Power: 1234 mW')).toEqual({ device: 'cpu', watts: 1.234 });
    expect(parsePowermetrics('Intel energy model derived package power (CPUs+GT+SA): 5.21W')).toEqual({
      device: 'cpu',
      watts: 5.21,
    });
    expect(parsePowermetrics('GPU Power: 20 mW')).toBeNull();
  });
});

describe('the table of rated powers', () => {
  it('has a page and a date in every row, and no processor twice', async () => {
    const { processors } = await readPowerTable();
    expect(processors.length).toBeGreaterThan(50);
    expect(new Set(processors.map(({ cpu }) => cpu)).size).toBe(processors.length);
  });

  it.each([
    ['AMD EPYC 7763 64-Core Processor', 280],
    ['AMD EPYC 7773X 64-Core Processor', 280],
    ['AMD Ryzen 5 5600X 6-Core Processor', 65],
    ['AMD EPYC(TM) 9654 96-Core Processor', 360],
  ])('knows %s', async (cpu, watts) => {
    expect(findRatedPower((await readPowerTable()).processors, cpu)?.ratedW).toBe(watts);
  });

  it.each(['AMD EPYC', 'AMD EPYC 7763X', 'AMD Ryzen 5 5600', ''])('does not take %j for another', async (cpu) => {
    expect(findRatedPower((await readPowerTable()).processors, cpu)).toBeUndefined();
  });
});
