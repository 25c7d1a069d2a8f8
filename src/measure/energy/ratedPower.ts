import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { UnavailableError } from '../../errors.js';
import { readJson } from '../../files.js';
import type { EnergyMeter } from './energyMeter.js';

/** Rated power of a processor, and where it was found. */
export interface RatedPower {
  /** As it calls itself, without marks and frequencies: `AMD EPYC 7763`. */
  readonly cpu: string;
  /** Thermal design power of the whole package, in watts. */
  readonly ratedW: number;
  /** Threads that the whole package runs at once. */
  readonly logicalProcessors: number;
  readonly page: string;
  /** When the page was looked at, ISO 8601. */
  readonly found: string;
}

/** What is assumed of a processor that is in no table. */
export interface AssumedPower {
  readonly watts: number;
  readonly reason: string;
  readonly page: string;
  readonly found: string;
}

/** `data/prices/cpu-power.json`. */
export interface PowerTable {
  readonly processors: readonly RatedPower[];
  /** Where nothing is known. */
  readonly otherwise: AssumedPower;
}

const found = { page: z.url(), found: z.iso.date() };

const tableSchema: z.ZodType<PowerTable> = z.strictObject({
  processors: z.array(
    z.strictObject({
      cpu: z.string().min(1),
      ratedW: z.number().positive(),
      logicalProcessors: z.int().positive(),
      ...found,
    }),
  ),
  otherwise: z.strictObject({ watts: z.number().positive(), reason: z.string().min(1), ...found }),
});

/**
 * Reads a table of rated powers.
 *
 * @param path - Default: the package's own, `data/prices/cpu-power.json`
 * @throws {InputError} when it is missing or no such table
 */
export async function readPowerTable(
  path: string = fileURLToPath(new URL('../../../data/prices/cpu-power.json', import.meta.url)),
): Promise<PowerTable> {
  return await readJson(path, tableSchema);
}

/**
 * Finds a processor in a table: the entry with the most words that all stand in the name, one behind the other.
 *
 * @param cpu - as the processor calls itself
 * @example findRatedPower(table, 'AMD EPYC 7763 64-Core Processor')?.ratedW // 280
 */
export function findRatedPower(table: readonly RatedPower[], cpu: string): RatedPower | undefined {
  const words = wordsOf(cpu);
  const fitting = table.filter((row) => contains(words, wordsOf(row.cpu)));
  return fitting.sort((a, b) => wordsOf(b.cpu).length - wordsOf(a.cpu).length)[0];
}

function wordsOf(name: string): readonly string[] {
  return name
    .replace(/\((?:R|TM)\)|[®™]/gi, ' ')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '' && word !== 'cpu');
}

function contains(words: readonly string[], part: readonly string[]): boolean {
  return words.some((_, start) => part.every((word, index) => words[start + index] === word));
}

/**
 * Estimates energy as rated power times load: the process's share of the processor's threads.
 *
 * @throws {UnavailableError} when the processor is in no row
 */
export function ratedPowerMeter(table: readonly RatedPower[], cpu: string): EnergyMeter {
  const row = findRatedPower(table, cpu);
  if (row === undefined) {
    throw new UnavailableError(
      `rated power: a processor of the table was required, got ${cpu}; add a row with its page`,
    );
  }
  const { ratedW, logicalProcessors, page, found: date } = row;
  return {
    source: {
      method: 'rated-power',
      estimated: true,
      scope: `${ratedW} W of a whole ${row.cpu} times the process's share of its ${logicalProcessors} threads; no memory, no idle power`,
      citation: `${page} (${date})`,
    },
    start: async () => undefined,
    read: async ({ cpuS }) => (ratedW * cpuS) / logicalProcessors,
    stop: async () => undefined,
  };
}

/** Estimates energy as a constant power: it follows time alone, whatever runs. */
export function constantMeter({ watts, reason, page, found: date }: AssumedPower): EnergyMeter {
  return {
    source: {
      method: 'constant',
      estimated: true,
      scope: `${watts} W while it runs, whatever the processor: ${reason}`,
      citation: `${page} (${date})`,
    },
    start: async () => undefined,
    read: async ({ wallS }) => watts * wallS,
    stop: async () => undefined,
  };
}
