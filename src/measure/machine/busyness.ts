import { loadavg } from 'node:os';
import { join } from 'node:path';
import { readLine } from './frequency.js';

/** What else the machine had to do when a run began. */
export interface Busyness {
  /** Load average of the last minute: threads that ran or wanted to. */
  readonly lastMinute: number;
  /** Share of the last 10 s in which some thread waited for a processor, memory or a disk (PSI); `null` where not told. */
  readonly cpuPressure: number | null;
  readonly memoryPressure: number | null;
  readonly ioPressure: number | null;
  /** A sentence when the machine was busy, else `null`. */
  readonly warning: string | null;
}

/** Load for each processor above which a machine is called busy: half of it is in use. */
const BUSY_LOAD = 0.5;

/** Pressure above which it is. */
const BUSY_PRESSURE = 0.1;

/**
 * Reads how busy the machine is.
 *
 * @param processors - how many this process may use
 * @param root - root of the file system
 * @param load - load averages, as `os.loadavg` gives them (0 on Windows)
 */
export function readBusyness(processors: number, root = '/', load: readonly number[] = loadavg()): Busyness {
  const lastMinute = load[0] ?? 0;
  const [cpuPressure, memoryPressure, ioPressure] = (['cpu', 'memory', 'io'] as const).map((name) =>
    parsePressure(readLine(join(root, 'proc/pressure', name)) ?? ''),
  ) as [number | null, number | null, number | null];
  const reasons = [
    ...(lastMinute > BUSY_LOAD * processors
      ? [`the load of the last minute was ${lastMinute.toFixed(2)} on ${processors} processors`]
      : []),
    ...waits('a processor', cpuPressure),
    ...waits('memory', memoryPressure),
    ...waits('a disk', ioPressure),
  ];
  const warning = reasons.length === 0 ? null : `The machine was busy before the run: ${reasons.join('; ')}.`;
  return { lastMinute, cpuPressure, memoryPressure, ioPressure, warning };
}

/** `some avg10=2.36 avg60=…`: per cent of the last 10 seconds, as a fraction. */
function parsePressure(text: string): number | null {
  const share = /^some avg10=([\d.]+)/m.exec(text)?.[1];
  return share === undefined ? null : Number(share) / 100;
}

function waits(what: string, pressure: number | null): readonly string[] {
  if (pressure === null || pressure <= BUSY_PRESSURE) return [];
  return [`threads waited for ${what} in ${(100 * pressure).toFixed(0)} % of the last 10 s`];
}
