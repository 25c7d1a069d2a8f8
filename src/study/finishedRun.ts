import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { readJson, sha256OfBytes } from '../files.js';
import { ownValue } from '../ownValue.js';
import { verifyFiles } from './checksums.js';
import { RUN_FILES, readRun } from './runFolder.js';
import { type Observation, RESULTS_SCHEMA, type Summary } from './schema.js';
import { summarize } from './summarize.js';
import { requireTrials } from './trials.js';

/** What readers need of a run. */
export interface FinishedRun {
  /** As it follows from the record and the observations. */
  readonly summary: Summary;
  /** SHA-256 of `summary.json`, so that what is made from it can name it. */
  readonly summarySha256: string;
  readonly observations: readonly Observation[];
}

const summarySchema = z.looseObject({ schema: z.literal(RESULTS_SCHEMA) });

/**
 * Reads a finished run, and believes nothing that can be derived: the files must be as the run wrote them, and the summary must
 * follow from the observations.
 *
 * @param folder - the run's folder
 * @throws {InputError} when a file is missing, changed, or not of the results' schema; the message names file and field
 */
export async function readFinishedRun(folder: string): Promise<FinishedRun> {
  const path = join(folder, RUN_FILES.summary);
  const { record, observations } = await readRun(folder);
  if (record.finishedAt === null) {
    throw new InputError(`${folder}: a finished run was required, got one that was stopped; continue it with --resume`);
  }
  await verifyFiles(folder, [RUN_FILES.record, RUN_FILES.observations]);
  requireTrials({ folder, record, observations });
  const held = await readJson(path, summarySchema);
  const summary = summarize(record, observations);
  const other = firstDifference(JSON.parse(JSON.stringify(summary)), held);
  if (other !== null) {
    throw new InputError(
      `${path}: field ${other.field} was required to be ${other.wanted}, as follows from ${RUN_FILES.observations}, got ${other.got}; restore the files of the run, or measure again`,
    );
  }
  await verifyFiles(folder, [RUN_FILES.summary]);
  return { summary, summarySha256: sha256OfBytes(await readFile(path)), observations };
}

interface Difference {
  readonly field: string;
  readonly wanted: string;
  readonly got: string;
}

/** Share by which numbers may differ that another version of the JavaScript engine computed. */
const ROUNDING = 1e-9;

/** The first place where a JSON value says something else than another. */
function firstDifference(wanted: unknown, got: unknown, field = ''): Difference | null {
  if (isRecord(wanted) && isRecord(got) && Array.isArray(wanted) === Array.isArray(got)) {
    if (Array.isArray(wanted) && wanted.length !== got['length'])
      return different(`${field}.length`, wanted.length, got['length']);
    for (const key of Object.keys({ ...wanted, ...got })) {
      const [one, other] = [ownValue(wanted, key), ownValue(got, key)];
      const found = firstDifference(one, other, field === '' ? key : `${field}.${key}`);
      if (found !== null) return found;
    }
    return null;
  }
  const isSame =
    typeof wanted === 'number' && typeof got === 'number'
      ? Math.abs(wanted - got) <= ROUNDING * Math.abs(wanted)
      : wanted === got;
  return isSame ? null : different(field, wanted, got);
}

function different(field: string, wanted: unknown, got: unknown): Difference {
  return { field: field || 'the whole', wanted: show(wanted), got: show(got) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function show(value: unknown): string {
  const text = value === undefined ? 'left out' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
