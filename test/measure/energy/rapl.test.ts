// Layout of the zones: Linux kernel, "Power Capping Framework"; counters in microjoules that begin anew at max_energy_range_uj.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UnavailableError } from '../../../src/errors.js';
import { openRapl } from '../../../src/measure/energy/rapl.js';

/** Names and counters of zones: `[name, energy_uj, max_energy_range_uj]`. */
type Zones = Readonly<Record<string, readonly [string, number, number]>>;

const RANGE = 262_143_328_850;

const TWO_SOCKETS: Zones = {
  'intel-rapl:0': ['package-0', 1_000_000, RANGE],
  'intel-rapl:0:0': ['core', 7_000_000, RANGE],
  'intel-rapl:0:1': ['dram', 500_000, 65_712_999_613],
  'intel-rapl:1': ['package-1', RANGE - 400_000, RANGE],
  'intel-rapl:1:0': ['dram', 0, 65_712_999_613],
  'intel-rapl:2': ['psys', 9_000_000, RANGE],
  'intel-rapl-mmio:0': ['package-0', 3_000_000, RANGE],
};

function powercap(zones: Zones): string {
  const root = mkdtempSync(join(tmpdir(), 'quantlab-powercap-'));
  mkdirSync(join(root, 'intel-rapl'));
  for (const [zone, [name, energy, range]] of Object.entries(zones)) {
    mkdirSync(join(root, zone));
    writeFileSync(join(root, zone, 'name'), `${name}\n`);
    writeFileSync(join(root, zone, 'max_energy_range_uj'), `${range}\n`);
    setEnergy(root, zone, energy);
  }
  return root;
}

function setEnergy(root: string, zone: string, microjoules: number): void {
  writeFileSync(join(root, zone, 'energy_uj'), `${microjoules}\n`);
}

const NOTHING = { wallS: 0, cpuS: 0 };

describe('openRapl', () => {
  it('adds packages and memories, each once, and leaves out what is in them already', async () => {
    const root = powercap(TWO_SOCKETS);
    const meter = openRapl(root);
    expect(meter.source).toMatchObject({
      method: 'rapl',
      estimated: false,
      citation: null,
      scope: expect.stringMatching(/^package-0, memory of package-0, package-1, memory of package-1;/),
    });
    await meter.start();
    setEnergy(root, 'intel-rapl:0', 1_000_000 + 2_000_000);
    setEnergy(root, 'intel-rapl:0:0', 99_000_000);
    setEnergy(root, 'intel-rapl:0:1', 500_000 + 250_000);
    setEnergy(root, 'intel-rapl:2', 99_000_000);
    setEnergy(root, 'intel-rapl-mmio:0', 99_000_000);
    expect(await meter.read(NOTHING)).toBeCloseTo(2.25, 9);
    expect(await meter.read(NOTHING)).toBe(0);
  });

  it('goes on counting when a counter begins anew', async () => {
    const root = powercap(TWO_SOCKETS);
    const meter = openRapl(root);
    await meter.start();
    setEnergy(root, 'intel-rapl:1', 600_000);
    expect(await meter.read(NOTHING)).toBeCloseTo(1, 9);
    setEnergy(root, 'intel-rapl:1', 700_000);
    expect(await meter.read(NOTHING)).toBeCloseTo(0.1, 9);
  });

  it('says that the counters may not be read', () => {
    const root = powercap(TWO_SOCKETS);
    const denied = (path: string): string => {
      if (path.endsWith('energy_uj') && !path.endsWith('max_energy_range_uj')) {
        throw Object.assign(new Error('permission denied'), { code: 'EACCES' });
      }
      return readFileSync(path, 'utf8');
    };
    expect(() => openRapl(root, denied)).toThrow(UnavailableError);
    expect(() => openRapl(root, denied)).toThrow(/energy_uj was required to be readable, got EACCES; run as root/);
  });

  it('says that there are none', () => {
    expect(() => openRapl(join(tmpdir(), 'quantlab-no-such-folder'))).toThrow(/this system shows no energy counters/);
    expect(() => openRapl(powercap({ 'intel-rapl:0': ['psys', 1, RANGE] }))).toThrow(/a package below/);
  });

  it('does not take a broken counter for a number', () => {
    const root = powercap({ 'intel-rapl:0': ['package-0', 1, RANGE] });
    writeFileSync(join(root, 'intel-rapl:0', 'energy_uj'), '\n');
    expect(() => openRapl(root)).toThrow(/a number in .*energy_uj was required/);
  });
});
