import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { InputError } from '../errors.js';
import { describeFileError, parseJson, sha256OfBytes } from '../files.js';
import { observationSchema } from './records.js';
import type { Observation } from './schema.js';

/** What a file of observations holds. */
export interface ReadObservations {
  readonly observations: readonly Observation[];
  /** Length of the whole lines, in bytes; what stands behind was cut off when its writer was killed. */
  readonly wholeBytes: number;
  /** Checksum of the last line; empty where it has none. */
  readonly lastCheck: string;
}

/** A longer file is no run that anybody meant, and more than a string can hold. */
const MOST_BYTES = 500 * 2 ** 20;

/**
 * How a checked line ends: with the first 16 digits of the SHA-256 of the line before (its own check) and of this one
 * without its check. A line that was damaged, lost, added or moved breaks the chain.
 */
const CHECK = /^(\{.*),"check":"([0-9a-f]{16})"\}$/;

/**
 * Reads a file of observations. A last line without its end is left out: its writer was killed in the middle of it.
 * Lines without checksums are taken as they are where no line before has one: other programs write such files.
 *
 * @throws {InputError} when the file is missing, or another line is broken or does not match its checksum; the message
 *   names it
 */
export function readObservations(path: string): ReadObservations {
  let bytes: Buffer;
  try {
    const { size } = statSync(path);
    if (size > MOST_BYTES) {
      throw new InputError(
        `${path}: at most ${MOST_BYTES / 2 ** 20} MiB of observations were required, got ${Math.ceil(size / 2 ** 20)}; measure in shards, or fewer trials`,
      );
    }
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw describeFileError(path, error);
  }
  const wholeBytes = bytes.lastIndexOf('\n') + 1;
  const lines = bytes.toString('utf8', 0, wholeBytes).split('\n').slice(0, -1);
  let lastCheck = '';
  const observations = lines.map((line, index) => {
    const where = `${path}:${index + 1}`;
    lastCheck = verify(line, lastCheck, where);
    return parseJson(line, observationSchema, where);
  });
  return { observations, wholeBytes, lastCheck };
}

/** Returns the check of a line, empty where it has none. */
function verify(line: string, before: string, where: string): string {
  const [, body, check] = CHECK.exec(line) ?? [];
  if (check === undefined && before === '') return '';
  if (body !== undefined && check === checkOf(`${body}}`, before)) return check;
  throw new InputError(
    `${where}: a line as it was written was required, got one that does not match its checksum, or the line before is missing; restore the file, or measure again with --restart`,
  );
}

function checkOf(line: string, before: string): string {
  return sha256OfBytes(before + line).slice(0, 16);
}

const EMPTY: Pick<ReadObservations, 'wholeBytes' | 'lastCheck'> = { wholeBytes: 0, lastCheck: '' };

/**
 * The append-only file of a run. A line is handed to the system as soon as its trial has ended, which outlives the death
 * of this process; {@link ObservationLog.sync} makes it outlive the death of the machine.
 */
export class ObservationLog {
  readonly #path: string;
  readonly #file: number;
  #bytes: number;
  #lastCheck: string;

  /**
   * Opens the file for appending.
   *
   * @param path - made when it is not there
   * @param kept - what of it is kept, as {@link readObservations} found it; what stands behind is cut off
   * @throws {UnavailableError} when the place cannot be written
   */
  constructor(path: string, kept: Pick<ReadObservations, 'wholeBytes' | 'lastCheck'> = EMPTY) {
    const { wholeBytes, lastCheck } = kept;
    this.#path = path;
    this.#bytes = wholeBytes;
    this.#lastCheck = lastCheck;
    try {
      this.#file = openSync(path, 'a');
      if (fstatSync(this.#file).size > wholeBytes) ftruncateSync(this.#file, wholeBytes);
    } catch (error) {
      throw describeFileError(path, error);
    }
  }

  /**
   * Appends one observation.
   *
   * @throws {UnavailableError} when the disk is full; the file then ends with its last whole line
   */
  append(observation: Observation): void {
    const body = JSON.stringify(observation);
    const check = checkOf(body, this.#lastCheck);
    const line = Buffer.from(`${body.slice(0, -1)},"check":"${check}"}\n`);
    try {
      for (let written = 0; written < line.length; ) written += writeSync(this.#file, line, written);
      this.#bytes += line.length;
      this.#lastCheck = check;
    } catch (error) {
      this.#cut();
      throw describeFileError(this.#path, error);
    }
  }

  /** Flushes what was appended to the disk. */
  sync(): void {
    try {
      fsyncSync(this.#file);
    } catch (error) {
      throw describeFileError(this.#path, error);
    }
  }

  /** Closes the file. */
  close(): void {
    closeSync(this.#file);
  }

  #cut(): void {
    try {
      ftruncateSync(this.#file, this.#bytes);
    } catch {
      // The reader leaves a half line out anyway.
    }
  }
}
