// Files as Linux 6 shows them.
import { describe, expect, it } from 'vitest';
import { readBusyness } from '../../../src/measure/machine/busyness.js';
import { readFrequencyScaling } from '../../../src/measure/machine/frequency.js';
import { systemTree } from '../systemTree.js';

const pressure = (share: string): string =>
  `some avg10=${share} avg60=1.00 avg300=1.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0`;

describe('readBusyness', () => {
  it('says nothing of an idle machine', async () => {
    const root = await systemTree({ 'proc/pressure/cpu': pressure('2.50'), 'proc/pressure/io': pressure('0.00') });
    expect(readBusyness(4, root, [1.2, 3, 4])).toEqual({
      lastMinute: 1.2,
      cpuPressure: 0.025,
      memoryPressure: null,
      ioPressure: 0,
      warning: null,
    });
  });

  it('warns of load and of pressure, each for itself', async () => {
    const quiet = await systemTree({});
    expect(readBusyness(2, quiet, [2.25, 1, 1]).warning).toBe(
      'The machine was busy before the run: the load of the last minute was 2.25 on 2 processors.',
    );
    const root = await systemTree({
      'proc/pressure/cpu': pressure('35.20'),
      'proc/pressure/memory': pressure('11.00'),
    });
    expect(readBusyness(64, root, [1, 1, 1]).warning).toBe(
      'The machine was busy before the run: threads waited for a processor in 35 % of the last 10 s; threads waited for memory in 11 % of the last 10 s.',
    );
  });
});

describe('readFrequencyScaling', () => {
  it('reads governors, driver, bounds and boost', async () => {
    const cpu = 'sys/devices/system/cpu';
    const root = await systemTree({
      [`${cpu}/cpu0/cpufreq/scaling_governor`]: 'performance',
      [`${cpu}/cpu1/cpufreq/scaling_governor`]: 'powersave',
      [`${cpu}/cpu0/cpufreq/scaling_driver`]: 'amd-pstate-epp',
      [`${cpu}/cpu0/cpufreq/scaling_min_freq`]: '400000',
      [`${cpu}/cpu0/cpufreq/scaling_max_freq`]: '4650000',
      [`${cpu}/cpufreq/boost`]: '1',
    });
    expect(readFrequencyScaling(root)).toEqual({
      governors: ['performance', 'powersave'],
      driver: 'amd-pstate-epp',
      minimumHz: 400_000_000,
      maximumHz: 4_650_000_000,
      boost: true,
    });
  });

  it('reads Intel’s way of saying no turbo', async () => {
    const cpu = 'sys/devices/system/cpu';
    const root = await systemTree({
      [`${cpu}/cpu0/cpufreq/scaling_governor`]: 'powersave',
      [`${cpu}/intel_pstate/no_turbo`]: '1',
    });
    expect(readFrequencyScaling(root)).toMatchObject({ driver: null, maximumHz: null, boost: false });
  });

  it('makes nothing up where nothing is told', async () => {
    expect(readFrequencyScaling(await systemTree({}))).toBeNull();
    expect(readFrequencyScaling(await systemTree({ 'sys/devices/system/cpu/cpu0/online': '1' }))).toBeNull();
  });
});
