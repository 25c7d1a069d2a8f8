import type { Phase, Shard } from '../measure/schedule.js';
import type { SessionControl } from '../process/session.js';
import type { TurnMethod } from '../process/turns.js';
import type { LeftOut } from '../speech/corpora/recordings.js';
import type { Topic } from './laboratory.js';
import type { OpenRunOptions } from './runFolder.js';
import type { Environment } from './schema.js';

/** How far a run is. */
export interface RunProgress {
  /** Id of the condition; of a topic, of the model. */
  readonly condition: string;
  readonly phase: 'prepare' | Phase | 'memory' | 'energy' | 'streams' | Topic;
  /** Trials of this condition and phase that are done, of all of them; of `prepare`, `memory`, `energy` and `streams` 0 or 1 of 1. */
  readonly done: number;
  readonly total: number;
  /** Trials of the whole run that are done, of all that are still possible. */
  readonly overallDone: number;
  readonly overallTotal: number;
}

/** Where a run is written, and what of the world it may use. Its signal stops it in order: what is finished stays, and it can be resumed. */
export interface RunOptions extends OpenRunOptions, SessionControl {
  /** Folder of the run. */
  readonly out: string;
  /** Called for each recording that cannot be read; the others are measured. */
  readonly onLeftOut?: (leftOut: LeftOut) => void;
  /** Called where the manifest gives a length that the sound does not have; the sound's own counts. */
  readonly onMismatch?: (message: string) => void;
  /** Called at the beginning of each step and after each block of trials. */
  readonly onProgress?: (progress: RunProgress) => void;
  /** The part of the trials that is run here; `mergeRuns` puts the parts together. Default: all. */
  readonly shard?: Shard | undefined;
  /** Longest time for loading a model and warming it up, in milliseconds: a condition that takes longer has failed. Default: 10 minutes. */
  readonly loadLimitMs?: number;
  /** Longest time for one trial, in milliseconds, likewise. Default: 10 minutes, on a GPU one. */
  readonly trialLimitMs?: number;
  /** How conditions leave each other alone. Default: stopped, where the system can. */
  readonly turns?: TurnMethod;
  /** Called with what a reader should know, before the first trial; all of it is in the summary, too. */
  readonly onWarning?: (warning: string) => void;
  /** Folder for the variants of the models. Default: in the cache. */
  readonly variantFolder?: string;
  /** Time of day. */
  readonly now?: () => Date;
  /** The machine. */
  readonly environment?: () => Promise<Environment>;
}
