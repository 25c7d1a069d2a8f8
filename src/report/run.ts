import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readObservations } from '../experiment/observations.js';
import { RUN_FILES } from '../experiment/runFolder.js';
import type { Observation, Summary } from '../experiment/schema.js';
import { RESULTS_SCHEMA } from '../experiment/schema.js';
import { readJson, sha256OfBytes } from '../files.js';

/** What the report needs of a run. */
export interface FinishedRun {
  readonly summary: Summary;
  /** SHA-256 of `summary.json`, so that what is made from it can name it. */
  readonly summarySha256: string;
  readonly observations: readonly Observation[];
}

/** Enough to refuse files of another kind; what is inside, our own writer has checked. */
const summarySchema = z.looseObject({
  schema: z.literal(RESULTS_SCHEMA),
  run: z.looseObject({ protocol: z.looseObject({}), environment: z.looseObject({}) }),
  conditions: z.array(z.looseObject({ condition: z.looseObject({ id: z.string() }), outcome: z.looseObject({}) })),
}) as unknown as z.ZodType<Summary>;

/**
 * Reads the summary and the observations of a run.
 *
 * @param folder - the run's folder
 * @throws {InputError} when a file is missing or not of the results' schema
 */
export async function readFinishedRun(folder: string): Promise<FinishedRun> {
  const path = join(folder, RUN_FILES.summary);
  const summary = await readJson(path, summarySchema);
  return {
    summary,
    summarySha256: sha256OfBytes(await readFile(path)),
    observations: readObservations(join(folder, RUN_FILES.observations)).observations,
  };
}
