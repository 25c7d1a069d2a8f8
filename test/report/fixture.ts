import { fileURLToPath } from 'node:url';
import { type FinishedRun, readFinishedRun } from '../../src/report/run.js';

/** A run with invented numbers; see test/fixtures/report/README.md. */
export const RUN_FOLDER: string = fileURLToPath(new URL('../fixtures/report/run', import.meta.url));

/** A laboratory with invented numbers, likewise. */
export const LABORATORY_FOLDER: string = fileURLToPath(new URL('../fixtures/report/laboratory', import.meta.url));

export function readInventedRun(): Promise<FinishedRun> {
  return readFinishedRun(RUN_FOLDER);
}
