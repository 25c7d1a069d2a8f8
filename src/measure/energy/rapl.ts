import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnavailableError } from '../../errors.js';
import type { EnergyMeter, EnergySource } from './energyMeter.js';

/** Where Linux shows the counters. */
export const POWERCAP_ROOT = '/sys/class/powercap';

/** A counter of one part of the machine, in microjoules, that begins at 0 again after `rangeUj`. */
interface Domain {
  readonly title: string;
  readonly energyPath: string;
  readonly rangeUj: number;
}

/** Reads a text file. */
type ReadText = (path: string) => string;

/** A zone's folder: `intel-rapl:0`, `intel-rapl:0:1`, `intel-rapl-mmio:0`; AMD's processors bear Intel's name here. */
const ZONE = /^([a-z]+-rapl(?:-[a-z]+)?):(\d+)(?::(\d+))?$/;

/**
 * Opens the energy counters of Intel's and AMD's processors (RAPL): every package, and every memory that has a counter. Parts
 * of a package (`core`, `uncore`) and of the whole platform (`psys`) are left out: their energy would count twice.
 *
 * Source: the Linux kernel's "Power Capping Framework" (`energy_uj`, `max_energy_range_uj`).
 *
 * @param root - folder of the zones
 * @param readText - reads a file
 * @throws {UnavailableError} when there are no counters, or they may not be read; most systems let root alone read them
 */
export function openRapl(
  root: string = POWERCAP_ROOT,
  readText: ReadText = (path) => readFileSync(path, 'utf8'),
): EnergyMeter {
  const domains = findDomains(root, readText);
  let last: readonly number[] = [];
  const source: EnergySource = {
    method: 'rapl',
    estimated: false,
    scope: `${domains.map(({ title }) => title).join(', ')}; all that runs on the machine is in it`,
    citation: null,
  };
  const readAll = (): readonly number[] => domains.map((domain) => readNumber(domain.energyPath, readText));
  // What may not be read shows now, not in the middle of a measurement.
  readAll();
  return {
    source,
    start: async () => {
      last = readAll();
    },
    read: async () => {
      const now = readAll();
      const microjoules = domains.map(({ rangeUj }, index) => {
        const used = (now[index] ?? 0) - (last[index] ?? 0);
        return used < 0 ? used + rangeUj : used;
      });
      last = now;
      return microjoules.reduce((total, used) => total + used, 0) / 1e6;
    },
    stop: async () => undefined,
  };
}

function findDomains(root: string, readText: ReadText): readonly Domain[] {
  let names: string[];
  try {
    names = readdirSync(root).filter((name) => ZONE.test(name));
  } catch (error) {
    throw new UnavailableError(`RAPL: ${root} was required, got none; this system shows no energy counters`, {
      cause: error,
    });
  }
  const titles = new Map(names.map((name) => [name, readText(join(root, name, 'name')).trim()]));
  const found = new Map<string, Domain>();
  // The processor's own registers before the same counters by way of memory (`intel-rapl-mmio`).
  for (const name of names.sort((a, b) => prefixOf(a).length - prefixOf(b).length || (a < b ? -1 : 1))) {
    const [, prefix = '', zone = '', part] = ZONE.exec(name) ?? [];
    const own = titles.get(name) ?? '';
    const parent = titles.get(`${prefix}:${zone}`) ?? '';
    const isPackage = part === undefined && own.startsWith('package');
    const isMemory = own === 'dram' && parent.startsWith('package');
    if (!(isPackage || isMemory)) continue;
    const title = isMemory ? `memory of ${parent}` : own;
    if (found.has(title)) continue;
    const folder = join(root, name);
    const rangeUj = readNumber(join(folder, 'max_energy_range_uj'), readText);
    found.set(title, { title, energyPath: join(folder, 'energy_uj'), rangeUj });
  }
  if (found.size > 0) return [...found.values()];
  throw new UnavailableError(`RAPL: a package below ${root} was required, got none; this processor shows no counters`);
}

function prefixOf(name: string): string {
  return ZONE.exec(name)?.[1] ?? '';
}

function readNumber(path: string, readText: ReadText): number {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    const remedy = code === 'EACCES' || code === 'EPERM' ? 'run as root, or let all read energy_uj' : 'look at it';
    throw new UnavailableError(`RAPL: ${path} was required to be readable, got ${code}; ${remedy}`, { cause: error });
  }
  const value = Number(text.trim());
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new UnavailableError(`RAPL: a number in ${path} was required, got ${JSON.stringify(text.slice(0, 40))}`);
}
