import { describe, expect, it } from 'vitest';
import { UnavailableError } from '../../../src/errors.js';
import type { Busyness } from '../../../src/measure/machine/busyness.js';
import { untilQuiet } from '../../../src/measure/machine/untilQuiet.js';

const look = (warning: string | null): Busyness => ({
  lastMinute: 0,
  cpuPressure: null,
  memoryPressure: null,
  ioPressure: null,
  warning,
});

/** Looks in their order, the last for ever; how long was waited, and what was told. */
function machine(...warnings: readonly (string | null)[]) {
  const told: string[] = [];
  const state = { looks: 0, waitedMs: 0, told };
  return {
    state,
    read: () => look(warnings[Math.min(state.looks++, warnings.length - 1)] ?? null),
    sleep: async (ms: number) => {
      state.waitedMs += ms;
    },
    onBusy: (reason: string) => void told.push(reason),
  };
}

describe('untilQuiet', () => {
  it('takes one quiet moment for none: three looks in a row must find the machine so', async () => {
    const busy = machine('busy', null, null, 'again', null);
    await untilQuiet(1, busy);
    expect(busy.state).toEqual({ looks: 7, waitedMs: 30_000, told: ['busy'] });
  });

  it('says nothing and hardly waits where it is quiet', async () => {
    const quiet = machine(null);
    await untilQuiet(0, quiet);
    expect(quiet.state).toEqual({ looks: 3, waitedMs: 10_000, told: [] });
  });

  it('ends with what keeps the machine busy when the time is over', async () => {
    const busy = machine('The load was 3.');
    await expect(untilQuiet(0.5, busy)).rejects.toThrow(UnavailableError);
    await expect(untilQuiet(0.5, machine('The load was 3.'))).rejects.toThrow(
      'machine: quiet within 0.5 minutes was required, got: The load was 3. End what else runs',
    );
    expect(busy.state.waitedMs).toBe(35_000);
  });

  it('can be stopped', async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(untilQuiet(1, { read: () => look('busy'), signal: stop.signal })).rejects.toThrow(/abort/i);
  });
});
