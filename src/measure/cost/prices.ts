import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readJson } from '../../files.js';

/** What a machine costs, and where that was found. */
export interface InstancePrice {
  readonly provider: string;
  readonly instance: string;
  readonly region: string;
  /** What transcribes: its processors, or one GPU. */
  readonly kind: 'cpu' | 'gpu';
  /** Which processor or GPU, as far as the page says. */
  readonly hardware: string;
  /** Of its processors, as Node names them. */
  readonly architecture: 'x64' | 'arm64';
  /** Virtual processors. */
  readonly logicalProcessors: number;
  /** On demand, US dollars. */
  readonly usdPerHour: number;
  readonly page: string;
  /** When the page was looked at, ISO 8601. */
  readonly found: string;
  /** The page's own date, where it has one. */
  readonly dated?: string | undefined;
}

const tableSchema: z.ZodType<{ readonly instances: readonly InstancePrice[] }> = z.strictObject({
  instances: z.array(
    z.strictObject({
      provider: z.string().min(1),
      instance: z.string().min(1),
      region: z.string().min(1),
      kind: z.enum(['cpu', 'gpu']),
      hardware: z.string().min(1),
      architecture: z.enum(['x64', 'arm64']),
      logicalProcessors: z.int().positive(),
      usdPerHour: z.number().positive(),
      page: z.url(),
      found: z.iso.date(),
      dated: z.iso.date().optional(),
    }),
  ),
});

/**
 * Reads a table of prices.
 *
 * @param path - Default: the package's own, `data/prices/instances.json`
 * @throws {InputError} when it is missing or no such table
 */
export async function readPrices(
  path: string = fileURLToPath(new URL('../../../data/prices/instances.json', import.meta.url)),
): Promise<readonly InstancePrice[]> {
  return (await readJson(path, tableSchema)).instances;
}
