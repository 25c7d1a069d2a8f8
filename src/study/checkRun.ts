import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { describeOtherTiming } from '../measure/latency/timingVersion.js';
import { isModelHere } from '../recognise/registry/registry.js';
import { compareVariant } from './checkVariant.js';
import { readFinishedRun } from './finishedRun.js';
import { hearAgain } from './hearAgain.js';
import { outcomeOf } from './outcomeOf.js';
import { readRun } from './runFolder.js';
import type { Condition } from './schema.js';
import { quantize } from './variants.js';

/** What of a run is checked. */
export interface CheckRunOptions {
  /** Conditions whose models are made again. Default: all that were measured. */
  readonly conditions?: (condition: Condition) => boolean;
  /** Also hear the speech again with each of these models, on the processor, and compare the texts. */
  readonly hear?: boolean;
  readonly signal?: AbortSignal;
  /** Called before each model is made, and before it transcribes. */
  readonly onProgress?: (done: number, total: number, what: string) => void;
}

/** What a check of a run has found. */
export interface RunCheck {
  /** What is wrong, a sentence each, with the file and the remedy; empty when all is as it should be. */
  readonly faults: readonly string[];
  /** Differences that are allowed, a sentence each: what depends on float arithmetic comes out differently on another processor. */
  readonly notes: readonly string[];
  /** How many models were made again, and how many were the same. */
  readonly models: { readonly made: number; readonly same: number };
  /** How many utterances were transcribed again, and how many of the texts were the same. */
  readonly texts: { readonly heard: number; readonly same: number };
}

/**
 * Checks a finished run by its results, not by the code that made them: the files are as they were written, the summary follows
 * from the observations, the models made again from the same sources are the same files, and times are taken as today. What
 * depends on float arithmetic is not held against the run: new transcripts, and models that were calibrated.
 *
 * @param folder - of the run
 * @throws {InputError} when there is no run, or a line of it is damaged
 */
export async function checkRun(folder: string, options: CheckRunOptions = {}): Promise<RunCheck> {
  const { conditions: isWanted = () => true, hear = false, signal, onProgress } = options;
  const { record, observations } = await readRun(folder);
  const faults: string[] = [];
  const notes: string[] = [];
  const collect = async (check: () => Promise<void>): Promise<void> => {
    await check().catch((error: unknown) => {
      if (!(error instanceof InputError)) throw error;
      faults.push(error.message);
    });
  };
  await collect(async () => void (await readFinishedRun(folder)));
  const otherTiming = describeOtherTiming(folder, record, 'npm run quantlab -- experiment, or laboratory');
  if (otherTiming !== null) faults.push(otherTiming);

  const conditions = record.conditions.filter(
    (one) => outcomeOf(record, one.id)?.status === 'measured' && isWanted(one),
  );
  const variantFolder = await mkdtemp(join(tmpdir(), 'quantlab-check-'));
  const models = { made: 0, same: 0 };
  const texts = { heard: 0, same: 0 };
  const step = (done: number, what: string): void => {
    signal?.throwIfAborted();
    onProgress?.(done, conditions.length, what);
  };
  try {
    for (const [place, condition] of conditions.entries()) {
      step(place, `${condition.title}: making the model`);
      await collect(async () => {
        if (!(await isModelHere(condition.model))) {
          notes.push(
            `${folder}: ${condition.model} was required to make the model of ${condition.id} again, got none; get or import it`,
          );
          return;
        }
        const variant = await quantize(condition.model, condition.recipe, variantFolder);
        const other = compareVariant(folder, record, condition, variant);
        models.made++;
        if (other === null) models.same++;
        else (other.isExcused ? notes : faults).push(other.sentence);
        if (!hear || condition.device !== 'cpu' || record.protocol.accuracy === false) return;
        step(place, `${condition.title}: hearing`);
        const { heard, others } = await hearAgain(record, condition, variant, observations, signal);
        texts.heard += heard;
        texts.same += heard - others.length;
        if (others.length === 0) return;
        const named = `${others.slice(0, 5).join(', ')}${others.length > 5 ? ' …' : ''}`;
        notes.push(
          `${folder}: ${condition.id} transcribes ${others.length} of ${heard} utterances differently: ${named}`,
        );
      });
      await rm(variantFolder, { recursive: true, force: true });
    }
  } finally {
    await rm(variantFolder, { recursive: true, force: true });
  }
  return { faults, notes, models, texts };
}
