import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { TOPICS } from '../experiment/laboratory.js';
import { LABORATORY_CODE, RUN_CODE } from '../experiment/resultCode.js';
import { readJson } from '../files.js';
import { codeDigest } from '../measure/codeDigest.js';
import { packageRoot } from '../measure/machine/environment.js';
import { type Laboratory, resultPath } from './laboratory.js';
import type { FinishedRun } from './run.js';

/** Two states of the code that give the same numbers, as somebody found who looked at the difference. */
export interface SameCode {
  /** Digest that results have, and the one of the code that would give the same; the first twelve digits do. */
  readonly was: string;
  readonly is: string;
  readonly why: string;
}

const sameCodeSchema: z.ZodType<readonly SameCode[]> = z.array(
  z.strictObject({ was: z.string(), is: z.string(), why: z.string().min(1) }),
);

/** Where {@link SameCode} is written down. */
export function sameCodePath(): string {
  return join(packageRoot(), 'data', 'results', 'same-code.json');
}

/** Digests of today's code; `null` where there is no build. */
export interface CodeDigests {
  readonly run: string | null;
  readonly laboratory: string | null;
}

/** Digests of the code that makes results, as it is now. */
export function currentDigests(): CodeDigests {
  return { run: codeDigest(RUN_CODE), laboratory: codeDigest(LABORATORY_CODE) };
}

/**
 * Finds results that are older than the code that makes them: made by code with another digest, which nobody has called the same.
 *
 * @param run - and where it lies
 * @param laboratory - and where it lies
 * @param now - digests of today's code
 * @param same - states of the code that are known to give the same numbers. Default: `data/results/same-code.json`
 * @returns a sentence for each, with the command that mends it; empty where all is up to date, or nothing can be told
 * @throws {InputError} when `same-code.json` is not such a list
 */
export async function staleResults(
  run: FinishedRun & { readonly folder: string },
  laboratory: Laboratory & { readonly folder: string },
  now: CodeDigests = currentDigests(),
  same?: readonly SameCode[],
): Promise<readonly string[]> {
  const path = sameCodePath();
  const known = same ?? (existsSync(path) ? await readJson(path, sameCodeSchema) : []);
  const sentences: string[] = [];
  const check = (path: string, was: string | null | undefined, is: string | null, remedy: string): void => {
    if (is === null || isSame(was ?? null, is, known)) return;
    const how = was == null ? 'by code that left no digest' : `by other code (${short(was)}, now ${short(is)})`;
    const or = was == null ? '' : `; or, if no number can have changed, say so in data/results/same-code.json`;
    sentences.push(`${path}: made ${how}; measure again: ${remedy}${or}`);
  };
  check(run.folder, run.summary.run.code, now.run, 'npm start');
  for (const topic of TOPICS) {
    const held = laboratory[topic];
    if (held === undefined) continue;
    const remedy = `npm run quantlab -- laboratory --only ${topic}`;
    const path = resultPath(laboratory.folder, topic);
    if ('summary' in held) check(path, held.summary.run.code, now.run, remedy);
    else check(path, held.code, now.laboratory, remedy);
  }
  return sentences;
}

function isSame(was: string | null, is: string, known: readonly SameCode[]): boolean {
  if (was === null) return false;
  const reached = new Set([short(was)]);
  for (const state of reached) for (const step of known) if (short(step.was) === state) reached.add(short(step.is));
  return reached.has(short(is));
}

/** Enough of a digest to be told from others; messages and lists may hold this much. */
function short(digest: string): string {
  return digest.slice(0, 12);
}
