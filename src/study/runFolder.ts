import { existsSync } from 'node:fs';
import { readFile, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError } from '../errors.js';
import { makeFolder, readJson, removeFile, sha256OfBytes, sha256OfFile, writeFileAtomic } from '../files.js';
import { CHECKSUMS_FILE, checksumLine, verifyFiles } from './checksums.js';
import { acquireLock, type Lock } from './lock.js';
import { ObservationLog, readObservations } from './observations.js';
import { runRecordSchema } from './records.js';
import type { Observation, RunRecord, Summary } from './schema.js';

/** Names of the files of a run; when it has ended, checksums of the first three stand beside them. */
export const RUN_FILES = {
  record: 'run.json',
  observations: 'observations.jsonl',
  summary: 'summary.json',
  lock: 'run.lock',
} as const;

/**
 * Reads a run that has finished.
 *
 * @param out - folder of the run
 * @returns `null` when there is none, or when a newer one has been begun
 */
export async function readFinishedRecord(out: string): Promise<RunRecord | null> {
  const record = await readRecord(resolve(out));
  return isFinished(record) && !existsSync(join(`${resolve(out)}.partial`, RUN_FILES.record)) ? record : null;
}

/** What to do with what is already there. */
export interface OpenRunOptions {
  /** Continue the unfinished run. */
  readonly resume?: boolean;
  /** Discard the unfinished run and start over. */
  readonly restart?: boolean;
}

/**
 * The folder of a run while it is written. Where a finished run lies, the new one is written beside it, in `<folder>.partial`,
 * and takes its place when it has ended: earlier results stay as they are until there are better ones.
 */
export class RunFolder {
  /** What an interrupted run has left, or `null` for a new run. */
  readonly record: RunRecord | null;
  readonly observations: readonly Observation[];
  readonly #folder: string;
  readonly #target: string;
  readonly #lock: Lock;
  readonly #log: ObservationLog;

  private constructor(
    folder: string,
    target: string,
    lock: Lock,
    log: ObservationLog,
    record: RunRecord | null,
    observations: readonly Observation[],
  ) {
    this.#folder = folder;
    this.#target = target;
    this.#lock = lock;
    this.#log = log;
    this.record = record;
    this.observations = observations;
  }

  /**
   * Claims a folder for a run.
   *
   * @param out - the folder; made when it is not there
   * @throws {InputError} when the folder holds an unfinished run and neither option is given, when another process is
   *   writing to it, or when what it holds is not a run
   * @throws {UnavailableError} when the folder cannot be written
   */
  static async open(out: string, options: OpenRunOptions = {}): Promise<RunFolder> {
    const target = resolve(out);
    const partial = `${target}.partial`;
    const finished = isFinished(await readRecord(target));
    const folder = finished || existsSync(join(partial, RUN_FILES.record)) ? partial : target;
    await makeFolder(folder);
    const lock = acquireLock(join(folder, RUN_FILES.lock));
    try {
      return await RunFolder.#claim(folder, target, lock, options);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  static async #claim(folder: string, target: string, lock: Lock, options: OpenRunOptions): Promise<RunFolder> {
    const observationsPath = join(folder, RUN_FILES.observations);
    const recordPath = join(folder, RUN_FILES.record);
    const record = await readRecord(folder);
    if (record === null && existsSync(observationsPath) && !options.restart) {
      throw new InputError(
        `${folder}: a run or an empty folder was required, got ${RUN_FILES.observations} without ${RUN_FILES.record}; choose another folder`,
      );
    }
    if (record !== null && !options.resume && !options.restart) {
      throw new InputError(
        `${folder}: a folder without an unfinished run was required, got one begun at ${record.startedAt}; add --resume to continue it, or --restart to discard it`,
      );
    }
    if (record !== null && options.resume) {
      // Its files will be others when it ends.
      await removeFile(join(folder, CHECKSUMS_FILE));
      const kept = existsSync(observationsPath) ? readObservations(observationsPath) : undefined;
      const log = new ObservationLog(observationsPath, kept);
      return new RunFolder(folder, target, lock, log, record, kept?.observations ?? []);
    }
    // The record goes first: without it a half-deleted run cannot be taken for a whole one.
    await removeFile(recordPath);
    await removeFile(join(folder, CHECKSUMS_FILE));
    return new RunFolder(folder, target, lock, new ObservationLog(observationsPath), null, []);
  }

  /** Appends one observation; it outlives the death of this process. */
  append(observation: Observation): void {
    this.#log.append(observation);
  }

  /** Flushes the observations to the disk. */
  sync(): void {
    this.#log.sync();
  }

  /** Writes `run.json` as a whole. */
  async writeRecord(record: RunRecord): Promise<void> {
    await writeFileAtomic(join(this.#folder, RUN_FILES.record), toJson(record));
  }

  /** Writes the remaining files, and moves the run to its folder. */
  async finish(record: RunRecord, summary: Summary): Promise<void> {
    this.#log.sync();
    await writeFileAtomic(join(this.#folder, RUN_FILES.summary), toJson(summary));
    const last = toJson(record);
    const sums = [
      [sha256OfBytes(last), RUN_FILES.record],
      [await sha256OfFile(join(this.#folder, RUN_FILES.observations)), RUN_FILES.observations],
      [sha256OfBytes(toJson(summary)), RUN_FILES.summary],
    ];
    const checksums = sums.map(([sum = '', name = '']) => checksumLine(sum, name)).join('');
    await writeFileAtomic(join(this.#folder, CHECKSUMS_FILE), checksums);
    await this.writeRecord(record);
    if (this.#folder === this.#target) return;
    // `run.json` last, and copied: until then the folder beside is whole and the one that counts.
    for (const name of [RUN_FILES.observations, RUN_FILES.summary, CHECKSUMS_FILE, RUN_FILES.record]) {
      await writeFileAtomic(join(this.#target, name), await readFile(join(this.#folder, name)));
    }
    for (const name of [RUN_FILES.record, RUN_FILES.observations, RUN_FILES.summary, CHECKSUMS_FILE]) {
      await removeFile(join(this.#folder, name));
    }
  }

  /** Releases the folder. An unfinished run stays and can be resumed; one that has not begun leaves nothing behind. */
  async close(): Promise<void> {
    this.#log.close();
    if (!existsSync(join(this.#folder, RUN_FILES.record))) {
      await removeFile(join(this.#folder, RUN_FILES.observations));
    }
    this.#lock.release();
    // Only the folder beside a finished run is ours to delete, and only when nothing is in it.
    if (this.#folder !== this.#target) await rmdir(this.#folder).catch(() => undefined);
  }
}

/**
 * Reads the record and the observations of a run.
 *
 * @param folder - of the run
 * @throws {InputError} when it is no run, or a line of its observations is damaged
 */
export async function readRun(
  folder: string,
): Promise<{ readonly record: RunRecord; readonly observations: readonly Observation[] }> {
  const record = await readJson(join(folder, RUN_FILES.record), runRecordSchema);
  return { record, observations: readObservations(join(folder, RUN_FILES.observations)).observations };
}

/**
 * Holds a finished run against its checksums.
 *
 * @param folder - of the run
 * @throws {InputError} when it has none, or a file is not as it was written
 */
export async function verifyRun(folder: string): Promise<void> {
  await verifyFiles(folder, [RUN_FILES.record, RUN_FILES.observations, RUN_FILES.summary]);
}

async function readRecord(folder: string): Promise<RunRecord | null> {
  const path = join(folder, RUN_FILES.record);
  return existsSync(path) ? await readJson(path, runRecordSchema) : null;
}

function isFinished(record: RunRecord | null): boolean {
  return record !== null && record.finishedAt !== null;
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
